"""Workers that sum over the pairs of a fit: other processes, here or on a cluster.

    with Workers.processes(8) as workers:
        heads = fit_path(TableFeatures(vectors, rows), ridges, workers=workers)

Steps are taken in this process, and workers get a head and numbers of blocks and return one sum for
each group of blocks. A worker has no state: it reads pairs and vectors by reference, so any other
computes the blocks of one that died, with the same bits.
"""

import tempfile
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from pluralign.core import FloatArray, PluralignError
from pluralign.rewards.block_sums import Part, Total, added, block_count, groups_of, total_of
from pluralign.rewards.choices import Choices
from pluralign.rewards.features import TableFeatures
from pluralign.rewards.shared_arrays import (
    Array,
    ArrayStore,
    FolderStore,
    SharedArray,
    SharedChoices,
)
from pluralign.rewards.threads import arithmetic, one_blas_thread

_GROUPS = 4  # for each worker, so that a slow one does not leave the others without work
_AHEAD = 2  # groups underway for each worker, so that few sums wait here for an earlier one
_RESTARTS = 3


class Workers:
    """Processes that compute sums over pairs; safe to use from several threads.

    Args:
        start: Starts an executor, such as a process pool. It is called at the first sum, and again
            where a worker that died has broken the executor.
        count: Number of workers, >= 1.
        store: Where workers read arrays; files in a temporary folder of this machine where None.
    """

    def __init__(
        self, start: Callable[[], Executor], count: int, store: ArrayStore | None = None
    ) -> None:
        self._start = start
        self._count = count
        self._cleanups = ExitStack()
        if store is None:
            folder = tempfile.TemporaryDirectory(prefix="pluralign-", ignore_cleanup_errors=True)
            store = FolderStore(Path(self._cleanups.enter_context(folder)))
        self._store = store
        self._executor: Executor | None = None
        self._shared: dict[int, SharedArray] = {}
        # A dying array may be forgotten while its thread puts another.
        self._lock = threading.RLock()

    @classmethod
    def processes(cls, count: int) -> "Workers":
        """Processes of this machine; a script that starts them needs a ``__main__`` guard."""
        return cls(partial(ProcessPoolExecutor, count, mp_context=get_context("spawn")), count)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        self._cleanups.close()

    def total(self, choices: Choices) -> Total:
        """Sums over these choices, computed by the workers; their features are from a table."""
        groups = groups_of(block_count(len(choices.weight_N)), least=_GROUPS * self._count)
        return _SpreadTotal(self, choices, self._share(choices), groups)

    def replies(self, task: Callable[[range], "Reply"], groups: list[range]) -> Iterator["Reply"]:
        """What a task returns for each group, in order; a worker's death is made good.

        Raises:
            PluralignError: If workers died again and again.
        """
        underway: dict[int, Future[Reply]] = {}
        replied = deaths = 0
        try:
            while replied < len(groups):
                executor = self._running()
                try:
                    for k in range(replied, min(replied + _AHEAD * self._count, len(groups))):
                        if k not in underway:
                            underway[k] = executor.submit(task, groups[k])
                    reply = underway.pop(replied).result()
                except BrokenExecutor as error:
                    deaths += 1
                    if deaths > _RESTARTS:
                        raise _lost(deaths) from error
                    self._leave(executor)
                    underway = {k: f for k, f in underway.items() if _succeeded(f)}
                    continue
                replied += 1
                yield reply
        finally:
            for future in underway.values():
                future.cancel()

    def _running(self) -> Executor:
        with self._lock:
            if self._executor is None:
                self._executor = self._start()
            return self._executor

    def _leave(self, broken: Executor) -> None:
        with self._lock:
            # Another thread may have replaced it already.
            if self._executor is broken:
                self._executor = None

    def _share(self, choices: Choices) -> SharedChoices:
        table = choices.features
        assert isinstance(table, TableFeatures), "features from a table"
        scores = None
        if table.scores is not None:
            scores = (self._put(table.scores.prompt_T_p), self._put(table.scores.response_T_r))
        return SharedChoices(
            self._put(table.vector_T_d),
            self._put(table.index_3_N),
            table.scale,
            scores,
            self._put(choices.weight_N),
            self._put(choices.against_N),
        )

    def _put(self, array: Array) -> SharedArray:
        """A reference that lasts as long as the array, so that fits on one table share it."""
        with self._lock:
            if id(array) not in self._shared:
                self._shared[id(array)] = self._store.put(array)
                weakref.finalize(array, self._forget, id(array)).atexit = False
            return self._shared[id(array)]

    def _forget(self, key: int) -> None:
        with self._lock:
            self._store.drop(self._shared.pop(key))


class Reply(NamedTuple):
    """The sum over a group of blocks, and the arithmetic of the worker that computed it."""

    total: FloatArray
    arithmetic: str


def group_sum(shared: SharedChoices, part: Part, theta_P_D: FloatArray, blocks: range) -> Reply:
    """The task of a worker: the sum over a group of blocks."""
    with one_blas_thread():
        return Reply(total_of(shared.read(), part, theta_P_D, blocks), arithmetic())


@dataclass(frozen=True, slots=True)
class _SpreadTotal:
    """Sums over choices that workers read by reference, kept here until nobody asks for sums."""

    workers: Workers
    choices: Choices
    shared: SharedChoices
    groups: list[range]

    def __call__(self, part: Part, theta_P_D: FloatArray) -> FloatArray:
        task = partial(group_sum, self.shared, part, theta_P_D)
        return added(_own_sum(reply) for reply in self.workers.replies(task, self.groups))


def _own_sum(reply: Reply) -> FloatArray:
    if reply.arithmetic != arithmetic():
        warnings.warn(
            f"a worker computes with {reply.arithmetic}, this process with {arithmetic()}: heads "
            "are equal to rounding only, and may change with the worker that computes a part",
            RuntimeWarning,
            stacklevel=2,
        )
    # A cluster's store returns arrays that cannot be added to.
    own: FloatArray = np.require(reply.total, requirements="W")
    return own


def _succeeded(future: "Future[Reply]") -> bool:
    return future.done() and future.exception() is None


def _lost(deaths: int) -> PluralignError:
    return PluralignError(
        f"workers of a fit died {deaths} times",
        hint="look for a lack of memory; a script that starts processes needs `if __name__ == "
        "'__main__':`",
    )
