"""One thread that writes, and commits together all changes that have arrived meanwhile.

A commit costs one or two milliseconds because it waits for the disk. People who answer at the same
moment share that wait, and no two connections ever compete for the write lock.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

T = TypeVar("T")
_MOST_TOGETHER = 200


@dataclass(frozen=True, slots=True)
class _Change:
    make: Callable[[Connection], Any]
    done: Future[Any]


class Writer:
    """Makes changes to a store in the order of their arrival.

    Args:
        engine: The engine with the one connection that writes.
    """

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()
        self._closing = threading.Lock()
        self._closed = False
        self._waiting: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def write(self, make: Callable[[Connection], T]) -> T:
        """Make a change, and return what it returns once it is on disk.

        Args:
            make: Makes the change through the connection. It must not commit. If it raises, its
                own statements are rolled back, other changes of the same commit are not.

        Raises:
            OperationalError: If the database cannot write, for example because the disk is full
                or its server was stopped. Later changes are tried again.
            RuntimeError: If the writer is closed.
        """
        done: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise RuntimeError("the store is closed")
            self._waiting.put(_Change(make, done))
        return done.result()

    def close(self) -> None:
        """Finish the changes that have arrived, and stop."""
        with self._closing:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        with self._connection as connection:
            while (first := self._waiting.get()) is not None:
                changes, ended = self._arrived(first)
                _commit_together(connection, changes)
                if ended:
                    return

    def _arrived(self, first: _Change) -> tuple[list[_Change], bool]:
        """The first change and those that wait behind it; and whether the end was among them."""
        changes = [first]
        while len(changes) < _MOST_TOGETHER:
            try:
                change = self._waiting.get_nowait()
            except queue.Empty:
                break
            if change is None:
                return changes, True
            changes.append(change)
        return changes, False


def _commit_together(connection: Connection, changes: list[_Change]) -> None:
    """Make changes in one transaction, each behind a savepoint; report them after the commit."""
    outcomes: list[Any] = []
    try:
        with connection.begin():
            for change in changes:
                outcomes.append(_outcome(connection, change))
    except BaseException as error:  # none of the changes is confirmed
        outcomes = [_Failed(error)] * len(changes)
    for change, outcome in zip(changes, outcomes, strict=True):
        if isinstance(outcome, _Failed):
            change.done.set_exception(outcome.error)
        else:
            change.done.set_result(outcome)


def _outcome(connection: Connection, change: _Change) -> Any:
    savepoint = connection.begin_nested()
    try:
        result = change.make(connection)
    except OperationalError:
        # The disk or the connection failed. SQLite may have rolled back the other changes too, so
        # none of them may be confirmed.
        raise
    except Exception as error:
        savepoint.rollback()
        return _Failed(error)
    savepoint.commit()
    return result


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException
