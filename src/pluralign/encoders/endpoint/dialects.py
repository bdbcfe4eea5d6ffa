"""Requests and answers of both protocols: pure functions."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pluralign.core import FloatArray, parse_json
from pluralign.encoders.endpoint.endpoint_settings import EmbeddingServers

PATHS = {"openai": "/embeddings", "tei": "/embed"}
_BYTES_PER_VECTOR = 500_000
_WORDS = ("message", "detail", "error", "title", "hint")


def address(url: str, protocol: str) -> str:
    """Where requests are sent: the path of the protocol goes before a query.

    >>> address("http://host/v1/?api-version=2", "openai")
    'http://host/v1/embeddings?api-version=2'
    """
    base, mark, query = url.partition("?")
    return base.rstrip("/") + PATHS[protocol] + mark + query


def body_of(texts: Sequence[str], servers: EmbeddingServers, base64_floats: bool) -> dict[str, Any]:
    """The body of a request.

    Args:
        texts: The texts.
        servers: Model, protocol and options.
        base64_floats: Whether to ask for vectors in base64, which are shorter and exact.
    """
    options: dict[str, Any] = {}
    if servers.dimensions is not None:
        options["dimensions"] = servers.dimensions
    if servers.protocol == "tei":
        return {"inputs": list(texts), "truncate": servers.truncate, "normalize": True} | options
    if base64_floats:
        options["encoding_format"] = "base64"
    if servers.truncate:  # of vLLM: as many tokens as the model reads
        options["truncate_prompt_tokens"] = -1
    return {"model": servers.model, "input": list(texts)} | options


def most_bytes(texts: int) -> int:
    """The largest body of an answer for this number of texts."""
    return (1 + texts) * _BYTES_PER_VECTOR


def vectors_of(body: bytes, n: int, protocol: str) -> FloatArray:
    """Read the vectors of an answer.

    Args:
        body: The answer.
        n: Number of texts sent.
        protocol: ``openai`` or ``tei``.

    Returns:
        Shape (n, D), float32, row i for text i.

    Raises:
        ValueError: If it has another form, or another number of vectors; the message names it.

    >>> vectors_of(b'[[0.6, 0.8], [1, 0]]', 2, "tei").tolist()
    [[0.6000000238418579, 0.800000011920929], [1.0, 0.0]]
    >>> vectors_of(b'{"data": [{"index": 0, "embedding": [1, "0"]}]}', 1, "openai")
    Traceback (most recent call last):
        ...
    ValueError: a vector is not a list of numbers
    """
    try:
        answer = parse_json(body)
    except ValueError as error:
        raise ValueError(f"the answer is not JSON: {error}") from None
    rows = answer if protocol == "tei" else _by_index(answer)
    if not isinstance(rows, list):
        raise ValueError("the answer is not a list of vectors")
    if len(rows) != n:
        raise ValueError(f"{n} texts were sent, and {len(rows)} vectors came back")
    vectors = [_vector(row) for row in rows]
    lengths = sorted({len(vector_D) for vector_D in vectors})
    if len(lengths) > 1 or lengths[0] == 0:
        raise ValueError(f"vectors of {' and '.join(map(str, lengths))} numbers in one answer")
    return np.stack(vectors)


def words_of(body: bytes) -> str:
    """The message of a refusal, from the usual fields; else its beginning."""
    try:
        found = parse_json(body)
    except ValueError:
        return body[:300].decode("utf-8", "replace")
    if isinstance(found, Mapping) and isinstance(found.get("error"), Mapping):
        found = found["error"]
    if not isinstance(found, Mapping):
        return str(found)[:300]
    return " ".join(str(found[name]) for name in _WORDS if found.get(name))


def _by_index(answer: object) -> list[Any]:
    """The embeddings of OpenAI's ``data`` in the order of the texts."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, list) or not all(isinstance(item, Mapping) for item in data):
        raise ValueError('the answer has no list "data" of embeddings')
    by_index = {item.get("index"): item.get("embedding") for item in data}
    if set(by_index) != set(range(len(data))):
        raise ValueError("the indices of the embeddings are not those of the texts")
    return [by_index[i] for i in range(len(data))]


def _vector(row: object) -> FloatArray:
    try:
        if isinstance(row, str):
            return np.frombuffer(base64.b64decode(row, validate=True), "<f4").astype(np.float32)
        if isinstance(row, list) and all(type(value) in (float, int) for value in row):
            return np.array(row, np.float32)
    except (ValueError, OverflowError):
        pass
    raise ValueError("a vector is not a list of numbers")
