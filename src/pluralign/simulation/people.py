"""Simulated people: the taste of a community, the differences of its raters, and their errors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import FloatArray, InvalidInput, community


@dataclass(frozen=True, slots=True)
class PlantedTaste:
    """The taste of a community in replies: the truth that a method should find.

    Attributes:
        weights: Trait -> utility in logits of showing it; showing its opposite costs the same. The
            utility of other traits is 0.

    >>> PlantedTaste({"family": 1.0, "money": -0.5}).of(("money", "warm")).tolist()
    [-0.5, 0.0]
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if not all(math.isfinite(w) for w in self.weights.values()):
            raise InvalidInput(f"weights must be finite numbers, got {dict(self.weights)}")
        object.__setattr__(self, "weights", dict(self.weights))

    def of(self, traits: tuple[str, ...]) -> FloatArray:
        """Weights of the given traits, shape (D,)."""
        return np.array([self.weights.get(t, 0.0) for t in traits])


@dataclass(frozen=True, slots=True)
class PlantedBias:
    """Influences on raters that are not part of their taste.

    Attributes:
        length: Utility in logits for each unit of the log word count.
        position: Utility in logits of being shown first.
    """

    length: float = 0.0
    position: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatedCommunity:
    """A community whose truth is known.

    Attributes:
        id: Its id; fictional (``~river``), unless you mean a real community.
        taste: The taste of its people.
        bias: Other influences on its raters.
        n_raters: Number of people who compare, >= 1.
        population: Number of people who live there, in any unit; sets its part of the ``~world``
            panel.
        reliability: Median over raters of the factor from utility to their choice; with 0 the
            choice is a coin toss.
        reliability_sd: Standard deviation over raters of the logarithm of reliability.
        taste_sd: Standard deviation over raters of each trait's weight around the community's.

    Raises:
        InvalidInput: If the id is malformed, there are no raters, or a number is negative or not
            finite.
    """

    id: str
    taste: PlantedTaste
    bias: PlantedBias = field(default_factory=PlantedBias)
    n_raters: int = 60
    population: float = 1.0
    reliability: float = 1.0
    reliability_sd: float = 0.3
    taste_sd: float = 0.0

    def __post_init__(self) -> None:
        community(self.id)
        spreads = (self.population, self.reliability, self.reliability_sd, self.taste_sd)
        if self.n_raters < 1 or not all(math.isfinite(s) and s >= 0 for s in spreads):
            raise InvalidInput(
                f"n_raters must be >= 1 and the other numbers >= 0, got {self.n_raters} and "
                f"{spreads}",
                where=f"community {self.id}",
            )


@dataclass(frozen=True, slots=True)
class Raters:
    """People who compare; every attribute is aligned with ``ids``.

    Attributes:
        ids: Ids such as ``~river/r012``.
        taste_R_D: The rater's own weight of each trait, in logits.
        length_R: Utility in logits for each unit of the log word count.
        position_R: Utility in logits of being shown first.
        reliability_R: Factor from utility to choice, >= 0.
    """

    ids: tuple[str, ...]
    taste_R_D: FloatArray
    length_R: FloatArray
    position_R: FloatArray
    reliability_R: FloatArray


def draw_raters(
    panel: str, homes: list[SimulatedCommunity], traits: tuple[str, ...], rng: np.random.Generator
) -> Raters:
    """Draw the people of a panel.

    Args:
        panel: Id of the panel, the prefix of its raters' ids.
        homes: The community of each person.
        traits: Traits of the society.
        rng: Generator of the draws.

    Returns:
        The raters.
    """
    size = (len(homes), len(traits))
    taste_sd = np.array([h.taste_sd for h in homes])
    log_sd = np.array([h.reliability_sd for h in homes])
    taste_R_D = np.array([h.taste.of(traits) for h in homes])
    taste_R_D = taste_R_D + taste_sd[:, None] * rng.normal(size=size)
    reliability_R = np.array([h.reliability for h in homes])
    return Raters(
        ids=tuple(f"{panel}/r{i:03d}" for i in range(len(homes))),
        taste_R_D=taste_R_D,
        length_R=np.array([h.bias.length for h in homes]),
        position_R=np.array([h.bias.position for h in homes]),
        reliability_R=reliability_R * np.exp(log_sd * rng.normal(size=len(homes))),
    )
