"""Answers: a person's choice in a pair, stored once even if it arrives several times."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.consents import consent_of
from pluralign.collecting.deleted_answers import marked, was_deleted
from pluralign.collecting.purposes import allowed
from pluralign.collecting.refusals import ConsentChanged, NotAccepted
from pluralign.collecting.secret_digests import new_id, new_token
from pluralign.collecting.store.tables import assignment, rating

Choice = Literal["left", "right", "tie", "both-bad", "dont-know"]
_CLOCK_SLACK = 86_400
_MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's choice.

    Attributes:
        assignment: Id of the pair as it was shown to them.
        choice: ``left``, ``right``, ``tie``, ``both-bad`` or ``dont-know``.
        strength: 1 slightly, 2 clearly, 3 much better; None if not given.
        reason: Why, in their own words, as `clean_text` returns it; None if not given.
        language: BCP 47 tag of the page.
        flip: Probability that the phone exchanged left and right before sending, in [0, 0.5).
        seconds: Time on the pair in whole seconds; None if not known.
        made_at: Time by the phone's clock, seconds since 1970; None if it was sent at once.
        offline: Whether it was made without a connection.
    """

    assignment: str
    choice: Choice
    strength: int | None = None
    reason: str | None = None
    language: str = "en"
    flip: float = 0.0
    seconds: int | None = None
    made_at: int | None = None
    offline: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of what was chosen; not of when, which differs if it is sent again."""
        said = {
            name: value
            for name, value in asdict(self).items()
            if name not in ("seconds", "made_at", "offline")
        }
        row = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(row.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is on disk.

    Attributes:
        rating: Its id; empty where the person has deleted the answer since.
        version: 1 for the first answer to a pair; higher for a later, different one; 0 where the
            person has deleted the answer since.
        again: Whether the same answer was there already.
    """

    rating: str
    version: int
    again: bool


def keep_answer(connection: Connection, participant_id: str, answer: Answer, now: int) -> Kept:
    """Store an answer: the same one sent twice counts once, a different one is a new version.

    Args:
        connection: A writing connection.
        participant_id: The person.
        answer: Their answer.
        now: Seconds since 1970.

    Raises:
        NotAccepted: If the pair was not shown to this person.
        ConsentChanged: If they must consent again first.
    """
    shown = {"assignment": answer.assignment, "person": participant_id}
    served = connection.execute(_SERVED, shown).first()
    if served is None:
        raise NotAccepted(
            "This pair was not shown to you, so the answer cannot be kept.", status=404
        )
    made_at = _believable(answer.made_at, served.served_at, now)
    if was_deleted(served.deleted, answer.digest, made_at, answer.flip):
        return Kept("", 0, again=True)
    versions = connection.execute(_VERSIONS, {"assignment": answer.assignment}).all()
    same = _same_version(versions, answer, made_at)
    if same is not None:
        return Kept(same.id, same.version, again=True)
    given = consent_of(connection, participant_id)
    if given is None or not given.current:
        raise ConsentChanged
    if not allowed(["collect"], given.purposes):
        raise NotAccepted("You do not agree that this study keeps your answers.", status=403)
    version = versions[0].version + 1 if versions else 1
    id_, salt = new_id(now), new_token()
    connection.execute(
        _ADD,
        {
            **asdict(answer),
            "id": id_,
            "consent": given.id,
            "seconds": _believable_seconds(answer.seconds),
            "made_at": made_at,
            "received_at": now,
            "digest": answer.digest,
            "salt": salt,
            "version": version,
        },
    )
    action = "answer kept" if version == 1 else "answer changed"
    audit_log.append(connection, now, "participant", action, id_, logged(answer.digest, salt))
    return Kept(id_, version, again=False)


def _same_version(versions: Sequence[Any], answer: Answer, made_at: int | None) -> Any:
    """The version that an answer repeats: the latest one, or one of the same moment; else None.

    Args:
        versions: Rows of the versions of the answer to one pair, the latest first.
        answer: The answer.
        made_at: Seconds since 1970 by the person's clock; None where that cannot be believed.
    """
    for one in versions:
        # An older version that arrives once more is a replay: the same moment by the phone's clock.
        replayed = made_at is not None and one.made_at == made_at
        if one.digest == answer.digest and (one is versions[0] or replayed):
            return one
    return None


# Built once: building a statement takes longer than running it.
_SERVED = select(assignment.c.served_at, assignment.c.deleted).where(
    assignment.c.id == bindparam("assignment"), assignment.c.participant == bindparam("person")
)
_VERSIONS = (
    select(rating.c.id, rating.c.version, rating.c.digest, rating.c.made_at)
    .where(rating.c.assignment == bindparam("assignment"))
    .order_by(rating.c.version.desc())
)
_ADD = insert(rating)


def logged(digest: str, salt: str) -> str:
    """The digest of an answer in the log.

    There are few choices, so a plain digest would reveal a deleted answer to anyone who tries them
    all. The salt is deleted with the answer.

    >>> logged("d", "one") == logged("d", "other")
    False
    """
    return hashlib.sha256(f"{salt}\0{digest}".encode()).hexdigest()


def delete_answer(connection: Connection, participant_id: str, assignment_id: str, now: int) -> int:
    """Delete every version of a person's answer to a pair; return how many there were."""
    shown = {"assignment": assignment_id, "person": participant_id}
    served = connection.execute(_SERVED, shown).first()
    if served is None:
        raise NotAccepted("This pair was not shown to you.", status=404)
    here = rating.c.assignment == assignment_id
    columns = rating.c.digest, rating.c.made_at, rating.c.flip
    versions = connection.execute(select(*columns).where(here)).all()
    connection.execute(delete(rating).where(here))
    if versions:
        marks = marked(served.deleted, [(one.digest, one.made_at, one.flip) for one in versions])
        own = assignment.c.id == assignment_id
        connection.execute(update(assignment).where(own).values(deleted=marks))
        audit_log.append(connection, now, "participant", "answer deleted", assignment_id)
    return len(versions)


def _believable_seconds(seconds: int | None) -> int | None:
    return None if seconds is None else min(max(seconds, 0), _MOST_SECONDS)


def _believable(made_at: int | None, served_at: int, now: int) -> int | None:
    """A time by a phone's clock; None where the clock is wrong by more than a day."""
    earliest, latest = served_at - _CLOCK_SLACK, now + _CLOCK_SLACK
    return made_at if made_at is not None and earliest <= made_at <= latest else None
