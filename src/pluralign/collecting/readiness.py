"""Whether a study's store can be read and written, for a proxy or a supervisor that asks often."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from pluralign.collecting.store.store import Store
from pluralign.collecting.store.tables import bucket

_KEY = "readiness"
_EVERY = 10.0
_SLOW = 20.0


class Readiness:
    """Tries the store now and then, and remembers the outcome: asking often costs nothing.

    Args:
        store: The store.
        clock: Seconds that only grow.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._trying = threading.Lock()
        self._began_at = self._tried_at = clock() - _EVERY
        self._problem: str | None = None

    def problem(self) -> str | None:
        """The reason why the store cannot be used; None if it can be read and written.

        One caller at a time tries the store, at most every ten seconds. Others get the outcome of
        the last try at once.
        """
        if self._clock() - self._tried_at < _EVERY:
            return self._problem
        if not self._trying.acquire(blocking=False):
            stuck = self._clock() - self._began_at > _SLOW
            return "the store does not answer" if stuck else self._problem
        self._began_at = self._clock()
        try:
            self._problem = self._try()
        finally:
            self._tried_at = self._clock()
            self._trying.release()
        return self._problem

    def _try(self) -> str | None:
        try:
            with self._store.reading() as connection:
                connection.execute(select(1))
        except SQLAlchemyError:
            return "the store cannot be read"
        try:
            self._store.write(_write_and_delete)
        except (SQLAlchemyError, RuntimeError):
            return "the store cannot be written"
        return None


def _write_and_delete(connection: Connection) -> None:
    """Change the store and change it back: only a commit with changes needs room on the disk."""
    connection.execute(delete(bucket).where(bucket.c.key == _KEY))
    connection.execute(insert(bucket).values(key=_KEY, tokens=0.0, at=0.0))
    connection.execute(delete(bucket).where(bucket.c.key == _KEY))
