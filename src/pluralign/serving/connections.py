"""Answers that are worked on while their client is there."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

from pluralign.serving.batching import Busy, Closed
from pluralign.serving.problems import CLIENT_LEFT, Refused

Found = TypeVar("Found")
_UNWATCHED = 0.02
"""Seconds of work before the client is watched: most answers are there sooner."""


async def while_connected(
    request: Request, work: Awaitable[Found], seconds: float, what: str
) -> Found:
    """The result of ``work``, which is cancelled if the client disconnects or waits too long.

    Args:
        request: The request of the client.
        work: The work to wait for.
        seconds: Longest time to wait.
        what: The state of late work, such as "not scored".

    Raises:
        Refused: If there is no result: the client left (499), the time is over (504), too much work
            is waiting (429), or the server is stopping (503).
    """
    watch = _Watch(request, seconds)
    try:
        async with watch.limit:
            with watch:
                return await work
    except Busy as busy:
        after = {"Retry-After": str(busy.seconds)}
        hint = f"ask again in {busy.seconds} s"
        raise Refused(429, "too many requests are waiting", hint, after) from busy
    except Closed as closed:
        after = {"Retry-After": "1"}
        raise Refused(503, "the server is stopping", "ask another one", after) from closed
    except TimeoutError:
        if watch.left:
            raise Refused(CLIENT_LEFT, "the client disconnected") from None
        if watch.limit.expired():
            late = f"{what} within {seconds:g} s"
            raise Refused(504, late, "ask again, or send a smaller request") from None
        raise


class _Watch:
    """Waits for the client's disconnection, which ends the time for the work.

    Args:
        request: The request of the client.
        seconds: Longest time for the work.

    Attributes:
        limit: Limits the time for the work.
        left: Whether the client has disconnected.
    """

    def __init__(self, request: Request, seconds: float) -> None:
        self.limit = asyncio.timeout(None)
        self.left = False
        self._request, self._seconds = request, seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        unwatched = min(_UNWATCHED, self._seconds)
        self._begin = self._loop.call_later(unwatched, self._start, self._loop.time())

    def __exit__(self, *_: object) -> None:
        self._begin.cancel()
        if self._waiting is not None:
            self._waiting.cancel()

    def _start(self, began: float) -> None:
        self.limit.reschedule(began + self._seconds)
        self._waiting = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        await self._request.receive()
        self.left = True
        self.limit.reschedule(self._loop.time())
