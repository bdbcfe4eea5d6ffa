"""Proposals of releases: stewards agree to one, and take their agreement back until it is made."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.purposes import as_text
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.released_rows import Uses
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.stewards import Steward
from pluralign.collecting.store.tables import agreement, proposal, steward
from pluralign.core import InvalidInput

OPEN_SECONDS = 30 * 86_400
"""A proposal that is older cannot be made: people have given more than was agreed to."""


@dataclass(frozen=True, slots=True)
class ReleaseProposal:
    """A proposed release.

    Attributes:
        id: Its id.
        purposes: Its purposes.
        made_at: When it was proposed, seconds since 1970.
        agreed: Names of the stewards who agreed and were not revoked since.
    """

    id: str
    purposes: tuple[str, ...]
    made_at: int
    agreed: tuple[str, ...]


def propose(
    connection: Connection, asked: Collection[str], now: int, actor: str
) -> ReleaseProposal:
    """Propose a release; an open proposal for the same purposes is returned as it is.

    Raises:
        InvalidInput: If a purpose is not one of releases.
    """
    purposes = as_text(Uses.of(asked).purposes)
    known = [one for one in open_proposals(connection, now) if " ".join(one.purposes) == purposes]
    if known:
        return known[0]
    id_ = new_id(now)
    connection.execute(insert(proposal).values(id=id_, purposes=purposes, by=actor, made_at=now))
    audit_log.append(connection, now, actor, "release proposed", id_)
    return ReleaseProposal(id_, tuple(purposes.split()), now, ())


def open_proposals(connection: Connection, now: int) -> list[ReleaseProposal]:
    """Proposals that no release was made of yet, the oldest first."""
    rows = connection.execute(
        select(proposal)
        .where(proposal.c.release.is_(None), proposal.c.made_at > now - OPEN_SECONDS)
        .order_by(proposal.c.id)
    )
    return [
        ReleaseProposal(
            row.id, tuple(row.purposes.split()), row.made_at, _agreed(connection, row.id)
        )
        for row in rows.all()
    ]


def open_proposal(connection: Connection, id_: str, now: int) -> ReleaseProposal:
    """One open proposal.

    Raises:
        InvalidInput: If there is no open proposal with this id.
    """
    found = next((one for one in open_proposals(connection, now) if one.id == id_), None)
    if found is None:
        raise InvalidInput(
            f"there is no open proposal {id_!r}",
            where="--proposal",
            hint="`pluralign collect propose` makes one; after 30 days it is closed",
        )
    return found


def agree(connection: Connection, by: Steward, id_: str, now: int) -> None:
    """Agree to a proposed release; once is enough.

    Raises:
        NotAccepted: If it is not open.
    """
    _check_open(connection, id_, now)
    mine = (agreement.c.proposal == id_, agreement.c.steward == by.id)
    if connection.execute(select(agreement.c.id).where(*mine)).first() is None:
        row = {"id": new_id(now), "proposal": id_, "steward": by.id, "at": now}
        connection.execute(insert(agreement).values(row))
        audit_log.append(connection, now, by.actor, "proposed release agreed to", id_)


def take_back(connection: Connection, by: Steward, id_: str, now: int) -> None:
    """Take an agreement back.

    Raises:
        NotAccepted: If the proposal is not open.
    """
    _check_open(connection, id_, now)
    mine = (agreement.c.proposal == id_, agreement.c.steward == by.id)
    if connection.execute(delete(agreement).where(*mine)).rowcount:
        audit_log.append(connection, now, by.actor, "agreement taken back", id_)


def close_proposal(connection: Connection, id_: str, release_id: str) -> None:
    """Note the release that was made of a proposal."""
    connection.execute(update(proposal).where(proposal.c.id == id_).values(release=release_id))


def _agreed(connection: Connection, id_: str) -> tuple[str, ...]:
    names = (
        select(steward.c.name)
        .join(agreement, agreement.c.steward == steward.c.id)
        .where(agreement.c.proposal == id_, steward.c.revoked_at.is_(None))
        .order_by(steward.c.name)
    )
    return tuple(connection.execute(names).scalars())


def _check_open(connection: Connection, id_: str, now: int) -> None:
    if id_ not in {one.id for one in open_proposals(connection, now)}:
        raise NotAccepted("This release was made already, or is not proposed any more.", status=409)
