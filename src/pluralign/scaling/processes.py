"""Workers that are processes of this machine."""

import logging
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from pluralign.scaling.carried import CallOutcome, WorkerLost, call_here
from pluralign.scaling.workers import CALL_SECONDS, WorkerPool


class LocalProcess:
    """A worker in a process of its own.

    Args:
        threads: Number of threads of its libraries.
        seconds: How long a call may take.
        shared: Folder of shared values, which is deleted if the first process is killed.
    """

    def __init__(self, threads: int, seconds: float, shared: Path) -> None:
        self._seconds = seconds
        self._closing = Lock()
        # Not forked: a process that has run torch must not be.
        context = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, context, _prepare, (threads, shared))

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> CallOutcome:
        """Make a call in the process."""
        try:
            found = self._process.submit(call_here, function, arguments).result(self._seconds)
        except BrokenExecutor as error:
            self.close()
            raise WorkerLost("a worker process died") from error
        except TimeoutError as error:
            self.close()
            raise WorkerLost(f"a worker process took over {self._seconds:g} seconds") from error
        return found

    def close(self) -> None:
        """End the process, also in the middle of a call."""
        with self._closing:  # the thread of its call may do the same at this moment
            for process in list((self._process._processes or {}).values()):
                process.kill()
            self._process.shutdown(wait=True, cancel_futures=True)


def _prepare(threads: int, shared: Path) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read by torch, which is not imported yet
    logging.getLogger().addHandler(logging.NullHandler())  # warnings go to the first process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the business of the first process
    Thread(target=_end_with_parent, args=(shared,), daemon=True).start()


def _end_with_parent(shared: Path) -> None:
    """End this process when the one that started it is gone, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(shared, ignore_errors=True)
        os._exit(1)


def process_pool(size: int, seconds: float = CALL_SECONDS) -> WorkerPool:
    """A pool of processes on this machine, which share its cores.

    Args:
        size: Number of processes, >= 1.
        seconds: How long a call may take.
    """
    threads = max(1, _cores() // size)
    pool = WorkerPool(lambda: LocalProcess(threads, seconds, pool.folder), size)
    return pool


def _cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
