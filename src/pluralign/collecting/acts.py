"""The acts of those who run a study, read from the audit log.

The chain has the acts of participants too, and a check covers them. They are not listed: the time
of one act is about one person.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from pluralign.collecting.store.tables import audit, steward

_WHOLE = 24
_LAST = 8


@dataclass(frozen=True, slots=True)
class Act:
    """An act.

    Attributes:
        seq: Number of its row in the log.
        at: Seconds since 1970.
        steward: Name of the steward who acted; None for the operator.
        action: The act, in the words of the log, without its detail.
        detail: The rule of a text, the scope of a withdrawal, or the name of a steward; else empty.
        object: Id of the row or file that it was done to, in short.
    """

    seq: int
    at: int
    steward: str | None
    action: str
    detail: str
    object: str


def acts(connection: Connection, before: int | None, most: int) -> list[Act]:
    """Acts of stewards and the operator, the newest first.

    Args:
        connection: A connection.
        before: Only rows with a smaller number; None for the newest.
        most: Largest number of acts.
    """
    names = {row.id: row.name for row in connection.execute(select(steward.c.id, steward.c.name))}
    query = select(audit).where(
        or_(audit.c.actor == "operator", audit.c.actor.startswith("steward "))
    )
    if before is not None:
        query = query.where(audit.c.seq < before)
    rows = connection.execute(query.order_by(audit.c.seq.desc()).limit(most))
    found = []
    for row in rows:
        action, detail = in_parts(row.action)
        found.append(
            Act(
                seq=row.seq,
                at=row.at,
                steward=names.get(row.actor.removeprefix("steward ")),
                action=action,
                detail=names.get(detail, detail),
                object=short(row.object),
            )
        )
    return found


def in_parts(action: str) -> tuple[str, str]:
    """An act of the log without its detail, and the detail.

    >>> in_parts("text hidden (insult)"), in_parts("agreement noted: steward s1")
    (('text hidden', 'insult'), ('agreement noted', 's1'))
    """
    for mark in (": steward ", " ("):
        if mark in action:
            name, _, detail = action.partition(mark)
            return name, detail.removesuffix(")")
    return action, ""


def short(id_: str) -> str:
    """An id as a page shows it: the id of a withdrawal opens the receipt of a person.

    >>> short("2026-11-30-00aabbcc"), short("019aa8f2d3c0" + 20 * "7")
    ('2026-11-30-00aabbcc', '…77777777')
    """
    return id_ if len(id_) <= _WHOLE else f"…{id_[-_LAST:]}"
