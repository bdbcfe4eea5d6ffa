"""Answers as the chooser reads them from the store."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Table, bindparam, func, select

from pluralign.collecting.store.tables import (
    assignment,
    audit,
    moderation,
    pair,
    participant,
    rating,
    text,
)

_COUNTED = ("anchor", "overlap", "fresh", "informative")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer.

    Attributes:
        pair: Id of the pair.
        person: Id of the person.
        community: The person's community.
        counted: Whether it counts; practice and repeats do not.
        sign: 1 where they took the pair's first response, -1 the second, 0 neither.
    """

    pair: str
    person: str
    community: str
    counted: bool
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
    row = connection.execute(_STATE).one()
    return StoreState(row[0], row[1], row[2], row[3])


def count_shown(connection: Connection) -> int:
    """Number of pairs whose three texts are shown."""
    return connection.execute(_SHOWN).scalar_one()


def all_answers(connection: Connection) -> list[StoredAnswer]:
    """Every answer in its newest version."""
    return [_read(row) for row in connection.execute(_ALL)]


def answers_since(connection: Connection, seq: int) -> list[StoredAnswer]:
    """First versions of the answers that were kept after a row of the audit log, oldest first."""
    return [_read(row) for row in connection.execute(_SINCE, {"seq": seq})]


def _read(row: Any) -> StoredAnswer:
    sign = 0
    if row.choice in ("left", "right"):
        sign = 1 if (row.choice == "left") == (row.left == row.first) else -1
    return StoredAnswer(row.pair, row.participant, row.community, row.reason in _COUNTED, sign)


def _count(table: Table) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).scalar_subquery()


# Statements are built once: building one takes longer than running it.
_STATE = select(
    _count(pair),
    _count(moderation),
    _count(rating),
    select(func.coalesce(func.max(audit.c.seq), 0)).scalar_subquery(),
)
_PROMPT, _FIRST, _SECOND = (text.alias() for _ in range(3))
_SHOWN = (
    select(func.count())
    .select_from(pair)
    .join(_PROMPT, (pair.c.prompt == _PROMPT.c.id) & (_PROMPT.c.state == "shown"))
    .join(_FIRST, (pair.c.first == _FIRST.c.id) & (_FIRST.c.state == "shown"))
    .join(_SECOND, (pair.c.second == _SECOND.c.id) & (_SECOND.c.state == "shown"))
)
_ANSWERS = (
    select(
        assignment.c.pair,
        assignment.c.left,
        assignment.c.participant,
        assignment.c.reason,
        participant.c.community,
        rating.c.choice,
        pair.c.first,
    )
    .select_from(rating)
    .join(assignment, rating.c.assignment == assignment.c.id)
    .join(participant, assignment.c.participant == participant.c.id)
    .join(pair, assignment.c.pair == pair.c.id)
)
_OTHER = rating.alias()
_ALL = _ANSWERS.where(
    rating.c.version
    == select(func.max(_OTHER.c.version))
    .where(_OTHER.c.assignment == rating.c.assignment)
    .scalar_subquery()
).order_by(rating.c.id)
_SINCE = (
    _ANSWERS.join(audit, audit.c.object == rating.c.id)
    .where(audit.c.seq > bindparam("seq"), audit.c.action == "answer kept")
    .order_by(audit.c.seq)
)
