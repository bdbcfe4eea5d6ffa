"""Where a request comes from, as its headers report it."""

from collections.abc import Collection, Mapping

CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that pages of other origins may use."""
_OWN_PAGES = frozenset({b"none", b"same-origin"})


def host_name(header: bytes) -> str:
    """The name in a Host header, without its port.

    >>> headers = (b"127.0.0.1:8000", b"LocalHost", b"[::1]:80", b"evil.example")
    >>> [host_name(header) for header in headers]
    ['127.0.0.1', 'localhost', '[::1]', 'evil.example']
    """
    text = header.decode("latin-1").lower()
    return text[: text.find("]") + 1] if text.startswith("[") else text.partition(":")[0]


def from_elsewhere(headers: Mapping[bytes, bytes], allowed: Collection[bytes] = ()) -> bool:
    """Whether a browser reports that a page of another origin sent a request; programs report none.

    >>> own = {b"host": b"localhost:8000", b"origin": b"http://localhost:8000"}
    >>> own |= {b"sec-fetch-site": b"same-origin"}
    >>> from_elsewhere(own), from_elsewhere(own | {b"origin": b"http://localhost:3000"})
    (False, True)
    >>> from_elsewhere({b"host": b"localhost:8000", b"sec-fetch-site": b"cross-site"})
    True
    """
    host, origin = headers.get(b"host", b"").lower(), headers.get(b"origin", b"").lower()
    if origin in allowed:
        return False
    foreign = bool(origin) and origin not in (b"http://" + host, b"https://" + host)
    return foreign or headers.get(b"sec-fetch-site", b"none") not in _OWN_PAGES
