"""Answers as the chooser reads them from the store."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, ScalarSelect, Select, Table, func, select

from pluralign.collecting.store.tables import (
    assignment,
    audit,
    moderation,
    pair,
    participant,
    rating,
)

_COUNTED = ("anchor", "overlap", "fresh", "informative")
_ONE_QUERY = 500


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The newest version of an answer.

    Attributes:
        pair: Id of the pair.
        person: Id of the person.
        community: The person's community.
        sign: 1 where they took the pair's first response, -1 the second, 0 neither.
    """

    pair: str
    person: str
    community: str
    sign: int


@dataclass(frozen=True, slots=True)
class StoreState:
    """Numbers that change when the chooser has to read the store again.

    Attributes:
        pairs: Number of pairs.
        decisions: Number of decisions of moderators.
        ratings: Number of versions of answers.
        seq: Number of the newest row of the audit log.
    """

    pairs: int
    decisions: int
    ratings: int
    seq: int


def store_state(connection: Connection) -> StoreState:
    """The state of the store now."""
    newest = select(func.coalesce(func.max(audit.c.seq), 0)).scalar_subquery()
    columns = (_count(pair), _count(moderation), _count(rating), newest)
    row = connection.execute(select(*columns)).one()
    return StoreState(row[0], row[1], row[2], row[3])


def _count(table: Table) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).scalar_subquery()


def kept_since(connection: Connection, seq: int) -> list[str]:
    """Ids of first answers that were kept after a row of the audit log."""
    found = select(audit.c.object).where(audit.c.seq > seq, audit.c.action == "answer kept")
    return list(connection.execute(found.order_by(audit.c.seq)).scalars())


def answers_of(connection: Connection, ratings: Sequence[str] | None = None) -> list[StoredAnswer]:
    """Answers to pairs, without practice and repeats.

    Args:
        connection: A connection.
        ratings: Ids of ratings; all answers, each in its newest version, where None.
    """
    if ratings is None:
        other = rating.alias()
        newest = select(func.max(other.c.version)).where(other.c.assignment == rating.c.assignment)
        return _read(connection, _answers().where(rating.c.version == newest.scalar_subquery()))
    found = []
    for start in range(0, len(ratings), _ONE_QUERY):
        some = ratings[start : start + _ONE_QUERY]
        found += _read(connection, _answers().where(rating.c.id.in_(some)))
    return found


def _answers() -> Select[tuple[str, str, str, str, str, str]]:
    columns = (
        assignment.c.pair,
        assignment.c.left,
        assignment.c.participant,
        participant.c.community,
        rating.c.choice,
        pair.c.first,
    )
    return (
        select(*columns)
        .join(assignment, rating.c.assignment == assignment.c.id)
        .join(participant, assignment.c.participant == participant.c.id)
        .join(pair, assignment.c.pair == pair.c.id)
        .where(assignment.c.reason.in_(_COUNTED))
        .order_by(rating.c.id)
    )


def _read(
    connection: Connection, query: Select[tuple[str, str, str, str, str, str]]
) -> list[StoredAnswer]:
    return [
        StoredAnswer(
            row.pair, row.participant, row.community, _sign(row.choice, row.left == row.first)
        )
        for row in connection.execute(query)
    ]


def _sign(choice: str, first_is_left: bool) -> int:
    if choice not in ("left", "right"):
        return 0
    return 1 if (choice == "left") == first_is_left else -1
