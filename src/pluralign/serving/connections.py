"""Answers that are worked on while their client is there."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

from pluralign.serving.batching import Busy, Closed
from pluralign.serving.problems import CLIENT_LEFT, Refused

Found = TypeVar("Found")


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
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({doing, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return _outcome(doing)
        if gone.done():
            raise Refused(CLIENT_LEFT, "the client disconnected")
        raise Refused(504, f"{what} within {seconds:g} s", "ask again, or send a smaller request")
    finally:
        for task in (doing, gone):
            task.cancel()


def _outcome(work: "asyncio.Future[Found]") -> Found:
    try:
        return work.result()
    except Busy as busy:
        after = {"Retry-After": str(busy.seconds)}
        raise Refused(
            429, "too many requests are waiting", f"ask again in {busy.seconds} s", after
        ) from busy
    except Closed as closed:
        raise Refused(
            503, "the server is stopping", "ask another one", {"Retry-After": "1"}
        ) from closed
