"""Counts for everybody: of whole days, rounded, never of fewer people than the floor."""

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from pluralign.collecting.store.tables import assignment, participant, rating
from pluralign.collecting.study import StudySettings

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class PublicCount:
    """Counts of a community.

    Attributes:
        community: Its id.
        floor: Fewest people behind a number.
        people: Number of people, rounded; None below the floor.
        answers: Number of pairs that they answered, rounded; None below the floor.
    """

    community: str
    floor: int
    people: int | None
    answers: int | None


def public_counts(
    connection: Connection, settings: StudySettings, now: int
) -> tuple[PublicCount, ...]:
    """Counts at the end of yesterday (UTC).

    They stay the same for a day, and are rounded: two visits do not reveal what one person did
    between them. There is no total over communities, from which a hidden count would follow.
    """
    midnight = now // _DAY * _DAY
    today = datetime.datetime.fromtimestamp(midnight, datetime.UTC).date().isoformat()
    by = participant.c.community
    joined = select(by, func.count()).where(participant.c.joined_day < today).group_by(by)
    people = {row[0]: int(row[1]) for row in connection.execute(joined)}
    answered = (
        select(by, func.count(rating.c.assignment.distinct()))
        .join(assignment, rating.c.assignment == assignment.c.id)
        .join(participant, assignment.c.participant == participant.c.id)
        .where(rating.c.received_at < midnight)
        .group_by(by)
    )
    answers = {row[0]: int(row[1]) for row in connection.execute(answered)}
    return tuple(
        _public(one.id, people.get(one.id, 0), answers.get(one.id, 0), settings)
        for one in settings.communities
    )


def _public(community: str, people: int, answers: int, settings: StudySettings) -> PublicCount:
    floor, unit = settings.floor_of(community), settings.release.round_to
    if people < floor:
        return PublicCount(community, floor, None, None)
    return PublicCount(community, floor, rounded(people, unit), rounded(answers, unit))


def rounded(count: int, unit: int) -> int:
    """A count rounded to a multiple of a unit.

    >>> rounded(12, 5), rounded(13, 5)
    (10, 15)
    """
    return (count + unit // 2) // unit * unit
