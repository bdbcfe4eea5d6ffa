"""Bodies of bounded size, whatever a server sends."""

import importlib
from collections.abc import AsyncIterator
from typing import Any

MOST_BYTES = 4_000_000


class TooLarge(ValueError):
    """An answer is larger than any completion."""


async def bound_body(response: Any) -> None:
    """A response hook of httpx: reading the body stops beyond `MOST_BYTES`, and packed bodies are refused.

    Requests ask for unpacked bodies, so that a small packed one cannot become a large one.

    Args:
        response: Of httpx, or of the package under which the openai client brings it.

    Raises:
        TooLarge: If the body is packed.
    """
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise TooLarge("the answer is packed although it was asked for unpacked")
    httpx = importlib.import_module(type(response).__module__.partition(".")[0])
    bounded = type("Bounded", (_Bounded, httpx.AsyncByteStream), {})
    response.stream = bounded(response.stream)


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
