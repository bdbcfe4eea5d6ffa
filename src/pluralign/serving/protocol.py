"""HTTP connections with time limits."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pluralign.serving.problems import problem

CONNECTIONS = "pluralign.connections"
"""Key of a request's scope with the number of open connections."""
SECONDS = 30.0
"""Longest time for a client to send the headers of a request or to read its answer, in seconds."""
MOST_BYTES = 65_536
"""Approximate largest number of bytes of a request's headers."""

MOST_UNREAD = 64_000_000
"""Largest number of bytes of unread answers on all connections together."""


class PatientProtocol(HttpToolsProtocol):
    """Closes connections with slow or endless headers, and connections whose answers are not read.

    So slow clients do not occupy connections or memory. If unread answers take too much memory
    together, the connections that have waited longest are closed first.
    """

    def connection_made(self, transport: Any) -> None:
        """Start the time limit for headers."""
        super().connection_made(transport)
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._in_headers, self._bytes = False, 0
        self._await("headers")

    def data_received(self, data: bytes) -> None:
        """Receive data; data outside a current request must lead to headers."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await("headers")
        if self._in_headers:
            self._bytes += len(data)
            if self._bytes > MOST_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Start to count the bytes of headers."""
        super().on_message_begin()
        self.scope[CONNECTIONS] = len(self.connections)  # type: ignore[literal-required]
        self._in_headers, self._bytes = True, 0

    def on_headers_complete(self) -> None:
        """Handle complete headers."""
        self._in_headers = False
        self._have("headers")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer that the data is not HTTP."""
        answer = problem(400, msg, headers={"Connection": "close"})
        head = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head + b"\r\n" + answer.body)
        self.transport.close()

    def pause_writing(self) -> None:
        """Start the time limit for the client to read the answer."""
        super().pause_writing()
        self._await("reading")
        self._make_room()

    def resume_writing(self) -> None:
        """Stop the time limit: the client has read the answer."""
        self._have("reading")
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after a closed connection."""
        for what in [*self._due]:
            self._have(what)
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if its last answer was not read."""
        self.transport.abort()

    def _make_room(self) -> None:
        """Close the longest waiting connections, but the last, until few bytes are unread."""
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
