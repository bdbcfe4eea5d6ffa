"""Everything that a person gave, for the page on which they see it and for their own file."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import new_token
from pluralign.collecting.store.tables import (
    assignment,
    consent,
    document,
    flag,
    moderation,
    pair,
    participant,
    rating,
    text,
)


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent.

    Attributes:
        at: When it was given, seconds since 1970.
        version: Version of the text.
        purposes: Purposes.
    """

    at: int
    version: int
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """One version of an answer, with the texts as they were shown.

    Attributes:
        assignment: Id of the pair as it was shown.
        prompt: The prompt.
        left: The response on the left; empty if it was erased.
        right: The response on the right; empty if it was erased.
        choice: The choice.
        strength: 1 to 3; None if not given.
        reason: Reason in own words; None if not given.
        version: 1 for an answer that was never changed.
        at: When it was kept, seconds since 1970.
        flip: Probability that the phone exchanged the choice before it sent it.
        language: Language of the pages.
        seconds: Time from the pair to the answer; None if not known.
        made_at: When it was made by the phone's clock, seconds since 1970; None if not known.
        offline: Whether it was made without a connection.
    """

    assignment: str
    prompt: str
    left: str
    right: str
    choice: str
    strength: int | None
    reason: str | None
    version: int
    at: int
    flip: float
    language: str
    seconds: int | None
    made_at: int | None
    offline: bool


@dataclass(frozen=True, slots=True)
class GivenText:
    """A text.

    Attributes:
        id: Its id.
        kind: ``prompt``, ``response`` or ``story``.
        body: The text.
        parent: The prompt of a response or a story; None without one.
        state: ``waiting``, ``shown`` or ``hidden``.
        at: When it was written, seconds since 1970.
        rule: The rule by which a steward hid it; None while it is not hidden by one.
    """

    id: str
    kind: str
    body: str
    parent: str | None
    state: str
    at: int
    rule: str | None


@dataclass(frozen=True, slots=True)
class EverythingGiven:
    """Everything that a person gave.

    Attributes:
        community: Their community.
        joined_day: The day on which they joined.
        consents: Their consents, newest first.
        answers: Their answers in the newest version, newest first.
        earlier_answers: Earlier versions of answers that they changed, newest first.
        texts: Their texts, newest first.
        reports: Ids of texts that they reported, with their reasons.
    """

    community: str
    joined_day: str
    consents: tuple[GivenConsent, ...]
    answers: tuple[GivenAnswer, ...]
    earlier_answers: tuple[GivenAnswer, ...]
    texts: tuple[GivenText, ...]
    reports: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """The same for a file."""
        return asdict(self)


def given_by(connection: Connection, participant_id: str) -> EverythingGiven:
    """Everything that a person gave, but for personal data, which have their own file."""
    row = connection.execute(
        select(participant.c.community, participant.c.joined_day).where(
            participant.c.id == participant_id
        )
    ).one()
    reports = connection.execute(
        select(flag.c.text, flag.c.reason).where(flag.c.participant == participant_id)
    )
    return EverythingGiven(
        community=row.community,
        joined_day=row.joined_day,
        consents=_consents(connection, participant_id),
        answers=_answers(connection, participant_id),
        earlier_answers=_answers(connection, participant_id, earlier=True),
        texts=_texts(connection, participant_id),
        reports=tuple((one.text, one.reason) for one in reports),
    )


def erase_text(connection: Connection, participant_id: str, text_id: str, now: int) -> None:
    """Erase the words of a person's own text; answers to it by other people keep their place.

    Raises:
        NotAccepted: If it is not a text of this person.
    """
    own = (text.c.id == text_id, text.c.author == participant_id)
    if connection.execute(select(text.c.id).where(*own)).first() is None:
        raise NotAccepted("There is no such text of yours.", status=404)
    emptied = {"body": "", "state": "hidden", "digest": new_token()}
    connection.execute(update(text).where(*own).values(emptied))
    connection.execute(delete(flag).where(flag.c.text == text_id))
    audit_log.append(connection, now, "participant", "text erased", text_id)


def _consents(connection: Connection, participant_id: str) -> tuple[GivenConsent, ...]:
    rows = connection.execute(
        select(consent.c.at, consent.c.purposes, document.c.version)
        .join(document, consent.c.document == document.c.id)
        .where(consent.c.participant == participant_id)
        .order_by(consent.c.version.desc())
    )
    return tuple(GivenConsent(row.at, row.version, tuple(row.purposes.split())) for row in rows)


def _answers(
    connection: Connection, participant_id: str, *, earlier: bool = False
) -> tuple[GivenAnswer, ...]:
    """The newest version of each answer, or all earlier ones."""
    newest = (
        select(rating.c.assignment, func.max(rating.c.version).label("version"))
        .group_by(rating.c.assignment)
        .subquery()
    )
    older = rating.c.version < newest.c.version
    wanted = older if earlier else ~older
    prompt, left, right = (text.alias(name) for name in ("prompt", "left", "right"))
    rows = connection.execute(
        select(
            rating,
            prompt.c.body.label("prompt_body"),
            left.c.body.label("left_body"),
            right.c.body.label("right_body"),
        )
        .join(newest, newest.c.assignment == rating.c.assignment)
        .join(assignment, rating.c.assignment == assignment.c.id)
        .join(pair, assignment.c.pair == pair.c.id)
        .join(prompt, pair.c.prompt == prompt.c.id)
        .join(left, assignment.c.left == left.c.id)
        .join(right, assignment.c.right == right.c.id)
        .where(assignment.c.participant == participant_id, wanted)
        .order_by(rating.c.received_at.desc(), rating.c.id.desc())
    )
    return tuple(
        GivenAnswer(
            assignment=row.assignment,
            prompt=row.prompt_body,
            left=row.left_body,
            right=row.right_body,
            choice=row.choice,
            strength=row.strength,
            reason=row.reason,
            version=row.version,
            at=row.received_at,
            flip=row.flip,
            language=row.language,
            seconds=row.seconds,
            made_at=row.made_at,
            offline=row.offline,
        )
        for row in rows
    )


def _texts(connection: Connection, participant_id: str) -> tuple[GivenText, ...]:
    parent = text.alias("parent")
    rows = connection.execute(
        select(text, parent.c.body.label("parent_body"))
        .outerjoin(parent, text.c.parent == parent.c.id)
        .where(text.c.author == participant_id, text.c.body != "")
        .order_by(text.c.made_at.desc(), text.c.id.desc())
    )
    hidden = _rules_of_hidden(connection, participant_id)
    return tuple(
        GivenText(
            id=row.id,
            kind=row.kind,
            body=row.body,
            parent=row.parent_body,
            state=row.state,
            at=row.made_at,
            rule=hidden.get(row.id) if row.state == "hidden" else None,
        )
        for row in rows
    )


def _rules_of_hidden(connection: Connection, participant_id: str) -> dict[str, str]:
    """Text of a person -> the rule of the newest decision that hid it."""
    rows = connection.execute(
        select(moderation.c.text, moderation.c.rule)
        .join(text, moderation.c.text == text.c.id)
        .where(text.c.author == participant_id, moderation.c.decision == "hide")
        .order_by(moderation.c.at, moderation.c.id)
    )
    return {row.text: row.rule for row in rows}
