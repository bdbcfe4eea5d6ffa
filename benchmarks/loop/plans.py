"""A plan of the loop, and its outcome."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from loop.people import Taken
from loop.planted_study import planted_society
from loop.recovery import Recovered
from pluralign.simulation import Society
from pluralign.simulation.bank import TRAITS


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of the loop.

    Attributes:
        people: Number of people in each community.
        answers: Number of answers of each person.
        floor: Fewest people of a community in a release.
        early: Number of people who withdraw before the release.
        late: Number of people who withdraw after the models were fitted.
        fresh: Number of new pairs in each community on which tastes are compared.
        traits: Traits that replies may show.
        reliability: As `planted_society` takes it.
        seed: Seed of everything that is drawn here.
    """

    people: int
    answers: int
    floor: int
    early: int
    late: int
    fresh: int
    traits: tuple[str, ...] = TRAITS
    reliability: float = 1.5
    seed: int = 0

    @property
    def society(self) -> Society:
        """The planted tastes of the people."""
        return planted_society(self.people, self.traits, self.reliability)


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of the loop.

    Attributes:
        people: What each person did.
        server_seconds: Processor time of the server while people took part.
        cuts: Number of connections that were cut.
        release: What the command printed about the release.
        pairs: Number of pairs of the release, before and after the withdrawals.
        recovered: What the first models recovered, by method and community.
        report: The report before and after the withdrawals.
        withdrawn: Receipts of those who withdrew after the models were fitted.
        receipts: Id of a withdrawal -> the page of its receipt.
        files: Files of the models that were made again, and of the release, which were compared.
        different: Those that differ from a study that never had these people.
        moved: Files of the run that the withdrawals changed.
    """

    people: list[Taken]
    server_seconds: float
    cuts: int
    release: dict[str, Any]
    pairs: tuple[int, int]
    recovered: list[Recovered]
    report: tuple[str, str]
    withdrawn: list[dict[str, Any]]
    receipts: dict[str, str]
    files: list[str]
    different: list[str]
    moved: list[str]

    def total(self, name: str) -> int:
        """Sum of a number over all people, such as ``sent``."""
        return sum(getattr(one, name) for one in self.people)

    def refused(self) -> Counter[str]:
        """Reason -> number of refusals."""
        return sum((one.refused for one in self.people), Counter())
