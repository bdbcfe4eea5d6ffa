"""In front of every page: origins of forms, sizes of bodies, and headers."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pluralign.collecting.refusals import NotAccepted
from pluralign.web.origins import CHANGES_NOTHING, from_elsewhere

MOST_BYTES = 512_000
"""Largest body of a form: a text of 10,000 letters of any script fits, and is refused in words."""
_TOO_LARGE = "This is too long to be received. Please shorten it."
_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: with it browsers hide the origin of a form from this site too.
    (b"referrer-policy", b"same-origin"),
    (b"x-robots-tag", b"noindex"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
_NOT_STORED = (b"cache-control", b"no-store")


class PageGuard:
    """Wraps the application of a study (ASGI).

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; add headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # as GET; the server itself leaves the content out
            scope = {**scope, "method": "GET"}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                cached = any(name == b"cache-control" for name, _ in headers)
                message["headers"] = [*headers, *_HEADERS, *([] if cached else [_NOT_STORED])]
            await send(message)

        await self._app(scope, _limited(receive), sending)


async def check_request(request: Request) -> None:
    """Refuse forms that another site sends, and bodies that are too large.

    It waits for nothing, so it needs no thread: as an async function it is called at once.

    Raises:
        NotAccepted: If the request is one of these.
    """
    if request.method in CHANGES_NOTHING:
        return
    headers = dict(request.scope["headers"])
    if from_elsewhere(headers):
        raise NotAccepted(
            "Another site sent this form, so nothing was kept. Please start from this study's "
            "first page.",
            status=403,
        )
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise NotAccepted(_TOO_LARGE, status=413)


def _limited(receive: Receive) -> Receive:
    received = 0

    async def receiving() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BYTES:
            raise NotAccepted(_TOO_LARGE, status=413)
        return message

    return receiving
