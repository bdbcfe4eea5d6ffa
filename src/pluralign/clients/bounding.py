"""Limit the size of the bodies that a server sends."""

import importlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 4_000_000


class TooLarge(ValueError):
    """An answer is larger than any completion."""


async def bound_body(response: Any) -> None:
    """Stop reading a body beyond `MOST_BYTES`, as a response hook of httpx; refuse compressed ones.

    Requests ask for bodies without compression, so that a small body cannot expand to a large one.

    Args:
        response: A response of httpx, or of the package under which the openai client has it.

    Raises:
        TooLarge: If the body is compressed.
    """
    _refuse_compressed(response)
    httpx = importlib.import_module(type(response).__module__.partition(".")[0])
    bounded = type("Bounded", (_Bounded, httpx.AsyncByteStream), {})
    response.stream = bounded(response.stream)


def read_bounded(response: "httpx.Response", most: int) -> bytes:
    """Read the body of an answer that is streamed; refuse compressed ones, as `bound_body` does.

    Raises:
        TooLarge: If the body is compressed, or has more than ``most`` bytes.
    """
    _refuse_compressed(response)
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > most:
            raise TooLarge(f"the answer has more than {most:,} bytes")
    return bytes(body)


def _refuse_compressed(response: Any) -> None:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise TooLarge("the answer is compressed although the request asked for no compression")


class _Bounded:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > MOST_BYTES:
                raise TooLarge(f"the answer has more than {MOST_BYTES:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
