"""Best of n on the test prompts: the gain of a choice by a reward, against chance and length."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.aligning.scoring import ScoredCandidates, rows_of_side
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray
from pluralign.metrics import best_of_n, best_of_n_divergence, t_interval


@dataclass(frozen=True, slots=True)
class _Chooser:
    """A way to choose among the answers to a prompt.

    Attributes:
        method: Its name in results.
        steer: Community whose reward chooses; None for the baselines.
        score_P_N: Scores.
    """

    method: str
    steer: str | None
    score_P_N: FloatArray


def curve_rows(work: AlignWork, scored: ScoredCandidates) -> list[dict[str, Any]]:
    """Rows of results: the gain over chance of every choice, by every reward, for every n.

    A gain is the expected reward of the chosen answer, less the mean reward of all answers to the
    prompt, in spreads of the start model's rewards (`RewardScale`), with an interval over prompts.
    """
    at_P = np.array(rows_of_side(work, scored, "test"))
    rows: list[dict[str, Any]] = []
    for metric, judged_P_N_C, scales in _judges(scored):
        for chooser in _choosers(work, scored, at_P):
            for column, community in enumerate(work.communities):
                value_P_N = judged_P_N_C[at_P][:, :, column] / scales[community].spread
                rows += _curve(chooser, value_P_N, {"metric": metric, "community": community})
    return rows


def _judges(scored: ScoredCandidates) -> Iterator[tuple[str, FloatArray, Any]]:
    yield "reward_gain", scored.reward_P_N_C, scored.scales
    if scored.judged_P_N_C is not None:
        yield "judged_gain", scored.judged_P_N_C, scored.judge_scales


def _choosers(work: AlignWork, scored: ScoredCandidates, at_P: Any) -> Iterator[_Chooser]:
    # Characters, not words: not every script has spaces.
    lengths = [[len(one.text) for one in own] for own in scored.candidates]
    length_P_N = np.array(lengths, dtype=np.float64)[at_P]
    for column, community in enumerate(work.communities):
        reward_P_N = scored.reward_P_N_C[at_P][:, :, column]
        yield _Chooser("best-of-n", community, reward_P_N)
    yield _Chooser("longest", None, length_P_N)
    yield _Chooser("shortest", None, -length_P_N)


def _curve(
    chooser: _Chooser, value_P_N: FloatArray, about: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    answered_P_N = ~np.isnan(value_P_N)
    kept_P = answered_P_N.all(axis=1)  # a prompt with an empty answer has no mean to compare with
    value_P_N, score_P_N = value_P_N[kept_P], chooser.score_P_N[kept_P]
    n = len(value_P_N)
    for candidates in _sizes(chooser.score_P_N.shape[1]):
        gain_P = best_of_n(score_P_N, value_P_N, candidates) - value_P_N.mean(axis=1)
        variance = float(gain_P.var(ddof=1) / n) if n > 1 else float("nan")
        low, high = t_interval(float(gain_P.mean()), variance, n - 1)
        yield about | {
            "method": chooser.method,
            "steer": chooser.steer,
            "candidates": candidates,
            "kl_bound": round(best_of_n_divergence(candidates), 6),
            "value": float(gain_P.mean()),
            "low": low,
            "high": high,
            "n": n,
            "n_raters": None,
        }


def _sizes(n: int) -> list[int]:
    """2, 4, 8, ... up to all.

    >>> _sizes(8), _sizes(6)
    ([2, 4, 8], [2, 4, 6])
    """
    sizes = [2**k for k in range(1, n.bit_length()) if 2**k < n]
    return [*sizes, n]
