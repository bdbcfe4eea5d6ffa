"""How much of planted tastes the models of a run have recovered."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import pluralign
from pluralign.core import BoolArray, FloatArray, PreferencePair, RewardRequest, Steer
from pluralign.runs import RewardRun
from pluralign.simulation import Society

Interval = tuple[float, float, float]
"""A value, and the ends of its 95 % interval."""
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the models recovered of the planted taste of one community.

    Attributes:
        community: Id of the community.
        reference: Share of new pairs that the reference orders as the community's taste does.
        steered: The same for the model that is steered to the community.
        gain: Steered minus reference. Intervals are over pairs.
        choices: Share of the choices of its people in new pairs that the steered model predicts.
        ceiling: The largest share that is possible, by a model that knows the planted truth.
        held_out: Accuracy that the run reports: on anchors, of people that the model never saw.
    """

    community: str
    reference: Interval
    steered: Interval
    gain: Interval
    choices: float
    ceiling: float
    held_out: Interval | None


def recovered(folder: Path, society: Society, fresh: int, seed: int) -> list[Recovered]:
    """Compare the models of a run with the planted tastes, on pairs that nobody was shown.

    Args:
        folder: Folder of the run.
        society: The society of the people.
        fresh: Number of new pairs in each community.
        seed: Seed of these pairs.
    """
    run = pluralign.open_run(folder)
    assert isinstance(run, RewardRun)
    pairs = society.pairs(fresh, np.random.default_rng(seed + 2))
    return [
        _of_community(run, society, home.id, [p for p in pairs if p.community == home.id])
        for home in society.communities
    ]


def _of_community(
    run: RewardRun, society: Society, community: str, pairs: list[PreferencePair]
) -> Recovered:
    true_N = np.array([society.true_margin(pair, community) for pair in pairs])
    reference_N = _margins(run, "reference", pairs, None)
    steered_N = _margins(run, "full", pairs, community)
    before_N, after_N = ((margin_N > 0) == (true_N > 0) for margin_N in (reference_N, steered_N))
    return Recovered(
        community=community,
        reference=_mean(before_N),
        steered=_mean(after_N),
        gain=_mean(after_N.astype(float) - before_N),
        choices=float((steered_N > 0).mean()),
        ceiling=society.best_possible_accuracy(pairs),
        held_out=_held_out(run, community),
    )


def _margins(
    run: RewardRun, method: str, pairs: list[PreferencePair], community: str | None
) -> FloatArray:
    model, steer = run.models[method], None if community is None else Steer({community: 1.0})
    chosen_N = model.score([RewardRequest(p.prompt, p.chosen) for p in pairs], steer)
    rejected_N = model.score([RewardRequest(p.prompt, p.rejected) for p in pairs], steer)
    margin_N: FloatArray = np.subtract(chosen_N, rejected_N)
    return margin_N


def _mean(value_N: BoolArray | FloatArray) -> Interval:
    mean, reach = float(value_N.mean()), _Z * float(value_N.std() / np.sqrt(len(value_N)))
    return mean, mean - reach, mean + reach


def _held_out(run: RewardRun, community: str) -> Interval | None:
    for row in run.results:
        own = row.method == "full" and row.steer == row.community == community
        if own and row.subset == "all" and row.low is not None and row.high is not None:
            return row.value, row.low, row.high
    return None
