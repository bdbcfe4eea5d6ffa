"""Texts that wait for a steward: new ones, and those that people reported."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true

from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.stewards import Steward
from pluralign.collecting.store.tables import flag, moderation, participant, text

AT_ONCE = 30
"""Number of texts on one page of the queue."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report that waits for a decision, without the person who made it.

    Attributes:
        id: Its id.
        reason: The person's words.
        at: Seconds since 1970.
    """

    id: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A text that a steward looks at, without its author.

    Attributes:
        id: Its id.
        kind: ``prompt``, ``response`` or ``story``.
        body: The text.
        parent: The prompt that it belongs to; None without one.
        language: BCP 47 tag.
        community: Its community; None for all.
        origin: ``people``, ``study``, or the model with its settings.
        state: ``waiting``, ``shown`` or ``hidden``.
        made_at: Seconds since 1970.
        reports: Reports that wait for a decision.
        seen: Id of the newest decision about it; empty before the first.
        decides: Whether the steward may decide about it.
    """

    id: str
    kind: str
    body: str
    parent: str | None
    language: str
    community: str | None
    origin: str
    state: str
    made_at: int
    reports: tuple[Report, ...]
    seen: str
    decides: bool


def queue(connection: Connection, by: Steward) -> list[Judged]:
    """The first texts that wait for a steward: reported texts, then the oldest new ones.

    A report of a text that all communities share is shown to the steward of the person who made
    it, who cannot decide about it.
    """
    reported = _ids_reported(connection, by)
    waiting = (
        select(text.c.id)
        .where(text.c.state == "waiting", within(text.c.community, by))
        .order_by(text.c.made_at, text.c.id)
        .limit(AT_ONCE)
    )
    ids = [*reported, *connection.execute(waiting).scalars()]
    return _judged(connection, by, list(dict.fromkeys(ids))[:AT_ONCE])


def waiting_count(connection: Connection, by: Steward) -> int:
    """Number of texts that wait for a steward."""
    waiting = select(func.count()).where(text.c.state == "waiting", within(text.c.community, by))
    return connection.execute(waiting).scalar_one() + len(_ids_reported(connection, by))


def judged_text(connection: Connection, by: Steward, text_id: str) -> Judged:
    """One text.

    Raises:
        NotAccepted: If there is no such text that the steward sees.
    """
    mine = select(text.c.id).where(text.c.id == text_id, text.c.body != "")
    inside = within(text.c.community, by)
    known = connection.execute(mine.where(inside)).first()
    if known is None and text_id not in _ids_reported(connection, by):
        raise NotAccepted("There is no such text in your communities.", status=404)
    return _judged(connection, by, [text_id])[0]


def within(community: ColumnElement[str | None], by: Steward) -> ColumnElement[bool]:
    """Whether a column has a community that a steward answers for."""
    return true() if by.of_all else community.in_(sorted(by.communities))


def _ids_reported(connection: Connection, by: Steward) -> list[str]:
    """Texts with reports that wait, the earliest report first."""
    shared = and_(text.c.community.is_(None), within(participant.c.community, by))
    query = (
        select(flag.c.text)
        .join(text, flag.c.text == text.c.id)
        .join(participant, flag.c.participant == participant.c.id)
        .where(flag.c.settled_by.is_(None), text.c.state == "shown")
        .where(or_(within(text.c.community, by), shared))
        .group_by(flag.c.text)
        .order_by(func.min(flag.c.at), flag.c.text)
    )
    return list(connection.execute(query).scalars())


def _judged(connection: Connection, by: Steward, ids: Sequence[str]) -> list[Judged]:
    parent = text.alias("parent")
    query = select(text, parent.c.body.label("parent_body")).outerjoin(
        parent, text.c.parent == parent.c.id
    )
    rows = {row.id: row for row in connection.execute(query.where(text.c.id.in_(ids)))}
    reports, seen = _reports(connection, by, ids), _newest(connection, ids)
    return [
        Judged(
            id=row.id,
            kind=row.kind,
            body=row.body,
            parent=row.parent_body,
            language=row.language,
            community=row.community,
            origin=row.origin,
            state=row.state,
            made_at=row.made_at,
            reports=tuple(reports[row.id]),
            seen=seen.get(row.id, ""),
            decides=by.answers_for(row.community),
        )
        for row in (rows[id_] for id_ in ids)
    ]


def _reports(
    connection: Connection, by: Steward, ids: Sequence[str]
) -> defaultdict[str, list[Report]]:
    """Open reports by text; of a shared text, those of the steward's communities alone."""
    rows = connection.execute(
        select(flag.c.id, flag.c.text, flag.c.reason, flag.c.at)
        .join(participant, flag.c.participant == participant.c.id)
        .where(flag.c.text.in_(ids), flag.c.settled_by.is_(None))
        .where(within(participant.c.community, by))
        .order_by(flag.c.at, flag.c.id)
    )
    found: defaultdict[str, list[Report]] = defaultdict(list)
    for row in rows:
        found[row.text].append(Report(row.id, row.reason, row.at))
    return found


def _newest(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Text -> id of the newest decision about it."""
    rows = connection.execute(
        select(moderation.c.text, moderation.c.id)
        .where(moderation.c.text.in_(ids))
        .order_by(moderation.c.at, moderation.c.id)
    )
    return {row.text: row.id for row in rows}
