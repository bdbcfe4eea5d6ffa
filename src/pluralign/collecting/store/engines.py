"""Database engines that keep what they confirm: SQLite by default, PostgreSQL on request.

SQLite runs in WAL mode with `synchronous=FULL`: a commit returns after its bytes are on disk.
`synchronous=NORMAL` loses confirmed commits in a power cut (tests/collecting/test_power_cuts.py
shows both). Checkpoints are made by the writing connection alone, because SQLite before 3.51.3 can
damage a database whose connections write and checkpoint at once (https://sqlite.org/wal.html).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from pluralign.core import InvalidSettings

SAFE_SQLITE = (3, 51, 3)
"""First version of SQLite without the WAL-reset bug."""
_CHECKPOINT_PAGES = 1000
_WAITING_MS = 5000
_READERS = 16
_READER_KIB = 256
_LOCK_MS = 2000
_LOCK = int.from_bytes(b"plural")
"""Number of PostgreSQL's lock of a store that is written to."""


def database_url(folder: Path, given: str | None) -> str:
    """The URL of a study's store: the given one, or SQLite in the study's folder."""
    return given or f"sqlite:///{folder.absolute() / 'store.db'}"


def writing_engine(url: str) -> Engine:
    """An engine with the one connection that writes.

    Args:
        url: As SQLAlchemy reads it.

    Raises:
        InvalidSettings: If the database is of another kind, cannot be reached, or does not keep
            what it confirms.
    """
    if make_url(url).get_backend_name() == "sqlite":
        _private_file(make_url(url).database)
        return _sqlite(url, writes=True)
    return _postgresql(url, writes=True)


def reading_engine(url: str) -> Engine:
    """An engine whose connections cannot write."""
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, writes=False)
    # Repeatable read: all statements of a reader see one state, as in SQLite.
    return _postgresql(url, writes=False).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )


@contextmanager
def reading_file(path: Path) -> Iterator[Connection]:
    """A connection to a SQLite file that cannot write; the file may be in use."""
    engine = reading_engine(f"sqlite:///{path.absolute()}")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def sqlite_version() -> tuple[int, ...]:
    """The version of SQLite that Python was built with."""
    import sqlite3

    return sqlite3.sqlite_version_info


def sqlite_warning(version: tuple[int, ...]) -> str | None:
    """The warning about a version of SQLite; None for a safe one.

    >>> sqlite_warning((3, 51, 3)) is None
    True
    """
    if version >= SAFE_SQLITE:
        return None
    shown, safe = (".".join(map(str, v)) for v in (version, SAFE_SQLITE))
    return (
        f"SQLite {shown} can damage a database that several connections write to (fixed in {safe});"
        " pluralign writes and checkpoints with one connection, but other programs must not open "
        "the store while it is served"
    )


def _private_file(path: str | None) -> None:
    """Make a new database readable by its owner alone; SQLite's own files follow its mode."""
    if path and not Path(path).exists():
        with suppress(OSError):  # SQLite reports why it cannot be made
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _sqlite(url: str, *, writes: bool) -> Engine:
    size: dict[str, Any] = {"pool_size": 1 if writes else _READERS, "max_overflow": 0}
    engine = create_engine(url, connect_args={"check_same_thread": False}, **size)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # The driver begins transactions too late, and never for reads: SQLAlchemy does it below.
        connection.isolation_level = None
        for pragma in _pragmas(writes):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @event.listens_for(engine, "commit")
    def commit(connection: Connection) -> None:
        # SQLite ends a transaction by itself where the disk is full or fails. The driver's commit
        # then does nothing and reports nothing; this one is an error.
        connection.exec_driver_sql("COMMIT")

    return engine


def _pragmas(writes: bool) -> list[str]:
    shared = [f"busy_timeout = {_WAITING_MS}", "mmap_size = 0", "foreign_keys = ON"]
    if not writes:
        # Each of the readers has a cache of its own; pages that are not in it are in the system's.
        small = f"cache_size = -{_READER_KIB}"
        return [*shared, small, "query_only = ON", "wal_autocheckpoint = 0"]
    own = ["journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"]
    return [*own, *shared, f"wal_autocheckpoint = {_CHECKPOINT_PAGES}"]


def _postgresql(url: str, *, writes: bool) -> Engine:
    if make_url(url).get_backend_name() != "postgresql":
        raise InvalidSettings(
            f"must be a database of SQLite or PostgreSQL, got {make_url(url).get_backend_name()}",
            where="--database",
            hint="write postgresql+psycopg://USER@HOST/NAME, or leave it out for SQLite",
        )
    size = 1 if writes else _READERS
    engine = create_engine(url, pool_size=size, max_overflow=0, pool_pre_ping=True)
    if writes:
        event.listen(engine, "connect", _alone_in_database)
    try:
        with engine.connect() as connection:
            _check_durable(connection)
    except InvalidSettings:
        engine.dispose()
        raise
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise InvalidSettings(
            f"the database cannot be reached: {reason}",
            where="--database",
            hint="check that it runs, and the name, user and password in the URL",
        ) from None
    return engine


def _alone_in_database(connection: Any, _: Any) -> None:
    """Keep other servers out of the database; the lock ends with the connection."""
    import psycopg

    try:
        # A server that has just ended may still have the lock.
        connection.execute(f"SET lock_timeout = {_LOCK_MS}")
        connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        connection.commit()
    except psycopg.errors.LockNotAvailable:
        raise InvalidSettings(
            "another process writes to this database",
            where="--database",
            hint="wait for it to end, or name another database",
        ) from None


def _check_durable(connection: Connection) -> None:
    """Refuse a PostgreSQL server that may lose commits that it has confirmed."""
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        value = connection.execute(text(f"SHOW {name}")).scalar_one()
        kept = value != "off" if name != "synchronous_commit" else value not in ("off", "local")
        if not kept:
            raise InvalidSettings(
                f"{name} is {value}: the database may lose answers that it has confirmed",
                where="--database",
                hint=f"set {name} = on in postgresql.conf and reload the server",
            )
