"""Limits on how often one address may do something: token buckets, kept in the store."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import keyed_digest
from pluralign.collecting.store.tables import bucket

_FORGET_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may be done from one address.

    Attributes:
        purpose: Kind of act.
        burst: Number of times at once.
        per_hour: Number of times in each hour after that.
    """

    purpose: str
    burst: int
    per_hour: float


JOINS = Rate("join", burst=300, per_hour=600)
"""Many people may share one address, such as that of a school or of a mobile network."""
WRONG_KEYS = Rate("key", burst=60, per_hour=120)
WRITES = Rate("write", burst=600, per_hour=3600)


def take(connection: Connection, secret: bytes, rate: Rate, address: str, now: float) -> None:
    """Count one act of an address, which is stored as a keyed digest.

    Args:
        connection: A writing connection.
        secret: The study's secret.
        rate: The limit.
        address: The network address.
        now: Seconds since 1970.

    Raises:
        NotAccepted: If the address has used up its number.
    """
    key = keyed_digest(secret, f"bucket {rate.purpose}", address)
    row = connection.execute(_FIND, {"of": key}).one_or_none()
    if row is None:
        connection.execute(delete(bucket).where(bucket.c.at < now - _FORGET_SECONDS))
        new = {"key": key, "tokens": rate.burst - 1, "at": now}
        connection.execute(insert(bucket), new)
        return
    # A clock that was set back adds nothing.
    grown = row.tokens + max(0.0, now - row.at) * rate.per_hour / 3600
    tokens = min(float(rate.burst), grown)
    if tokens < 1:
        raise NotAccepted(
            "Too many attempts came from your network. Please wait a few minutes.", 429
        )
    left = {"of": key, "tokens": tokens - 1, "at": max(now, row.at)}
    connection.execute(_COUNT, left)


# Built once: building a statement takes longer than running it.
_FIND = select(bucket).where(bucket.c.key == bindparam("of"))
_COUNT = update(bucket).where(bucket.c.key == bindparam("of"))
