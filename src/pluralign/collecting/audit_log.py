"""The audit log: a chain of digests, so that a changed or removed row is noticed.

Each row contains the digest of the row before it. Rows contain ids and digests, never a
person's words; erasing a person's answers does not break the chain.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select

from pluralign.collecting.store.tables import audit

FIRST = "0" * 64
"""The digest before the first row."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log.

    Attributes:
        seq: Its number, from 1.
        previous: Digest of the row before it.
        at: Seconds since 1970, UTC.
        actor: The one who acted: ``participant``, ``steward ID``, ``operator`` or ``server``.
        action: The action, such as ``consent given``.
        object: Id of the row or file that it was done to.
        digest: SHA-256 of the content; empty where there is none.
    """

    seq: int
    previous: str
    at: int
    actor: str
    action: str
    object: str
    digest: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the row in canonical JSON."""
        row = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(row.encode()).hexdigest()


def append(
    connection: Connection, now: int, actor: str, action: str, object_: str, digest: str = ""
) -> str:
    """Add a row to the log; return its digest, the new head of the chain."""
    last = connection.execute(_LAST).one_or_none()
    seq, previous = (last.seq, last.hash) if last is not None else (0, FIRST)
    entry = Entry(seq + 1, previous, now, actor, action, object_, digest)
    hash_ = entry.hash
    connection.execute(_ADD, {**asdict(entry), "hash": hash_})
    return hash_


# Built once: building a statement takes longer than running it.
_LAST = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_ADD = insert(audit)


def broken_at(connection: Connection) -> int | None:
    """Number of the first row that does not continue the chain; None if every row does."""
    previous, seq = FIRST, 0
    for row in connection.execute(select(audit).order_by(audit.c.seq)):
        entry = Entry(row.seq, row.previous, row.at, row.actor, row.action, row.object, row.digest)
        if row.seq != seq + 1 or row.previous != previous or entry.hash != row.hash:
            return int(row.seq)
        previous, seq = row.hash, row.seq
    return None


def head(connection: Connection) -> str:
    """Digest of the newest row: publish it, and nobody can shorten the log unnoticed."""
    newest = select(audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    return str(connection.execute(newest).scalar() or FIRST)
