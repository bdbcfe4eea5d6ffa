"""Threads next to the event loop, so that long work does not delay other callers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_THREADS = 2
Given = ParamSpec("Given")
Found = TypeVar("Found")


class Aside:
    """A few threads that read large bodies, plan, and write large answers.

    They are few, so that callers with large requests wait for one another and do not delay others.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aside")

    async def __call__(
        self, heavy: bool, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs
    ) -> Found:
        """Return the result of ``work``, computed in a thread if it is heavy, else at once."""
        if not heavy:
            return work(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, partial(work, *args, **kwargs)
        )

    def close(self) -> None:
        """Let the threads end when their work is done."""
        self._threads.shutdown(wait=False)
