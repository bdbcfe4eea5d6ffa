"""Stewards: people who answer for communities. A one-time link lets them in; no password does."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import keyed_digest, new_id, new_token
from pluralign.collecting.store.tables import session, steward, steward_link
from pluralign.collecting.taking_part import open_session
from pluralign.collecting.written_texts import clean_text
from pluralign.core import InvalidInput

LINK_SECONDS = 3 * 86_400
SESSION_SECONDS = 14 * 86_400
_MOST_OF_A_NAME = 80
_NOT_USABLE = (
    "This link cannot be used any more. Please ask the people who run the study for a new one."
)


@dataclass(frozen=True, slots=True)
class Steward:
    """A steward.

    Attributes:
        id: Their id.
        name: Their name, which other stewards and release folders show.
        communities: Ids of the communities that they answer for; empty for all.
    """

    id: str
    name: str
    communities: frozenset[str]

    @property
    def of_all(self) -> bool:
        """Whether they answer for all communities."""
        return not self.communities

    @property
    def actor(self) -> str:
        """The steward in a row of the audit log."""
        return f"steward {self.id}"

    def answers_for(self, community: str | None) -> bool:
        """Whether they decide for a community; None means things that all communities share.

        >>> ana = Steward("s1", "Ana", frozenset({"MEX"}))
        >>> ana.answers_for("MEX"), ana.answers_for("~hill"), ana.answers_for(None)
        (True, False, False)
        """
        return self.of_all or community in self.communities


@dataclass(frozen=True, slots=True)
class Listed:
    """A steward in the list of the operator.

    Attributes:
        name: Their name.
        communities: Ids of their communities; empty for all.
        made_at: When they were added, seconds since 1970.
        revoked_at: When they were revoked; None if they were not.
        entered: Whether they have a session now.
    """

    name: str
    communities: list[str]
    made_at: int
    revoked_at: int | None
    entered: bool


def add_steward(
    connection: Connection,
    secret: bytes,
    name: str,
    communities: Collection[str],
    *,
    now: int,
    seconds: int = LINK_SECONDS,
) -> str:
    """Add a steward; return the token of a one-time link, which is not stored.

    Args:
        connection: A writing connection.
        secret: The study's secret.
        name: Their name.
        communities: Ids of communities of the study; empty for all.
        now: Seconds since 1970.
        seconds: Time until the link expires.

    Raises:
        InvalidInput: If the name is not one, or there is or was a steward of this name.
    """
    if not any(letter.isalnum() for letter in name):
        raise InvalidInput(
            "a steward needs a name with a letter or a digit",
            where="NAME",
            hint="`pluralign collect steward add STUDY Ana`; other stewards and releases show it",
        )
    try:
        name = clean_text(name, _MOST_OF_A_NAME)
    except NotAccepted as error:
        raise InvalidInput(str(error), where="NAME") from None
    if connection.execute(select(steward.c.id).where(steward.c.name == name)).first() is not None:
        raise InvalidInput(
            f"there is, or was, a steward {name!r}",
            where="NAME",
            hint="`pluralign collect steward link` prints a new link for a steward; a new person "
            "needs another name, for releases show the names of those who agreed",
        )
    id_ = new_id(now)
    given = " ".join(sorted(set(communities)))
    connection.execute(insert(steward).values(id=id_, name=name, communities=given, made_at=now))
    audit_log.append(connection, now, "operator", "steward added", id_)
    return _new_link(connection, secret, id_, now, seconds)


def new_link(
    connection: Connection, secret: bytes, name: str, *, now: int, seconds: int = LINK_SECONDS
) -> str:
    """Make a new one-time link for a steward, such as for another device; return its token.

    Raises:
        InvalidInput: If there is no such steward, or they were revoked.
    """
    return _new_link(connection, secret, _known(connection, name), now, seconds)


def revoke_steward(connection: Connection, name: str, now: int) -> None:
    """Revoke a steward: their links and sessions end at once. Their decisions stay in the log.

    Raises:
        InvalidInput: If there is no such steward, or they were revoked.
    """
    id_ = _known(connection, name)
    connection.execute(update(steward).where(steward.c.id == id_).values(revoked_at=now))
    for table in (steward_link, session):
        connection.execute(delete(table).where(table.c.steward == id_))
    audit_log.append(connection, now, "operator", "steward revoked", id_)


def listed_stewards(connection: Connection, now: int) -> list[Listed]:
    """All stewards by name, also those who were revoked."""
    living = select(session.c.steward).where(
        session.c.steward.is_not(None), session.c.expires_at > now
    )
    entered = set(connection.execute(living).scalars())
    rows = connection.execute(select(steward).order_by(steward.c.name))
    return [
        Listed(row.name, row.communities.split(), row.made_at, row.revoked_at, row.id in entered)
        for row in rows
    ]


def steward_of_link(connection: Connection, secret: bytes, token: str, now: int) -> Steward:
    """The steward of a one-time link, which is not used up by this.

    Raises:
        NotAccepted: If there is none, or it was used, expired or revoked; the sentence is the same.
    """
    row = connection.execute(
        select(steward)
        .join(steward_link, steward_link.c.steward == steward.c.id)
        .where(
            steward_link.c.token_hash == keyed_digest(secret, "steward link", token),
            steward_link.c.used_at.is_(None),
            steward_link.c.expires_at > now,
            steward.c.revoked_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotAccepted(_NOT_USABLE, status=410)
    return Steward(row.id, row.name, frozenset(row.communities.split()))


def enter(connection: Connection, secret: bytes, token: str, now: int) -> str:
    """Use a one-time link; return the token of a session.

    Raises:
        NotAccepted: As `steward_of_link` does.
    """
    found = steward_of_link(connection, secret, token, now)
    used = steward_link.c.token_hash == keyed_digest(secret, "steward link", token)
    connection.execute(update(steward_link).where(used).values(used_at=now))
    audit_log.append(connection, now, found.actor, "entered", found.id)
    return open_session(connection, secret, now, steward_id=found.id, seconds=SESSION_SECONDS)


def steward_of(connection: Connection, secret: bytes, token: str, now: int) -> Steward | None:
    """The steward of a session; None if there is none, it has expired, or they were revoked."""
    row = connection.execute(
        select(steward)
        .join(session, session.c.steward == steward.c.id)
        .where(
            session.c.token_hash == keyed_digest(secret, "session", token),
            session.c.expires_at > now,
            steward.c.revoked_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else Steward(row.id, row.name, frozenset(row.communities.split()))


def _new_link(
    connection: Connection, secret: bytes, steward_id: str, now: int, seconds: int
) -> str:
    token = new_token()
    digest = keyed_digest(secret, "steward link", token)
    connection.execute(
        insert(steward_link).values(token_hash=digest, steward=steward_id, expires_at=now + seconds)
    )
    audit_log.append(connection, now, "operator", "link of a steward made", steward_id)
    return token


def _known(connection: Connection, name: str) -> str:
    """Id of a steward who was not revoked."""
    rows = connection.execute(select(steward).where(steward.c.revoked_at.is_(None))).all()
    known = {row.name: row.id for row in rows}
    if name not in known:
        raise InvalidInput(
            f"there is no steward {name!r}",
            where="NAME",
            hint=f"stewards are {', '.join(sorted(known))}" if known else "nobody was added yet",
        )
    return str(known[name])
