"""Work beside the event loop: what takes long must not keep other callers waiting."""

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

    There are few, so that callers who ask for much wait for one another and not everybody for them.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aside")

    async def __call__(
        self, heavy: bool, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs
    ) -> Found:
        """What ``work`` returns; done in a thread where it is heavy, at once where a thread would cost more."""
        if not heavy:
            return work(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, partial(work, *args, **kwargs)
        )

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        self._threads.shutdown(wait=False)
