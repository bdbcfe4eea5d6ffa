"""A thread that does one long job after the other, with a bounded queue."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Generic, TypeVar

from pluralign.serving.batching import Busy, Closed

Piece = TypeVar("Piece")
_LONGEST_WAIT = 60
_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class _End:
    """The last entry of a job's queue.

    Attributes:
        error: Why the job ended early; None if it is complete.
    """

    error: Exception | None = None


@dataclass(slots=True, eq=False)
class _Job(Generic[Piece]):
    work: Callable[[], Iterator[Piece]]
    size: int
    loop: asyncio.AbstractEventLoop
    pieces: "asyncio.Queue[Piece | _End]" = field(default_factory=asyncio.Queue)
    cancelled: Event = field(default_factory=Event)

    def run(self) -> None:
        """Do the work in a thread; it ends before its next piece once it is cancelled."""
        end = _End()
        try:
            if not self.cancelled.is_set():
                self._run()
        except Exception as error:
            end = _End(error)
        self._send(end)

    def _run(self) -> None:
        pieces: Any = self.work()
        with closing(pieces):
            for piece in pieces:
                if self.cancelled.is_set():
                    return
                self._send(piece)

    def _send(self, piece: Piece | _End) -> None:
        self.loop.call_soon_threadsafe(self.pieces.put_nowait, piece)


class OneAtATime:
    """Does jobs one after the other in a thread next to the event loop.

    A job is a generator. Its pieces arrive at the caller as soon as they are there. If the caller
    closes the stream of pieces, the generator is closed before its next piece, and a job that has
    not begun is never done.

    Args:
        most: Largest size of all open jobs together, >= 1.
        name: Name of the thread.

    Attributes:
        size: Size of all open jobs together.
    """

    def __init__(self, most: int, name: str) -> None:
        self.size = 0
        self._most = most
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._seconds = 1.0
        self._closed = False

    async def pieces(
        self, work: Callable[[], Iterator[Piece]], size: int = 1
    ) -> AsyncGenerator[Piece]:
        """Pieces of a job.

        Args:
            work: Makes the generator; it must be a generator, so that it can be closed.
            size: Size of the job.

        Raises:
            Busy: If the open jobs are too large together.
            Closed: If no more jobs are accepted.
        """
        if self._closed:
            raise Closed
        if self.size + size > self._most:
            raise Busy(self._seconds_of_work())
        job = _Job(work, size, asyncio.get_running_loop())
        self.size += size
        done = self._thread.submit(self._timed, job)
        try:
            while not isinstance(piece := await job.pieces.get(), _End):
                yield piece
            if piece.error is not None:
                raise piece.error
        finally:
            job.cancelled.set()
            done.cancel()
            self.size -= size

    async def close(self) -> None:
        """Accept no more jobs, and finish the open ones."""
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    def _timed(self, job: _Job[Any]) -> None:
        since = time.perf_counter()
        job.run()
        seconds = time.perf_counter() - since
        self._seconds += _WEIGHT * (seconds / job.size - self._seconds)

    def _seconds_of_work(self) -> int:
        return max(1, min(_LONGEST_WAIT, math.ceil(self.size * self._seconds)))
