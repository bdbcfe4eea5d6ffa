"""An encoder whose model runs on servers."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from pluralign.clients.connecting import opened_client
from pluralign.clients.logs import masked_logs
from pluralign.core import FloatArray, masked, text_digest
from pluralign.encoders.cache import CachedEncoder
from pluralign.encoders.endpoint.endpoint_settings import EmbeddingServers
from pluralign.encoders.endpoint.errors import OtherModel
from pluralign.encoders.endpoint.probing import PROBE, is_same_model, probe_numbers
from pluralign.encoders.endpoint.server import EmbeddingServer
from pluralign.encoders.endpoint.sharing import Fleet, shared
from pluralign.encoders.tokens import whole_characters
from pluralign.encoders.vectors import unit_rows


class EndpointEncoder:
    """Encodes texts with servers of embeddings that share them.

    Texts of like length go into one request. Each server takes the next texts when it is free, so a
    vector belongs to its text in any order of answers. A server that fails gives its texts
    to the others. Before a server gets texts, it is asked for the vector of one probe text, which
    must be that of the other servers and of earlier vectors but for rounding.

    Args:
        servers: The servers.
        probe: Sixteen numbers of the model that the servers must have (`probe_numbers`); None takes
            those of the first server that answers.

    Attributes:
        servers: As given.
        languages: None: not known.
        side_by_side: Several threads may encode at a time.
    """

    languages: tuple[str, ...] | None = None
    side_by_side = True

    def __init__(self, servers: EmbeddingServers, probe: Sequence[float] | None = None) -> None:
        self.servers = servers
        self._probe = None if probe is None else tuple(probe)
        self._dimensions = servers.dimensions
        self._lock = Lock()
        self._connected: Fleet | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy for another process, with connections of its own."""
        return EndpointEncoder, (self.servers, self._probe)

    @property
    def fingerprint(self) -> str:
        """Changes with the model's name, the protocol and the dimensions asked for.

        Not with the addresses; a change of the model behind its name is found by the probe.
        """
        servers = self.servers
        parts = [servers.protocol, servers.model, str(servers.dimensions or "")]
        return f"endpoint-{text_digest(chr(31).join(parts))[:32]}"

    @property
    def dimensions(self) -> int:
        """Length of a vector; a server is asked where it is not known yet."""
        if self._dimensions is None:
            self.encode([PROBE])
        assert self._dimensions is not None
        return self._dimensions

    @property
    def probe(self) -> tuple[float, ...]:
        """The numbers that the servers' model must have; a server is asked where none are known."""
        if self._probe is None:
            self.encode([PROBE])
        assert self._probe is not None
        return self._probe

    def expect(self, vector_D: FloatArray, where: str) -> None:
        """Expect the model that gave the probe text this vector.

        Args:
            vector_D: The vector.
            where: Where it was kept.

        Raises:
            OtherModel: If another model is expected already.
        """
        with self._lock:
            self._dimensions = self._dimensions or len(vector_D)
        self._check_length(vector_D, where)
        self.expect_probe(probe_numbers(vector_D), where)

    def expect_probe(self, numbers: Sequence[float], where: str) -> None:
        """Expect the model with these sixteen numbers (`probe_numbers`); errors as of `expect`."""
        with self._lock:
            self._probe = self._probe or tuple(numbers)
        if not is_same_model(numbers, self._probe):
            raise OtherModel(
                f"its model {self.servers.model!r} is not the model of the other vectors: the same "
                "text has another vector",
                where=where,
                hint="serve the earlier model again, or give the new one another name as model "
                "(a tei server ignores the name)",
            )

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode a batch.

        Args:
            texts: Any texts; a text that a server refuses is an error.

        Returns:
            Shape (N, D), float32, rows of length 1.

        Raises:
            EndpointFailed: If no server answers, or an answer cannot be used.
            TextRefused: If a text is refused, such as an empty or a too long one.
            OtherModel: If a server has another model than the others, or than before.
            InvalidSettings: If the key is not set or refused.
            MissingExtra: If httpx is not installed.
        """
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        alike = sorted(set(texts), key=lambda text: (-len(text), text))
        unique = {text: row for row, text in enumerate(alike)}
        readable = [whole_characters(text) for text in alike]
        key = self.servers.key()
        with masked_logs(lambda line: masked(line, {key})):
            embedding_U_D = shared(readable, self._fleet())
        return unit_rows(embedding_U_D)[[unique[text] for text in texts]]

    def _fleet(self) -> Fleet:
        """The servers; threads that encode at a time share their connections."""
        with self._lock:
            if self._connected is None:
                limits, key = self.servers, self.servers.key()
                http = opened_client(key, limits.timeout_s)
                servers = [EmbeddingServer(url, limits, http, key) for url in limits.urls]
                self._connected = Fleet(servers, limits, self._ask, self._check)
            return self._connected

    def _ask(self, server: EmbeddingServer, texts: list[str]) -> FloatArray:
        embedding_N_D = server.ask(texts)
        self._check_length(embedding_N_D[0], server.url)
        return embedding_N_D

    def _check(self, server: EmbeddingServer) -> None:
        """Ask a server for the vector of the probe text, which must be the expected one."""
        self.expect(server.ask([PROBE])[0], server.url)

    def _check_length(self, vector_D: FloatArray, where: str) -> None:
        if len(vector_D) != self._dimensions:
            raise OtherModel(
                f"its vectors have {len(vector_D)} numbers, and {self._dimensions} were expected",
                where=where,
                hint="check that all servers have the same model, and dimensions in the settings",
            )


def opened_endpoint(
    servers: EmbeddingServers, cache: Path | None, probe: Sequence[float] | None = None
) -> EndpointEncoder:
    """The encoder, which expects the model whose vectors are in the cache.

    The vector of the probe text is kept in the cache like any other, so that a model that changed
    behind its name is found as soon as a text is missing; work that is all in the cache needs no
    server.

    Args:
        servers: The servers.
        cache: Cache folder; None means the default one.
        probe: As for `EndpointEncoder`.
    """
    encoder = EndpointEncoder(servers, probe)
    expect_kept(encoder, cache)
    return encoder


def expect_kept(encoder: EndpointEncoder, cache: Path | None) -> None:
    """Expect the model whose vectors are in a cache; an empty one gets that of the probe text.

    Raises:
        OtherModel: If another model is expected already.
    """
    cached = CachedEncoder(encoder, cache)
    encoder.expect(cached.encode([PROBE])[0], str(cached.folder))
