"""Give tasks to workers: results by the key of their task, each as soon as it is there."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
_WAITING_PER_WORKER = 2


def spread(
    tasks: Iterable[tuple[K, tuple[Any, ...]]], function: Callable[..., Any], pool: Executor
) -> "Iterator[tuple[K, Future[Any]]]":
    """Call a function with the arguments of every task, on the workers of a pool.

    Tasks are taken as workers become free, so that an unbounded stream of them needs little memory.
    Results come in any order: join them by their keys.

    Args:
        tasks: The key of each task, and its arguments. Large values that many tasks use are
            given by reference (`WorkerPool.share`).
        function: Is called with the arguments; it is pickled by its name.
        pool: Any executor of ``concurrent.futures``.

    Yields:
        The key of a task and its future, which is done: ``result()`` returns or raises.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> tasks = {"two": (2,), "three": (3,)}
    >>> with ThreadPoolExecutor(2) as pool:
    ...     found = {key: done.result() for key, done in spread(tasks.items(), abs, pool)}
    >>> sorted(found.items())
    [('three', 3), ('two', 2)]
    """
    left = iter(tasks)
    waiting: dict[Future[Any], K] = {}
    most = _WAITING_PER_WORKER * getattr(pool, "size", 1)
    try:
        while True:
            for key, arguments in islice(left, most - len(waiting)):
                waiting[pool.submit(function, *arguments)] = key
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future
    finally:
        for future in waiting:
            future.cancel()
