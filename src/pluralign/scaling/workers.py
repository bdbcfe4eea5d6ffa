"""A pool of workers behind the interface of ``concurrent.futures``: processes here, or actors."""

import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any, Protocol

from pluralign.scaling.carried import CallOutcome, InFile, WorkerLost

TRIES = 2
"""How often a call is made whose worker is lost."""
CALL_SECONDS = 24 * 3600.0
"""Time after which a worker that has not answered is lost: longer than fits of large data take."""


class Worker(Protocol):
    """A process, here or on another machine, that makes one call at a time."""

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> CallOutcome:
        """Make a call.

        Raises:
            WorkerLost: If the worker dies, or does not answer in time; it is ended.
        """
        ...

    def close(self) -> None:
        """End the worker."""
        ...


class WorkerPool(Executor):
    """Gives calls to workers; a lost worker is replaced, and its call made again.

    A call may be made more than once, so it must give the same result every time.

    Args:
        start: Starts a worker.
        size: Number of workers, >= 1.
        tries: How often a call is made whose worker is lost.
        share: Puts a value where all workers can read it, and returns its reference for the
            arguments of calls. Default: a file in a temporary folder.

    Attributes:
        size: As given.
    """

    def __init__(
        self,
        start: Callable[[], Worker],
        size: int,
        tries: int = TRIES,
        share: Callable[[Any], Any] | None = None,
    ) -> None:
        self.size = size
        self._start = start
        self._tries = tries
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._making_folder = Lock()
        self._numbers = count()
        self._share = share or self._share_in_file
        self._threads = ThreadPoolExecutor(size, "worker")
        self._live: set[Worker] = set()
        self._ended = False
        # A worker is started when there is work for it.
        self._idle: SimpleQueue[Worker | None] = SimpleQueue()
        for _ in range(size):
            self._idle.put(None)

    @property
    def folder(self) -> Path:
        """A temporary folder for shared values; made when it is first asked for."""
        with self._making_folder:
            if self._temporary is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="pluralign-shared-")
            return Path(self._temporary.name)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call a function on a worker, as ``Executor.submit``; keywords are not supported.

        The future raises the error of the function, or `WorkerLost`.
        """
        if kwargs:
            raise TypeError("arguments of a worker are given by position")
        return self._threads.submit(self._call, fn, args)

    def share(self, value: Any) -> Any:
        """Put a value where all workers can read it: large arrays travel once.

        Args:
            value: Anything that can be pickled.

        Returns:
            A reference for the arguments of `submit`; the arrays of the value are read-only. The
            value is kept as long as the reference.
        """
        return self._share(value)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers after their calls, as ``Executor.shutdown``."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        self._end()

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        """End the workers; where the block ends by an error, in the middle of their calls."""
        if error is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._end()
        self.shutdown()

    def _end(self) -> None:
        self._ended = True
        for worker in list(self._live):
            worker.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        worker = self._idle.get()
        try:
            for left in reversed(range(self._tries)):
                worker = worker or self._started()
                try:
                    return worker.call(function, arguments).unpacked()
                except WorkerLost:
                    self._live.discard(worker)
                    worker = None
                    if not left:
                        raise
        finally:
            self._idle.put(worker)

    def _started(self) -> Worker:
        if self._ended:
            raise WorkerLost("the pool of workers has ended")
        worker = self._start()
        self._live.add(worker)
        if self._ended:  # while it started: the end of the pool may have missed it
            worker.close()
            raise WorkerLost("the pool of workers has ended")
        return worker

    def _share_in_file(self, value: Any) -> InFile:
        return InFile.write(value, self.folder / str(next(self._numbers)))
