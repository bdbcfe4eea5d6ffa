"""A study's store: opened for one server, written by one thread, read by many."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError

from pluralign.collecting.store.engines import database_url, reading_engine, writing_engine
from pluralign.collecting.store.upgrading import upgrade
from pluralign.collecting.store.writer import Writer
from pluralign.core import InvalidSettings

T = TypeVar("T")


class Store:
    """Everything that people gave to a study.

    Args:
        url: URL of its database.

    Use `open_store`, which also keeps a second server out.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._writing = writing_engine(url)
            upgrade(self._writing)
            self._reading = reading_engine(url)
            self._writer = Writer(self._writing)
        except DBAPIError as error:
            raise InvalidSettings(
                f"the database cannot be opened for writing: {error.orig}",
                where=make_url(url).render_as_string(hide_password=True),
                hint="check the permissions and the room on the disk; if it is damaged, restore a "
                "backup with `pluralign collect restore`",
            ) from error

    def write(self, change: Callable[[Connection], T]) -> T:
        """Make a change; return its result once the change is on disk.

        Raises:
            OperationalError: If the database cannot write.
        """
        return self._writer.write(change)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the store and cannot change it."""
        with self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        """Finish the changes that have arrived, and close every connection."""
        self._writer.close()
        self._reading.dispose()
        self._writing.dispose()


def check_writable(folder: Path) -> None:
    """Check that files can be made in a study's folder.

    Raises:
        InvalidSettings: If it is there and is read-only for this user.
    """
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidSettings(
            "the folder of the study is read-only for this user",
            where=str(folder),
            hint="give the command as the user who owns the folder (sudo -u USER ...), or mount "
            "the disk for writing; commands that only read need this too, to lock the folder",
        )


@contextmanager
def open_store(folder: Path, url: str | None = None) -> Iterator[Store]:
    """Open the store of a study, made and upgraded where needed.

    Args:
        folder: The study's folder.
        url: URL of the database; SQLite in the folder by default.

    Raises:
        InvalidSettings: If the folder is read-only, another process has the store open, or the
            database cannot be reached, is of a newer version, or does not keep what it confirms.
    """
    from pluralign.runs.lock import alone_in

    check_writable(folder)
    with alone_in(folder):
        store = Store(database_url(folder, url))
        try:
            yield store
        finally:
            store.close()
