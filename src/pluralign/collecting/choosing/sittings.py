"""A person's history: the pairs that they were shown, and how far their sitting is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from pluralign.collecting.store.tables import assignment, rating

PAUSE_SECONDS = 3600
"""A sitting ends when a person answers nothing for this time."""


@dataclass(frozen=True, slots=True)
class ShownBefore:
    """A pair that a person was shown.

    Attributes:
        id: Id of the assignment.
        pair: Id of the pair.
        reason: Why it was shown.
        served_at: Time at which it was shown, seconds since 1970.
        answered_at: Time at which its first answer arrived; None without an answer.
    """

    id: str
    pair: str
    reason: str
    served_at: int
    answered_at: int | None
    deleted: bool = False


def history_of(connection: Connection, person: str) -> list[ShownBefore]:
    """Everything that a person was shown, oldest first."""
    rows = connection.execute(_HISTORY, {"person": person})
    return [
        ShownBefore(
            row.id, row.pair, row.reason, row.served_at, row.answered, row.deleted is not None
        )
        for row in rows
    ]


# Built once: building a statement takes longer than running it.
_HISTORY = (
    select(
        assignment.c.id,
        assignment.c.pair,
        assignment.c.reason,
        assignment.c.served_at,
        assignment.c.deleted,
        func.min(rating.c.received_at).label("answered"),
    )
    .outerjoin(rating, rating.c.assignment == assignment.c.id)
    .where(assignment.c.participant == bindparam("person"))
    .group_by(assignment.c.id)
    .order_by(assignment.c.served_at, assignment.c.id)
)


def unanswered(history: Sequence[ShownBefore]) -> list[ShownBefore]:
    """Pairs that wait for an answer: shown since the pair that was answered last.

    An older pair without an answer is one whose answer the person deleted.
    """
    answered = [one.served_at for one in history if one.answered_at is not None]
    since = max(answered, default=0)
    return [
        one
        for one in history
        if one.answered_at is None
        and not one.deleted
        and one.served_at >= since
        and one.reason != "practice"
    ]


def this_sitting(history: Sequence[ShownBefore], now: int) -> list[ShownBefore]:
    """Answered pairs of the sitting that goes on now, without practice, oldest first."""
    answered = [one for one in history if one.answered_at is not None and one.reason != "practice"]
    sitting: list[ShownBefore] = []
    until = now
    for one in sorted(answered, key=lambda one: one.answered_at or 0, reverse=True):
        if until - (one.answered_at or 0) > PAUSE_SECONDS:
            break
        until = one.answered_at or 0
        sitting.insert(0, one)
    return sitting
