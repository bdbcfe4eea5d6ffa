"""The steer matrix: the gain of one community's policy under every reward model, and controls."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.aligning.result_rows import MeasuredPolicy, mean_row
from pluralign.core import FloatArray

OVER_OTHERS, OVER_SWAP = "over_others", "over_swap"


@dataclass(frozen=True, slots=True)
class PolicyGains:
    """A row of the matrix before the mean over prompts.

    Attributes:
        policy: The policy.
        metric: ``reward_gain`` or ``judged_gain``.
        gain_P_C: Gain for each community by its reward, in spreads, shape (P, C); nan without one.
    """

    policy: MeasuredPolicy
    metric: str
    gain_P_C: FloatArray


def gain_rows(communities: Sequence[str], gains: Sequence[PolicyGains]) -> Iterator[dict[str, Any]]:
    """Rows of the gain of every policy for every community."""
    for one in gains:
        for column, community in enumerate(communities):
            yield mean_row(one.policy, one.metric, community, one.gain_P_C[:, column])


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
        for steer, own_P_C in by_steer.items():
            policy = MeasuredPolicy(method, steer, candidates, independent)
            column = communities.index(steer)
            own_P = own_P_C[:, column]
            if len(communities) > 1:
                others_P = np.delete(own_P_C, column, axis=1).mean(axis=1)
                yield mean_row(policy, f"{metric}_{OVER_OTHERS}", steer, own_P - others_P)
            swapped = [gain[:, column] for other, gain in by_steer.items() if other != steer]
            if swapped:
                control_P = np.mean(swapped, axis=0)
                yield mean_row(policy, f"{metric}_{OVER_SWAP}", steer, own_P - control_P)


def _groups(
    communities: Sequence[str], gains: Sequence[PolicyGains]
) -> dict[tuple[str, str, int | None], dict[str, FloatArray]]:
    """(Metric, method, candidates) -> community -> gains of its policy."""
    found: dict[tuple[str, str, int | None], dict[str, FloatArray]] = defaultdict(dict)
    for one in gains:
        steer = one.policy.steer
        if steer is not None and steer in communities:
            found[one.metric, one.policy.method, one.policy.candidates][steer] = one.gain_P_C
    return found
