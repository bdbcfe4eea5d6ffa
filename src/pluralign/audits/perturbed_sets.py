"""Choices of a reward model before and after one thing in a set of responses was changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pluralign.core import FloatArray, InvalidInput

Kind = Literal["concept", "label", "language", "paraphrase"]
KINDS: tuple[Kind, ...] = ("concept", "label", "language", "paraphrase")
"""CARB's perturbations (arXiv 2509.21798): CC, RC, CL and RP."""
QUARTILES_OF_NORMAL = 1.349


@dataclass(frozen=True, slots=True)
class PerturbedSet:
    """Rewards of the responses to one prompt, as it was and with one thing changed.

    Attributes:
        id: Id of the set.
        model: The reward model.
        community: The community steered to; None for a model that does not steer.
        kind: The change: ``concept`` (another culture's), ``label`` (the culture is not
            named any more), ``language`` (translated), ``paraphrase`` (other words).
        before: Rewards of the right response and of the others, in logits; the right one first.
        after: The same after the change, in the same order.

    Raises:
        InvalidInput: If there are not two responses, their numbers differ, or a reward is not
            finite.
    """

    id: str
    model: str
    community: str | None
    kind: Kind
    before: Sequence[float]
    after: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.before) != len(self.after) or len(self.before) < 2:
            raise InvalidInput(
                f"{len(self.before)} rewards before and {len(self.after)} after",
                where=f"set {self.id}",
                hint="a set has a right response and others, the same number in each version",
            )
        if not np.isfinite([*self.before, *self.after]).all():
            raise InvalidInput("a reward is not a finite number", where=f"set {self.id}")

    @property
    def changed(self) -> bool:
        """Whether the model prefers another response after the change."""
        return int(np.argmax(self.before)) != int(np.argmax(self.after))

    @property
    def margins(self) -> tuple[float, float]:
        """Reward of the right response less that of the best other one, before and after."""
        first, then = (side[0] - max(side[1:]) for side in (self.before, self.after))
        return float(first), float(then)


def by_model(sets: Sequence[PerturbedSet], kind: Kind) -> Mapping[str, list[PerturbedSet]]:
    """The sets of one kind of each reward model, and of each community that it is steered to."""
    found: dict[str, list[PerturbedSet]] = {}
    for one in sets:
        if one.kind == kind:
            found.setdefault(one.model, []).append(one)
    return found


def consistency(before_N: FloatArray, after_N: FloatArray, k: float = 1.0) -> FloatArray:
    """CARB's consistency of each pair of margins: e^(-k |change|).

    The change is measured in spreads of the margins before (distance of the quartiles / 1.349), so
    that a reward model of wide margins is not less consistent for that.

    Args:
        before_N: Margins before, in logits, shape (N,).
        after_N: Margins after, shape (N,).
        k: How fast consistency falls, > 0.

    Returns:
        Shape (N,), in (0, 1]; 1 where nothing changed.

    >>> consistency(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.741])).round(3).tolist()
    [1.0, 1.0, 0.368]
    """
    low, high = np.quantile(before_N, [0.25, 0.75])
    spread = (high - low) / QUARTILES_OF_NORMAL
    change_N = np.abs(after_N - before_N)
    if spread <= 0:
        return np.where(change_N > 0, 0.0, 1.0)
    consistent_N: FloatArray = np.exp(-k * change_N / spread)
    return consistent_N
