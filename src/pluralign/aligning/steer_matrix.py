"""The steer matrix: the gain of one community's policy under every reward model, and controls."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.aligning.people_intervals import NOBODY, PeopleBehind, fits_row
from pluralign.aligning.result_rows import MeasuredPolicy
from pluralign.core import FloatArray

OVER_OTHERS, OVER_SWAP = "over_others", "over_swap"


@dataclass(frozen=True, slots=True)
class PolicyGains:
    """A row of the matrix before the mean over prompts.

    Attributes:
        policy: The policy.
        metric: ``reward_gain`` or ``judged_gain``.
        gain_B_P_C: Gain for each community by its reward, in spreads, by each of B fits of the
            reward model, shape (B, P, C); nan without one.
        people: The people behind the reward model.
    """

    policy: MeasuredPolicy
    metric: str
    gain_B_P_C: FloatArray
    people: PeopleBehind = NOBODY


def gain_rows(communities: Sequence[str], gains: Sequence[PolicyGains]) -> Iterator[dict[str, Any]]:
    """Rows of the gain of every policy for every community."""
    for one in gains:
        for column, community in enumerate(communities):
            gain_B_P = one.gain_B_P_C[:, :, column]
            yield fits_row(one.policy, one.metric, community, gain_B_P, one.people)


def steer_rows(
    communities: Sequence[str], gains: Sequence[PolicyGains]
) -> Iterator[dict[str, Any]]:
    """Rows of what steering adds, for every policy of one community where there are others.

    ``..._over_others``: the gain for the policy's community less its mean gain for the other
    communities: other reward models, the same answers. ``..._over_swap``, the swap control: the
    gain for the policy's community less the mean gain for it by the policies of the same method
    for the other communities: the same reward model, other answers. A policy that merely writes
    better for everybody has 0 in both.
    """
    independent = all(one.policy.independent for one in gains)
    for (metric, method, candidates), by_steer in _groups(communities, gains).items():
        for steer, own in by_steer.items():
            policy = MeasuredPolicy(method, steer, candidates, independent)
            column = communities.index(steer)
            own_B_P = own.gain_B_P_C[:, :, column]
            over: dict[str, FloatArray] = {}
            if len(communities) > 1:
                over[OVER_OTHERS] = np.delete(own.gain_B_P_C, column, axis=2).mean(axis=2)
            swapped = [one.gain_B_P_C[:, :, column] for c, one in by_steer.items() if c != steer]
            if swapped:
                over[OVER_SWAP] = np.mean(swapped, axis=0)
            for name, control_B_P in over.items():
                difference_B_P = own_B_P - control_B_P
                yield fits_row(policy, f"{metric}_{name}", steer, difference_B_P, own.people)


def _groups(
    communities: Sequence[str], gains: Sequence[PolicyGains]
) -> dict[tuple[str, str, int | None], dict[str, PolicyGains]]:
    """(Metric, method, candidates) -> community -> gains of its policy."""
    found: dict[tuple[str, str, int | None], dict[str, PolicyGains]] = defaultdict(dict)
    for one in gains:
        steer = one.policy.steer
        if steer is not None and steer in communities:
            found[one.metric, one.policy.method, one.policy.candidates][steer] = one
    return found
