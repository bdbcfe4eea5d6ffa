"""From invitation to participation: invitations, consent, keys and sessions.

Nothing about a person is stored before they consent. A person has no name and no address here, only
a key that they alone keep.
"""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.consents import give_consent
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import key_words, keyed_digest, new_id, new_token, read_key
from pluralign.collecting.store.tables import (
    invite,
    participant,
    session,
    withdrawal,
)

SESSION_SECONDS = 90 * 86_400
NOT_USABLE = "This invitation cannot be used any more. Please ask the person who gave it to you."
_UNKNOWN_KEY = (
    "This key does not open anything. Please check each word, or ask for a new invitation."
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that can be used.

    Attributes:
        id: Its id.
        community: Community of the people whom it invites.
    """

    id: str
    community: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A person who has just joined.

    Attributes:
        participant: Their id.
        key: Their key in words, shown once.
        token: Token of their session.
    """

    participant: str
    key: str
    token: str


def invite_people(
    connection: Connection,
    secret: bytes,
    community: str,
    *,
    uses: int,
    seconds: int,
    now: int,
    label: str = "",
    actor: str = "operator",
    token: str | None = None,
) -> str:
    """Make an invitation; return its token, which is not stored.

    Args:
        connection: A writing connection.
        secret: The study's secret.
        community: Community of the people whom it invites.
        uses: Number of people who may use it, >= 1.
        seconds: Time until it expires.
        now: Seconds since 1970.
        label: For whom it is, in the steward's words; shown to stewards only.
        actor: The one who made it, for the audit log.
        token: Its token where a form that is sent twice makes it; a new one where None.
    """
    token, id_ = token or new_token(), new_id(now)
    connection.execute(
        insert(invite).values(
            id=id_,
            token_hash=keyed_digest(secret, "invite", token),
            community=community,
            label=label,
            uses=uses,
            used=0,
            made_at=now,
            expires_at=now + seconds,
        )
    )
    audit_log.append(connection, now, actor, "invitation made", id_)
    return token


def usable_invitation(connection: Connection, secret: bytes, token: str, now: int) -> Invitation:
    """The invitation of a token.

    Raises:
        NotAccepted: If there is none, or it has expired, is used up or was revoked; the sentence
            is the same for all of these.
    """
    digest = keyed_digest(secret, "invite", token)
    row = connection.execute(select(invite).where(invite.c.token_hash == digest)).one_or_none()
    if row is None or row.revoked_at is not None or row.expires_at <= now or row.used >= row.uses:
        raise NotAccepted(NOT_USABLE, status=410)
    return Invitation(row.id, row.community)


def join(
    connection: Connection,
    secret: bytes,
    token: str,
    *,
    form: str,
    document_id: str,
    purposes: Collection[str],
    language: str,
    now: int,
) -> Joined:
    """Let a person take part, with the consent that they have just given.

    Args:
        connection: A writing connection.
        secret: The study's secret.
        token: Token of their invitation.
        form: Token of the form that they sent. The same form sent twice joins once, and returns the
            same key.
        document_id: The consent document that they read.
        purposes: Purposes that they consent to; ``collect`` is among them.
        language: Language of the pages.
        now: Seconds since 1970.

    Raises:
        NotAccepted: If the invitation cannot be used, or ``collect`` is missing.
    """
    if "collect" not in purposes:
        raise NotAccepted(
            "Without this consent the study cannot keep your answers, so you cannot take part."
        )
    id_ = keyed_digest(secret, "participant", f"{token}\0{form}")[:32]
    key = key_words(bytes.fromhex(keyed_digest(secret, "new key", f"{token}\0{form}")))
    known = select(participant.c.id).where(participant.c.id == id_)
    if connection.execute(known).first() is None:
        _check_not_withdrawn(connection, keyed_digest(secret, "key", key))
        invitation = usable_invitation(connection, secret, token, now)
        connection.execute(
            insert(participant).values(
                id=id_,
                community=invitation.community,
                key_hash=keyed_digest(secret, "key", key),
                language=language,
                joined_day=datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat(),
                invite=invitation.id,
            )
        )
        connection.execute(
            update(invite).where(invite.c.id == invitation.id).values(used=invite.c.used + 1)
        )
        audit_log.append(connection, now, "participant", "joined", id_)
        give_consent(connection, id_, document_id, purposes, now)
    return Joined(id_, key, open_session(connection, secret, now, participant_id=id_))


def _check_not_withdrawn(connection: Connection, key_hash: str) -> None:
    """Refuse the form of a person who withdrew, such as one that a browser sends again."""
    same = select(withdrawal.c.id).where(withdrawal.c.key_hash == key_hash)
    if connection.execute(same).first() is not None:
        raise NotAccepted(NOT_USABLE, status=410)


def open_session(
    connection: Connection,
    secret: bytes,
    now: int,
    *,
    participant_id: str | None = None,
    steward_id: str | None = None,
    seconds: int = SESSION_SECONDS,
) -> str:
    """Open a session of a person or a steward; return its token, for a cookie."""
    token = new_token()
    connection.execute(
        insert(session).values(
            token_hash=keyed_digest(secret, "session", token),
            participant=participant_id,
            steward=steward_id,
            made_at=now,
            expires_at=now + seconds,
        )
    )
    return token


def close_session(connection: Connection, secret: bytes, token: str) -> None:
    """End a session on the device that has its token."""
    digest = keyed_digest(secret, "session", token)
    connection.execute(delete(session).where(session.c.token_hash == digest))


def session_with_key(connection: Connection, secret: bytes, typed: str, now: int) -> str:
    """Open a session with a participation key, typed or scanned; return its token.

    Raises:
        NotAccepted: If the key opens nothing; the sentence does not reveal why.
    """
    key = read_key(typed)
    if key is not None:
        digest = keyed_digest(secret, "key", key)
        id_ = connection.execute(
            select(participant.c.id).where(participant.c.key_hash == digest)
        ).scalar()
        if id_ is not None:
            return open_session(connection, secret, now, participant_id=id_)
    raise NotAccepted(_UNKNOWN_KEY, status=404)


@dataclass(frozen=True, slots=True)
class Person:
    """The person of a session.

    Attributes:
        id: Their id.
        community: Their community.
        language: Language of their pages.
    """

    id: str
    community: str
    language: str


def person_of(connection: Connection, secret: bytes, token: str, now: int) -> Person | None:
    """The person of a session; None if there is none, or it has expired."""
    digest = keyed_digest(secret, "session", token)
    row = connection.execute(_PERSON, {"digest": digest, "now": now}).one_or_none()
    return None if row is None else Person(row.id, row.community, row.language)


# Built once: building a statement takes longer than running it.
_PERSON = (
    select(participant.c.id, participant.c.community, participant.c.language)
    .join(session, session.c.participant == participant.c.id)
    .where(
        session.c.token_hash == bindparam("digest"),
        session.c.expires_at > bindparam("now"),
    )
)
