"""Limits in front of every endpoint: tokens, origins, sizes, times and numbers of connections."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pluralign.serving.metrics import Metrics
from pluralign.serving.problems import Refused, problem
from pluralign.serving.protocol import CONNECTIONS
from pluralign.serving.server_settings import ServeSettings, is_loopback
from pluralign.web.origins import CHANGES_NOTHING, from_elsewhere, host_name

_log = logging.getLogger("pluralign.serving")
OPEN_TO_ALL = frozenset(
    {"/", "/page.css", "/page.js", "/chat.js", "/common.js", "/healthz", "/readyz"}
)
"""Paths that require no token, because they reveal nothing about the model."""
_UNNAMED = "other"
_SHORT_BODY = 64_000
_HOSTS_KEPT = 64
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]


class Guard:
    """Wraps an application (ASGI).

    Args:
        app: The application.
        settings: Settings of the server.
        metrics: Counts requests.
        endpoints: Paths that are counted by name; all other paths are counted together.
    """

    def __init__(
        self, app: ASGIApp, settings: ServeSettings, metrics: Metrics, endpoints: Sequence[str]
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._endpoints = frozenset(endpoints)
        self._origins = frozenset(origin.lower().encode() for origin in settings.origins)
        self._held = 0
        self._digests = [_digest(token.encode()) for token in settings.tokens]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with a reason."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        since, status = time.perf_counter(), 499
        body = _Body()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            async with asyncio.timeout(self._settings.seconds_to_send):
                await send(message)

        try:
            self._check(scope)
            await self._app(scope, self._receiving(receive, body), sending)
        except Refused as refused:
            answer = problem(refused.status_code, refused.detail, refused.hint, refused.headers)
            await answer(scope, receive, sending)
        except TimeoutError:
            _log.warning(
                "a client did not read its answer within %g s", self._settings.seconds_to_send
            )
        finally:
            self._held -= body.size
            self._tell(scope, status, time.perf_counter() - since)

    def _check(self, scope: Scope) -> None:
        if scope.get(CONNECTIONS, 0) > self._settings.most_connections:
            after = {"Retry-After": "1", "Connection": "close"}
            raise Refused(
                503,
                "too many connections are open",
                "ask again in 1 s, over fewer connections",
                after,
            )
        headers = dict(scope["headers"])
        if self._digests:
            if scope["path"] not in OPEN_TO_ALL and not self._let_in(
                headers.get(b"authorization", b"")
            ):
                asked = {"WWW-Authenticate": "Bearer"}
                raise Refused(
                    401,
                    "the token is missing or wrong",
                    "send the header Authorization: Bearer TOKEN",
                    asked,
                )
        elif not _names_this_machine(headers.get(b"host", b"")):
            # A page of another site whose host name points to this machine (DNS rebinding).
            raise Refused(
                421,
                "the host name in the request is not a name of this machine",
                "ask http://127.0.0.1",
            )
        if scope["method"] not in CHANGES_NOTHING and from_elsewhere(headers, self._origins):
            hint = (
                "ask from this server's own page or from a program; serve --origin allows a "
                "page of another origin"
            )
            raise Refused(403, "a web page of another origin sent the request", hint)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._settings.most_bytes:
            raise _too_large(self._settings)

    def _let_in(self, authorization: bytes) -> bool:
        given = _digest(_token(authorization))
        return any(hmac.compare_digest(given, known) for known in self._digests)

    def _receiving(self, receive: Receive, body: "_Body") -> Receive:
        """Limit the size and the time of a body; then only wait for the client's disconnection."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.seconds_to_send
        whole = False

        async def receiving() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise Refused(
                    408,
                    f"the request was not sent within {self._settings.seconds_to_send:g} s",
                    headers={"Connection": "close"},
                ) from None
            self._hold(body, len(message.get("body", b"")))
            whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
            if body.size > self._settings.most_bytes:
                raise _too_large(self._settings)
            return message

        return receiving

    def _hold(self, body: "_Body", more: int) -> None:
        """Count the received bytes of this body and of all bodies; a short body is always accepted.

        Raises:
            Refused: If the bodies of all clients together are too large, and this body is long.
        """
        body.size += more
        self._held += more
        if self._held > self._settings.most_bytes_at_once and body.size > _SHORT_BODY:
            after = {"Retry-After": "1", "Connection": "close"}
            raise Refused(
                503, "the requests of all clients together are too large", "ask again in 1 s", after
            )

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in self._endpoints else _UNNAMED
        self._metrics.answered(path, status, seconds)
        level = logging.INFO if status >= 400 else logging.DEBUG
        _log.log(level, "%s %s %d %.1f ms", scope["method"], path, status, seconds * 1e3)


@dataclass(slots=True)
class _Body:
    """The body of a request.

    Attributes:
        size: Number of bytes received so far.
    """

    size: int = 0


@lru_cache(_HOSTS_KEPT)
def _names_this_machine(host: bytes) -> bool:
    """Whether a Host header names this machine; callers send the same few headers all the time."""
    return is_loopback(host_name(host))


def _too_large(settings: ServeSettings) -> Refused:
    return Refused(
        413,
        f"the body has more than {settings.most_bytes} bytes",
        "send less",
        {"Connection": "close"},
    )


def _token(authorization: bytes) -> bytes:
    """The bearer token of an Authorization header, or the password in ``http://any:TOKEN@host``."""
    kind, _, given = authorization.partition(b" ")
    if kind.lower() == b"bearer":
        return given.strip()
    if kind.lower() == b"basic":
        try:
            return base64.b64decode(given.strip(), validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
