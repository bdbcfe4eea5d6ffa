"""Communities with fewer people than a study hopes for come first in its invitations."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from pluralign.collecting.store.tables import assignment, participant, rating
from pluralign.collecting.study import StudySettings


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many people of a community a study has.

    Attributes:
        community: Id of the community.
        hoped: Number of people that the study hopes for.
        answered: Number of people who have answered at least one pair.
    """

    community: str
    hoped: int
    answered: int

    @property
    def missing(self) -> int:
        """Number of people who are missing; never below 0."""
        return max(0, self.hoped - self.answered)


def thin_first(hoped: Mapping[str, int], answered: Mapping[str, int]) -> list[Coverage]:
    """Communities, the one with most people missing first.

    Args:
        hoped: Community -> number of people that the study hopes for.
        answered: Community -> number of people who answered; 0 where it has no entry.

    Returns:
        Coverage of every community in ``hoped``. Where equally many are missing, the one with the
        smaller share of its people comes first, then the alphabet decides.

    >>> [one.community for one in thin_first({"MEX": 50, "~hill": 20}, {"MEX": 45})]
    ['~hill', 'MEX']
    """
    found = [Coverage(id_, n, answered.get(id_, 0)) for id_, n in hoped.items()]
    return sorted(found, key=lambda one: (-one.missing, one.answered / one.hoped, one.community))


def deal_invitations(
    count: int, hoped: Mapping[str, int], answered: Mapping[str, int]
) -> dict[str, int]:
    """Deal invitations to communities, each to the one with most people missing then.

    Args:
        count: Number of invitations, >= 0.
        hoped: Community -> number of people that the study hopes for.
        answered: Community -> number of people who answered; 0 where it has no entry.

    Returns:
        Community -> number of invitations; they sum to ``count``, or to the number of people who
        are missing if that is smaller.

    >>> deal_invitations(10, {"MEX": 10, "~hill": 10}, {"MEX": 8})
    {'MEX': 1, '~hill': 9}
    """
    dealt = dict.fromkeys(hoped, 0)
    for _ in range(count):
        present = {id_: answered.get(id_, 0) + dealt[id_] for id_ in hoped}
        thinnest = thin_first(hoped, present)[0]
        if not thinnest.missing:
            break
        dealt[thinnest.community] += 1
    return dealt


def people_hoped_for(settings: StudySettings) -> dict[str, int]:
    """Community -> number of people that a study hopes for."""
    return {one.id: one.people for one in settings.communities}


def people_who_answered(connection: Connection) -> dict[str, int]:
    """Community -> number of people who have answered at least one pair, without practice."""
    people = func.count(assignment.c.participant.distinct())
    found = connection.execute(
        select(participant.c.community, people)
        .join(assignment, assignment.c.participant == participant.c.id)
        .join(rating, rating.c.assignment == assignment.c.id)
        .where(assignment.c.reason != "practice")
        .group_by(participant.c.community)
    )
    return {row[0]: row[1] for row in found}
