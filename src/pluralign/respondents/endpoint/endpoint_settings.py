"""Which server is asked and how hard, what it has cost so far, and what of that may be shown."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pluralign.core import (
    InvalidInput,
    InvalidSettings,
    PluralignError,
    masked,
    printable,
    secrets_of,
)

_NO_KEY = "none"
_LONGEST = 300


class EndpointError(PluralignError, RuntimeError):
    """The server refuses all that is asked; what was answered before stays."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Which server, which model, and how hard it may be asked.

    Attributes:
        model: What the server calls the model.
        base_url: Where the server is, such as ``http://127.0.0.1:8000/v1``; None for the OpenAI
            service.
        api_key_env: The environment variable that holds the key; a server on this machine needs
            none.
        concurrency: Requests in flight.
        timeout_s: Seconds after which a request is given up and tried again.
        retries: How often one request is tried again.
        requests_per_minute: Most requests a minute; None for no limit.
        tokens_per_minute: Most tokens a minute, estimated before and not corrected after; None for
            no limit.
        max_cost: Stop before this is spent; None for no limit.
        price_in: Price of a million tokens read.
        price_out: Price of a million tokens written.
        extra_body: Further fields of every request.
    """

    model: str
    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = 64
    timeout_s: float = 60.0
    retries: int = 6
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_cost: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where the server is, as messages may name it."""
        return masked(self.base_url) if self.base_url else "the OpenAI service"

    @property
    def url(self) -> tuple[str | None, dict[str, str]]:
        """The address without its query, and the query, which is sent with every request."""
        if self.base_url is None:
            return None, {}
        address, _, query = self.base_url.partition("?")
        return address, dict(parse_qsl(query))


@dataclass(slots=True)
class Usage:
    """What was asked of a server so far.

    Attributes:
        requests: Completions had.
        tokens_in: Tokens read, as the server counts them.
        tokens_out: Tokens written.
    """

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def cost(self, settings: EndpointSettings) -> float:
        """Price of it, 0 where prices are not known."""
        return (
            self.tokens_in * (settings.price_in or 0) + self.tokens_out * (settings.price_out or 0)
        ) / 1e6


class Secrets:
    """The key and the secrets of the settings, and texts without them.

    Args:
        settings: The settings.

    Attributes:
        key: What is sent as the key.

    Raises:
        InvalidSettings: If the key is not set.
        InvalidInput: If the address is none.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        self.key = _key(settings)
        own = {} if self.key == _NO_KEY else {"key": self.key}
        self._known = secrets_of(
            {"base_url": settings.base_url, "extra_body": dict(settings.extra_body)} | own
        )

    def removed(self, text: str) -> str:
        """A text without the secrets that are known, of which most texts hold none."""
        return masked(text, self._known) if any(secret in text for secret in self._known) else text

    def message(self, text: str) -> str:
        """One line of a server, short, without secrets and without control characters."""
        return masked(" ".join(printable(text[:10_000]).split()), self._known)[:_LONGEST]


def _key(settings: EndpointSettings) -> str:
    if settings.base_url is not None and not _is_address(settings.base_url):
        raise InvalidInput(
            f"{settings.address!r} is no address", hint="write http://127.0.0.1:8000/v1"
        )
    key = os.environ.get(settings.api_key_env, "").strip()
    if key:
        return key
    if settings.base_url is None:
        raise InvalidSettings(
            f"the environment variable {settings.api_key_env} is not set",
            where="model.api_key_env",
            hint=f"export {settings.api_key_env}=..., or name your own server with base_url",
        )
    return _NO_KEY


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
