"""Moderation: stewards show or hide texts, by a rule, and every decision is kept in a log.

A steward never changes a text. A decision is made on what the steward has seen: if another steward
decided meanwhile, the text is shown again first.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.consents import consent_of
from pluralign.collecting.purposes import allowed
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.stewards import Steward
from pluralign.collecting.store.tables import flag, moderation, steward, text
from pluralign.collecting.text_queue import judged_text, within

Rule = Literal["fits", "insult", "private", "advertising", "repeated", "other"]
FITS: Rule = "fits"
"""The rule of a text that is shown."""
HIDING: tuple[Rule, ...] = get_args(Rule)[1:]
"""Rules by which a text is hidden, those of the policy of a new study; an opinion is not one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a text.

    Attributes:
        id: Its id.
        text: Id of the text.
        kind: Kind of the text.
        body: The text; empty once its author erased it.
        community: Its community; None for all.
        by: Name of the steward.
        decision: ``show`` or ``hide``.
        rule: The rule.
        note: The steward's words; None without any.
        at: Seconds since 1970.
    """

    id: str
    text: str
    kind: str
    body: str
    community: str | None
    by: str
    decision: str
    rule: str
    note: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision as a steward sends it.

    Attributes:
        decision: ``show`` or ``hide``.
        rule: One of `HIDING` for a text that is hidden.
        note: The steward's words; None without any.
        seen: Id of the newest decision that the steward has seen; empty for none.
    """

    decision: str
    rule: str = ""
    note: str | None = None
    seen: str = ""

    @property
    def applied(self) -> str:
        """The rule, which is always the same for a text that is shown."""
        return FITS if self.decision == "show" else self.rule


def decisions(
    connection: Connection, by: Steward, text_id: str | None = None, most: int | None = None
) -> list[Decision]:
    """The log of decisions, the newest first.

    Args:
        connection: A connection.
        by: The steward who reads it; it has the decisions about their communities.
        text_id: Only about this text.
        most: Largest number of decisions; all where None.
    """
    columns = (text.c.kind, text.c.body, text.c.community, steward.c.name)
    query = (
        select(moderation, *columns)
        .join(text, moderation.c.text == text.c.id)
        .join(steward, moderation.c.steward == steward.c.id)
        .where(within(text.c.community, by))
        .order_by(moderation.c.at.desc(), moderation.c.id.desc())
    )
    if text_id is not None:
        query = query.where(moderation.c.text == text_id)
    return [_decision(row) for row in connection.execute(query.limit(most))]


def decide(connection: Connection, by: Steward, text_id: str, verdict: Verdict, now: int) -> None:
    """Show or hide a text, and settle the reports about it; sent twice, it counts once.

    Args:
        connection: A writing connection.
        by: The steward.
        text_id: The text.
        verdict: Their decision.
        now: Seconds since 1970.

    Raises:
        NotAccepted: If the text is not in their communities, another steward decided meanwhile, a
            rule is missing, or the author withdrew.
    """
    found = judged_text(connection, by, text_id)
    if not found.decides:
        raise NotAccepted(
            "All communities share this text, so only a steward of all communities can decide "
            "about it.",
            status=403,
        )
    last = decisions(connection, by, text_id, most=1)
    if last and not found.reports and _same(last[0], by, verdict):
        return
    if verdict.seen != found.seen:
        raise NotAccepted(
            "Somebody decided about this text meanwhile. Please look at it again.", status=409
        )
    _check(connection, text_id, verdict)
    # Later than the one before, also in the same second or after the clock was set back.
    at = max(now, last[0].at + 1) if last else now
    _keep(connection, by, text_id, verdict, at)


def _keep(connection: Connection, by: Steward, text_id: str, verdict: Verdict, at: int) -> None:
    id_, state = new_id(at), "shown" if verdict.decision == "show" else "hidden"
    connection.execute(
        insert(moderation).values(
            id=id_,
            text=text_id,
            steward=by.id,
            decision=verdict.decision,
            rule=verdict.applied,
            note=verdict.note,
            at=at,
        )
    )
    connection.execute(update(text).where(text.c.id == text_id).values(state=state))
    waiting = (flag.c.text == text_id, flag.c.settled_by.is_(None))
    connection.execute(update(flag).where(*waiting).values(settled_by=id_))
    audit_log.append(connection, at, by.actor, f"text {state} ({verdict.applied})", text_id)


def report_text(connection: Connection, text_id: str, person: str, reason: str, now: int) -> None:
    """Keep a person's report of a text; a second one before a decision changes nothing."""
    known = select(flag.c.id).where(
        flag.c.text == text_id, flag.c.participant == person, flag.c.settled_by.is_(None)
    )
    if connection.execute(known).first() is not None:
        return
    id_ = new_id(now)
    connection.execute(
        insert(flag).values(id=id_, text=text_id, participant=person, reason=reason, at=now)
    )
    audit_log.append(connection, now, "participant", "text reported", id_)


def _same(last: Decision, by: Steward, verdict: Verdict) -> bool:
    given = (by.name, verdict.decision, verdict.applied, verdict.note)
    return (last.by, last.decision, last.rule, last.note) == given


def _check(connection: Connection, text_id: str, verdict: Verdict) -> None:
    if verdict.decision not in ("show", "hide"):
        raise NotAccepted("Please choose: show the text, or hide it.")
    if verdict.decision == "hide" and verdict.rule not in HIDING:
        raise NotAccepted("Please choose the rule by which you hide the text.")
    author = connection.execute(select(text.c.author).where(text.c.id == text_id)).scalar()
    if verdict.decision == "show" and author is not None:
        given = consent_of(connection, author)
        if given is None or not allowed(["collect"], given.purposes):
            raise NotAccepted(
                "The person who wrote this withdrew, so it cannot be shown.", status=409
            )


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        id=row.id,
        text=row.text,
        kind=row.kind,
        body=row.body,
        community=row.community,
        by=row.name,
        decision=row.decision,
        rule=row.rule,
        note=row.note,
        at=row.at,
    )
