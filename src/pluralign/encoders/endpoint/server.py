"""One server of embeddings: a request, and the meaning of its answer."""

import json
from typing import TYPE_CHECKING

import numpy as np

from pluralign.clients.bounding import TooLarge, read_bounded
from pluralign.clients.connecting import short_message
from pluralign.clients.retries import BUSY
from pluralign.core import FloatArray, InvalidSettings
from pluralign.encoders.endpoint.dialects import (
    PATHS,
    address,
    body_of,
    most_bytes,
    vectors_of,
    words_of,
)
from pluralign.encoders.endpoint.endpoint_settings import EmbeddingServers
from pluralign.encoders.endpoint.errors import EndpointFailed, NotNow, RequestRefused

if TYPE_CHECKING:
    import httpx

_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class EmbeddingServer:
    """Asks one server.

    Args:
        url: Its address.
        servers: Model, protocol and limits.
        http: The client that requests go through.
        key: The key, which no message may contain.

    Attributes:
        url: As given.
        limit: Most texts that it is sent at a time; halved when it refuses a request as too large.
        checked: Whether its model is known to be the right one since it last was down.
        down: Whether it failed so often that it gets no texts; a warning is logged once.
        why: The last failure; empty where there was none.
    """

    def __init__(self, url: str, servers: EmbeddingServers, http: "httpx.Client", key: str) -> None:
        self.url = url
        self.limit = servers.batch
        self.checked = self.down = False
        self.why = ""
        self._servers, self._http = servers, http
        self._secrets = frozenset({key} if key else set())
        self._base64 = True

    def ask(self, texts: list[str]) -> FloatArray:
        """Vectors of texts, shape (N, D), float32, finite.

        Raises:
            NotNow: If the server is busy, away, or fails.
            RequestRefused: If it refuses these texts.
            InvalidSettings: If it refuses the key.
            EndpointFailed: If it has no such model, or its answer cannot be used.
        """
        import httpx

        sent = body_of(texts, self._servers, self._base64)
        where = address(self.url, self._servers.protocol)
        try:
            with self._http.stream(
                "POST", where, content=json.dumps(sent).encode(), headers=_HEADERS
            ) as answer:
                body = read_bounded(answer, most_bytes(len(texts)))
        except httpx.InvalidURL as error:
            raise InvalidSettings(f"no URL: {error}", where="urls") from None
        except httpx.TimeoutException as error:
            raise NotNow(f"no answer in time ({type(error).__name__})", texts_fault=True) from None
        except httpx.RequestError as error:
            reason = self._message(str(error)) or type(error).__name__
            raise NotNow(f"it cannot be reached ({reason})") from None
        except TooLarge as error:
            raise self._unusable(str(error)) from None
        if answer.is_success:
            return self._read(body, texts)
        if self._base64 and "encoding_format" in words_of(body):
            self._base64 = False
            return self.ask(texts)
        raise self._failure(answer, body)

    def _read(self, body: bytes, texts: list[str]) -> FloatArray:
        try:
            embedding_N_D = vectors_of(body, len(texts), self._servers.protocol)
        except ValueError as error:
            raise self._unusable(str(error)) from None
        finite_N = np.isfinite(embedding_N_D).all(axis=1)
        if not finite_N.all():
            text = texts[int(np.argmin(finite_N))]
            raise self._unusable(f"the vector of {text!r:.80} has values that are not numbers")
        return embedding_N_D

    def _failure(self, answer: "httpx.Response", body: bytes) -> Exception:
        """The error of an answer that is not a success."""
        status = answer.status_code
        message = self._message(words_of(body))
        why = f"it answers {status} {answer.reason_phrase}" + (f": {message}" if message else "")
        if status in BUSY or status >= 500:
            return NotNow(why, answer.headers.get("Retry-After"), texts_fault=status not in BUSY)
        if status in (401, 403):
            key = self._servers.api_key_env
            hint = f"check the key in {key}" if key else "name the variable of a key as api_key_env"
            return InvalidSettings(why, where=self.url, hint=hint)
        if status == 404 or answer.is_redirect:
            path = PATHS[self._servers.protocol]
            usual = "ends in /v1" if self._servers.protocol == "openai" else "has no path"
            return EndpointFailed(
                why,
                where=self.url,
                hint=f"check model = {self._servers.model!r} and the address: it usually {usual}; "
                f"{path} is added",
            )
        return RequestRefused(why, too_much=status == 413)

    def _unusable(self, what: str) -> EndpointFailed:
        return EndpointFailed(
            what,
            where=self.url,
            hint=f"check that a server of embeddings with the protocol {self._servers.protocol!r} "
            "runs there; vectors from before are kept",
        )

    def _message(self, text: str) -> str:
        return short_message(text, self._secrets)
