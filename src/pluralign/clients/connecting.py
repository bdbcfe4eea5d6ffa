"""Connections to servers: their addresses, keys and time-outs."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pluralign.core import InvalidSettings, MissingExtra, masked, printable

if TYPE_CHECKING:
    import httpx

_LONGEST_MESSAGE = 300
_CONNECT_S = 10.0


def is_address(url: str) -> bool:
    """Whether a text is an address of HTTP.

    >>> is_address("http://127.0.0.1:8000/v1"), is_address("127.0.0.1:8000"), is_address("http://")
    (True, False, False)
    """
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def opened_client(token: str, seconds: float, base_url: str | None = None) -> "httpx.Client":
    """A client with open connections, for several threads.

    Args:
        token: Bearer token; empty where the server asks for none.
        seconds: How long a part of an answer may take; a connection must open in ten seconds.
        base_url: The address that paths are relative to; None if requests name whole addresses.

    Raises:
        InvalidSettings: If the address is invalid, or the token cannot be sent.
        MissingExtra: If httpx is not installed.
    """
    try:
        import httpx
    except ImportError as error:
        raise MissingExtra.named("client", "httpx") from error
    if not (token.isascii() and token.isprintable()):
        raise InvalidSettings(
            "the token contains characters other than printable ASCII", where="token"
        )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    waits = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_S))
    # Callers bound the requests in flight; a pool of fewer connections would look like a time-out.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    try:
        if base_url is None or is_address(base_url):
            return httpx.Client(
                base_url=base_url or "", headers=headers, timeout=waits, limits=limits
            )
    except httpx.InvalidURL:
        pass
    raise InvalidSettings(
        f"{masked(base_url or '')!r:.200} is not a URL",
        where="url",
        hint="write http://127.0.0.1:8000",
    )


def short_message(text: str, secrets: frozenset[str]) -> str:
    r"""One short line of a server's text, without secrets and control characters.

    >>> short_message("no such key:\n sesame", frozenset({"sesame"}))
    'no such key: ***'
    """
    return masked(" ".join(printable(text[:10_000]).split()), secrets)[:_LONGEST_MESSAGE]
