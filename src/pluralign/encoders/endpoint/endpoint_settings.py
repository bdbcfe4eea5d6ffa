"""Which servers to ask for embeddings, and the limits of requests."""

import os
from dataclasses import dataclass
from typing import Literal

from pluralign.clients.connecting import is_address
from pluralign.core import InvalidSettings, masked, secrets_of

Dialect = Literal["openai", "tei"]


@dataclass(frozen=True, slots=True)
class EmbeddingServers:
    """Servers of one model, and the limits of requests.

    Attributes:
        urls: Addresses: for ``openai`` such as ``http://10.0.0.7:8000/v1``, for ``tei`` without a
            path. They contain no secrets.
        model: The servers' name of the model.
        protocol: ``openai`` sends to ``/embeddings``, ``tei`` (text-embeddings-inference) to
            ``/embed``.
        api_key_env: Name of the environment variable with the key that all servers are sent; None
            sends none.
        dimensions: Length of the vectors to ask for; None for the model's own.
        truncate: Whether servers are asked to read the beginning of a text that is too long.
        batch: Most texts of a request, >= 1.
        concurrency: Requests in flight to each server, >= 1.
        timeout_s: Seconds after which a request has failed.
        tries: Failures in a row after which a server counts as down, or a text as refused, >= 1.

    Raises:
        InvalidSettings: If there is no address, or one is invalid or contains a secret.
    """

    urls: tuple[str, ...]
    model: str
    protocol: Dialect = "openai"
    api_key_env: str | None = None
    dimensions: int | None = None
    truncate: bool = False
    batch: int = 32
    concurrency: int = 4
    timeout_s: float = 120.0
    tries: int = 6

    def __post_init__(self) -> None:
        if not self.urls:
            raise InvalidSettings(
                "urls must name at least one server",
                where="urls",
                hint='write urls = ["http://127.0.0.1:8000/v1"]',
            )
        for url in self.urls:
            if not is_address(url):
                raise InvalidSettings(
                    f"{masked(url)!r:.200} is not a URL",
                    where="urls",
                    hint="write http://127.0.0.1:8000/v1",
                )
            if secrets_of({"url": url}):
                raise InvalidSettings(
                    f"{masked(url)!r:.200} contains a secret, which records would keep",
                    where="urls",
                    hint="put the key into an environment variable and name it as api_key_env",
                )

    def key(self) -> str:
        """The key that requests send; empty where none is sent.

        Raises:
            InvalidSettings: If the environment variable is not set.
        """
        if self.api_key_env is None:
            return ""
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise InvalidSettings(
                f"the environment variable {self.api_key_env} is not set",
                where="api_key_env",
                hint=f"export {self.api_key_env}=..., or leave api_key_env out",
            )
        return key
