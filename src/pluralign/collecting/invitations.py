"""Invitations of stewards: several at once for cards, listed, and revoked."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import keyed_digest
from pluralign.collecting.stewards import Steward
from pluralign.collecting.store.tables import invite
from pluralign.collecting.taking_part import invite_people
from pluralign.collecting.text_queue import within

State = Literal["usable", "used up", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class NewInvitations:
    """Invitations to be made.

    Attributes:
        form: Token of the form: sent twice, it makes them once.
        community: Community of the people whom they invite.
        cards: Number of invitations.
        uses: Number of people who may join with each.
        days: Days until they expire.
        label: For whom they are; shown to stewards only.
    """

    form: str
    community: str
    cards: int
    uses: int
    days: int
    label: str


@dataclass(frozen=True, slots=True)
class MadeInvitation:
    """An invitation that was made; nobody can see its link again.

    Attributes:
        id: Its id.
        community: Community of the people whom it invites.
        label: For whom it is.
        uses: Number of people who may join with it.
        used: Number of people who joined with it.
        made_at: Seconds since 1970.
        expires_at: Seconds since 1970.
        state: ``usable``, ``used up``, ``expired`` or ``revoked``.
    """

    id: str
    community: str
    label: str
    uses: int
    used: int
    made_at: int
    expires_at: int
    state: State


def make_invitations(
    connection: Connection, secret: bytes, new: NewInvitations, by: Steward, now: int
) -> list[str]:
    """Make invitations; return their tokens, which are not stored."""
    tokens = [
        keyed_digest(secret, "new invite", f"{by.id}\0{new.form}\0{k}")[:24]
        for k in range(new.cards)
    ]
    for token in tokens:
        known = select(invite.c.id).where(
            invite.c.token_hash == keyed_digest(secret, "invite", token)
        )
        if connection.execute(known).first() is None:
            invite_people(
                connection,
                secret,
                new.community,
                uses=new.uses,
                seconds=new.days * 86_400,
                now=now,
                label=new.label,
                actor=by.actor,
                token=token,
            )
    return tokens


def invitations(connection: Connection, by: Steward, now: int) -> list[MadeInvitation]:
    """Invitations into a steward's communities, the newest first."""
    query = select(invite).where(within(invite.c.community, by))
    rows = connection.execute(query.order_by(invite.c.made_at.desc(), invite.c.id.desc()))
    return [
        MadeInvitation(
            id=row.id,
            community=row.community,
            label=row.label,
            uses=row.uses,
            used=row.used,
            made_at=row.made_at,
            expires_at=row.expires_at,
            state=_state(row.revoked_at, row.expires_at, row.used >= row.uses, now),
        )
        for row in rows
    ]


def revoke_invitation(connection: Connection, by: Steward, id_: str, now: int) -> None:
    """Revoke an invitation; people who joined with it stay.

    Raises:
        NotAccepted: If the steward's communities have no such invitation.
    """
    mine = (invite.c.id == id_, within(invite.c.community, by))
    row = connection.execute(select(invite.c.revoked_at).where(*mine)).one_or_none()
    if row is None:
        raise NotAccepted("There is no such invitation in your communities.", status=404)
    if row.revoked_at is None:
        connection.execute(update(invite).where(*mine).values(revoked_at=now))
        audit_log.append(connection, now, by.actor, "invitation revoked", id_)


def _state(revoked_at: int | None, expires_at: int, used_up: bool, now: int) -> State:
    if revoked_at is not None:
        return "revoked"
    if used_up:
        return "used up"
    return "expired" if expires_at <= now else "usable"
