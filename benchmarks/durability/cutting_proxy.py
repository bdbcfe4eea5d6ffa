"""A proxy in front of a server that cuts connections, as a bad network does.

Each connection carries one request. A function of the request's first line decides where it is cut.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from pluralign.web.listening import bound

Cut = Literal["before request", "within request", "before response", "within response", "never"]
"""Where a connection is cut. From ``before response`` on, the server has done what was asked."""

_ENDS = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)


@dataclass
class CuttingProxy:
    """A running proxy.

    Attributes:
        upstream: Port of the server.
        cut_of: Where the connection of a request is cut, from its first line.
        port: Port of the proxy.
        cuts: Cuts so far, without ``never``.
    """

    upstream: int
    cut_of: Callable[[str], Cut] = lambda _: "never"
    port: int = 0
    cuts: list[Cut] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request on, and its response back, as far as the cut."""
        with closing(writer), suppress(*_ENDS):
            request = await _request(reader)
            cut = self.cut_of(request.partition(b"\r\n")[0].decode("latin-1"))
            if cut != "never":
                self.cuts.append(cut)
            if cut == "before request":
                return
            response = await self._asked(request, cut == "within request")
            if cut in ("never", "within response"):
                writer.write(response if cut == "never" else response[: len(response) // 2])
                await writer.drain()

    async def _asked(self, request: bytes, half: bool) -> bytes:
        """The response of the server to a request, of which it may get one half only."""
        upstream, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
        with closing(to_server):
            to_server.write(request[: len(request) // 2] if half else request)
            await to_server.drain()
            return b"" if half else await upstream.read()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """A whole request, which asks for the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.strip().split(b"\r\n")
    names = dict(line.lower().split(b": ", 1) for line in lines[1:])
    body = await reader.readexactly(int(names.get(b"content-length", b"0")))
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body


@contextmanager
def running_proxy(upstream: int) -> Iterator[CuttingProxy]:
    """A proxy in a thread of its own, until the end of the block."""
    listener = bound("127.0.0.1", 0)
    listener.listen()
    proxy = CuttingProxy(upstream, port=listener.getsockname()[1])
    started: Future[Callable[[], object]] = Future()

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(proxy.serve, sock=listener):
            started.set_result(lambda: loop.call_soon_threadsafe(stop.set))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    end = started.result(10)
    try:
        yield proxy
    finally:
        end()
        thread.join(10)
