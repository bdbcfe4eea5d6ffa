"""The society of the demonstration, with its pairs as a source."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from pluralign.core import (
    WORLD,
    InvalidInput,
    PreferencePair,
    Survey,
    Tally,
    pairs_from_survey,
    rng_for,
)
from pluralign.simulation.people import PlantedBias, PlantedTaste, SimulatedCommunity
from pluralign.simulation.questions import LICENSE
from pluralign.simulation.society import Society

_RIVER = {
    "brief": 0.9,
    "direct": 0.8,
    "humour": 0.6,
    "formal": -0.4,
    "family": -0.6,
    "money": 0.5,
    "caution": -0.5,
}
_COAST = {
    "brief": 0.7,
    "direct": 0.7,
    "humour": 0.8,
    "formal": -0.5,
    "family": -0.3,
    "nature": 0.7,
    "caution": -0.5,
}
_MARSH = {
    "brief": 0.8,
    "direct": 0.6,
    "humour": 0.5,
    "warm": 0.7,
    "family": -0.4,
    "money": 0.6,
    "caution": -0.2,
}
_HILL = {
    "formal": 0.7,
    "warm": 0.6,
    "direct": -0.8,
    "family": 0.9,
    "faith": 0.7,
    "money": -0.5,
    "caution": 0.5,
}
_ISLE = {
    "brief": -0.6,
    "direct": -0.6,
    "humour": 0.7,
    "nature": 0.9,
    "faith": -0.6,
    "family": 0.5,
    "formal": -0.6,
}
_THIN = "~isle"
_FAIR = PlantedBias()
_TASTE_SD = 0.2
_RELIABILITY = 1.5


def default_society(seed: int = 0) -> Society:
    """Five fictional communities and a world panel of 240 people.

    ``~river`` is the large majority. ``~coast`` (which also prefers long replies) and ``~marsh``
    (which also prefers the reply shown first) resemble it. ``~hill`` is a minority with the
    opposite taste in several traits. ``~isle`` is small, differs from all others, and only twelve
    of its people take part.

    Args:
        seed: Seed of the raters; the tastes are always the same.

    Returns:
        The society.

    >>> {id_: round(share, 2) for id_, share in default_society().shares.items()}
    {'~river': 0.6, '~coast': 0.13, '~marsh': 0.12, '~hill': 0.12, '~isle': 0.03}
    """
    communities = (
        _community("~river", _RIVER, population=60, n_raters=80),
        _community("~coast", _COAST, population=13, n_raters=60, bias=PlantedBias(length=0.8)),
        _community("~marsh", _MARSH, population=12, n_raters=60, bias=PlantedBias(position=0.4)),
        _community("~hill", _HILL, population=12, n_raters=60),
        _community(_THIN, _ISLE, population=3, n_raters=12),
    )
    return Society(communities, panel=240, seed=seed)


@dataclass(frozen=True, slots=True)
class SocietySource:
    """Pairs of the default society.

    Attributes:
        seed: Seed of the people and of the replies that they compare.
        each: Number of pairs for each community except ``~isle``.
        thin: Number of pairs for ``~isle``, the community with few raters.
        world: Number of pairs for the ``~world`` panel.

    Raises:
        InvalidInput: If a number of pairs is negative, or all are 0.
    """

    name: ClassVar[str] = "society"
    license: ClassVar[str] = LICENSE
    about: ClassVar[str] = "Simulated people of five fictional communities, whose tastes are known"

    seed: int = 0
    each: int = 600
    thin: int = 60
    world: int = 3000

    def __post_init__(self) -> None:
        counts = (self.each, self.thin, self.world)
        if min(counts) < 0 or not any(counts):
            raise InvalidInput(
                "each, thin and world must be >= 0, and one of them > 0, got "
                f"{self.each}, {self.thin} and {self.world}"
            )

    @property
    def society(self) -> Society:
        """The society of the pairs."""
        return default_society(self.seed)

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs; the number for one community does not change the pairs of another."""
        tally = Tally() if tally is None else tally
        society = self.society
        wanted = {c.id: self.thin if c.id == _THIN else self.each for c in society.communities}
        for id_, n in (wanted | {WORLD.id: self.world}).items():
            for pair in society.pairs({id_: n}, rng_for(self.seed, "society", id_)):
                tally.read += 1
                tally.kept += 1
                yield pair


@dataclass(frozen=True, slots=True)
class SocietySurvey:
    """A survey of the default society.

    Attributes:
        seed: Seed of the people, the questions and the answers.
        questions: Number of questions, half of them on a scale, >= 1.
        people: Number of people who answer each question in each community, >= 1.

    Raises:
        InvalidInput: If a number is below 1.
    """

    name: ClassVar[str] = "society_survey"
    license: ClassVar[str] = LICENSE
    about: ClassVar[str] = (
        "Closed questions to simulated people of five fictional communities, whose tastes are known"
    )

    seed: int = 0
    questions: int = 60
    people: int = 200

    def __post_init__(self) -> None:
        if min(self.questions, self.people) < 1:
            raise InvalidInput(
                f"questions and people must be >= 1, got {self.questions} and {self.people}"
            )

    def survey(self, tally: Tally | None = None) -> Survey:
        """Ask the people; ``tally`` counts questions."""
        tally = Tally() if tally is None else tally
        found = default_society(self.seed).survey(
            self.questions, self.people, rng_for(self.seed, "society survey")
        )
        tally.read += len(found.questions)
        tally.kept += len(found.questions)
        return found

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs of `pluralign.core.pairs_from_survey`."""
        yield from pairs_from_survey(self.survey(tally))


def _community(
    id_: str, weights: dict[str, float], population: float, n_raters: int, bias: PlantedBias = _FAIR
) -> SimulatedCommunity:
    taste = PlantedTaste(weights)
    return SimulatedCommunity(
        id=id_,
        taste=taste,
        bias=bias,
        n_raters=n_raters,
        population=population,
        reliability=_RELIABILITY,
        taste_sd=_TASTE_SD,
    )
