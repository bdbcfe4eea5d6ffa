"""Consents: each replaces the person's earlier one, and is for a version of the text."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, select

from pluralign.collecting import audit_log
from pluralign.collecting.purposes import as_text
from pluralign.collecting.refusals import ConsentChanged
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.tables import consent, document


def give_consent(
    connection: Connection,
    participant_id: str,
    document_id: str,
    purposes: Collection[str],
    now: int,
) -> str:
    """Store a consent, which replaces the person's earlier one; return its id.

    Raises:
        ConsentChanged: If the document is not the newest version: the person read an older text.
    """
    read = connection.execute(select(document).where(document.c.id == document_id)).one_or_none()
    if read is None or read.version != connection.execute(_NEWEST).scalar():
        raise ConsentChanged
    return store_consent(connection, participant_id, document_id, as_text(purposes), now)


def store_consent(
    connection: Connection, participant_id: str, document_id: str, purposes: str, now: int
) -> str:
    """Store a consent, with purposes as `as_text` writes them, as the person's newest one."""
    id_ = new_id(now)
    last = select(func.max(consent.c.version)).where(consent.c.participant == participant_id)
    connection.execute(
        insert(consent).values(
            id=id_,
            participant=participant_id,
            document=document_id,
            version=(connection.execute(last).scalar() or 0) + 1,
            purposes=purposes,
            at=now,
        )
    )
    action = f"consent to: {purposes or 'nothing'}"
    audit_log.append(connection, now, "participant", action, id_, document_id)
    return id_


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent that a person gave last.

    Attributes:
        id: Its id.
        purposes: Purposes, separated by spaces.
        current: Whether it is for the newest version of the text.
    """

    id: str
    purposes: str
    current: bool


def consent_of(connection: Connection, participant_id: str) -> Consent | None:
    """The consent that a person gave last; None if they gave none."""
    found = connection.execute(_LAST, {"person": participant_id}).one_or_none()
    if found is None:
        return None
    return Consent(found.id, found.purposes, found.version == found.newest)


# Built once: building a statement takes longer than running it.
_NEWEST = select(func.max(document.c.version)).where(document.c.kind == "consent")
_LAST = (
    select(
        consent.c.id,
        consent.c.purposes,
        document.c.version,
        _NEWEST.scalar_subquery().label("newest"),
    )
    .join(document, consent.c.document == document.c.id)
    .where(consent.c.participant == bindparam("person"))
    .order_by(consent.c.version.desc())
    .limit(1)
)
