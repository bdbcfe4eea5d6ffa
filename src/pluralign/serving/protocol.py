"""HTTP connections that do not wait for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pluralign.serving.problems import problem

CONNECTIONS = "pluralign.connections"
"""Under which name a request's scope says how many connections there are."""
SECONDS = 30.0
"""How long a client may take to send the headers of a request, or to take in what waits to be sent."""
MOST_BYTES = 65_536
"""How many bytes the headers of a request may have, about."""

MOST_UNREAD = 64_000_000
"""How many bytes of answers may wait, on all connections together, for clients to take them in."""


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose headers do not come, or have no end, or where nobody reads the answer.

    A client that sends a byte now and then, or never reads, holds no place and no memory. Where
    answers that nobody reads take too much memory together, the connections that have waited
    longest are closed first.
    """

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._in_headers, self._bytes = False, 0
        self._await("headers")

    def data_received(self, data: bytes) -> None:
        """Take in data; what is no part of a request at hand must lead to headers."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await("headers")
        if self._in_headers:
            self._bytes += len(data)
            if self._bytes > MOST_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin to count the bytes of headers."""
        super().on_message_begin()
        self.scope[CONNECTIONS] = len(self.connections)  # type: ignore[literal-required]
        self._in_headers, self._bytes = True, 0

    def on_headers_complete(self) -> None:
        """The headers are there."""
        self._in_headers = False
        self._have("headers")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that what came is no HTTP."""
        answer = problem(400, msg, headers={"Connection": "close"})
        head = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head + b"\r\n" + answer.body)
        self.transport.close()

    def pause_writing(self) -> None:
        """Begin to wait for the client to take in what it was sent."""
        super().pause_writing()
        self._await("reading")
        self._make_room()

    def resume_writing(self) -> None:
        """The client took it in."""
        self._have("reading")
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        for what in [*self._due]:
            self._have(what)
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, whether its last answer was read or not."""
        self.transport.abort()

    def _make_room(self) -> None:
        """Close the connections that have waited longest to be read, the last one apart, until the rest is little."""
        waiting = [
            each
            for each in self.connections
            if isinstance(each, PatientProtocol) and "reading" in each._due
        ]
        waiting.sort(key=lambda each: each._due["reading"].when())
        unread = sum(each.transport.get_write_buffer_size() for each in waiting)
        for slow in waiting[:-1]:
            if unread <= MOST_UNREAD:
                return
            unread -= slow.transport.get_write_buffer_size()
            slow.transport.abort()

    def _await(self, what: str) -> None:
        if what not in self._due:
            self._due[what] = self.loop.call_later(SECONDS, self.transport.abort)

    def _have(self, what: str) -> None:
        if what in self._due:
            self._due.pop(what).cancel()
