"""The server to ask with its limits, the cost so far, and the secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from pluralign.clients.connecting import is_address, short_message
from pluralign.core import (
    InvalidInput,
    InvalidSettings,
    PluralignError,
    masked,
    secrets_of,
)

_NO_KEY = "none"


class EndpointError(PluralignError, RuntimeError):
    """The server refuses all requests; earlier answers are kept."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """The server, the model, and the limits of requests.

    Attributes:
        model: The server's name of the model.
        base_url: Address of the server, such as ``http://127.0.0.1:8000/v1``; None for the OpenAI
            service.
        api_key_env: Name of the environment variable with the key; a server on this machine needs
            no key.
        concurrency: Number of requests in flight.
        timeout_s: Seconds after which a request is cancelled and sent again.
        retries: Number of retries of one request.
        requests_per_minute: Most requests in a minute; None for no limit.
        tokens_per_minute: Most tokens in a minute, by an estimate before each request; None for no
            limit.
        max_cost: The run stops before it spends more than this; None for no limit.
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
        """Address of the server without secrets, for messages."""
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
    """The use of a server so far.

    Attributes:
        requests: Number of completions.
        tokens_in: Tokens read, as the server counts them.
        tokens_out: Tokens written.
    """

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def cost(self, settings: EndpointSettings) -> float:
        """The cost so far; 0 where prices are not known."""
        price_in, price_out = settings.price_in or 0, settings.price_out or 0
        return (self.tokens_in * price_in + self.tokens_out * price_out) / 1e6


class Secrets:
    """The key and the secrets of the settings, and their removal from texts.

    Args:
        settings: The settings.

    Attributes:
        key: The key that requests send.

    Raises:
        InvalidSettings: If the key is not set.
        InvalidInput: If the address is malformed.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        self.key = _key(settings)
        own = {} if self.key == _NO_KEY else {"key": self.key}
        self._known = secrets_of(
            {"base_url": settings.base_url, "extra_body": dict(settings.extra_body)} | own
        )

    def removed(self, text: str) -> str:
        """A text without the known secrets."""
        # Most texts have no secret, and masking is slow.
        return masked(text, self._known) if any(secret in text for secret in self._known) else text

    def message(self, text: str) -> str:
        """One short line of a server's text, without secrets and control characters."""
        return short_message(text, self._known)


def _key(settings: EndpointSettings) -> str:
    if settings.base_url is not None and not is_address(settings.base_url):
        raise InvalidInput(
            f"base_url must be an address, got {settings.address!r}",
            hint="write http://127.0.0.1:8000/v1",
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
