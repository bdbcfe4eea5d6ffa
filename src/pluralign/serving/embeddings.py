"""The endpoint ``/v1/embeddings`` of OpenAI: vectors of the encoder that the reward model reads."""

import base64
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StrictInt
from starlette.responses import Response

from pluralign.core import FloatArray, InvalidInput, RewardRequest
from pluralign.encoders import RecentVectors
from pluralign.serving.batching import tokens_of
from pluralign.serving.bodies import documented, read, written
from pluralign.serving.foreign_fields import OPENAI, Compatible
from pluralign.serving.problems import Refused
from pluralign.serving.server import service_of
from pluralign.serving.service import Service

router = APIRouter(tags=["OpenAI"])


class Embeddings(Compatible):
    """Texts to encode."""

    _ignored = OPENAI

    input: str | tuple[str, ...] | tuple[StrictInt, ...] | tuple[tuple[StrictInt, ...], ...]
    """A text, or several. Lists of token ids are refused: only the encoder's own tokenizer knows
    its tokens."""
    model: str | None = None
    """The server's model, without a community: the encoder is the same for all."""
    encoding_format: Literal["float", "base64"] = "float"
    """Format of a vector; base64 encodes little-endian float32."""
    dimensions: Annotated[int, Field(ge=1, strict=True)] | None = None
    """Length of a vector; it must be the encoder's."""

    def texts(self) -> list[str]:
        """Return the texts.

        Raises:
            InvalidInput: If there is no text, a text is empty, or token ids were sent.
        """
        given = [self.input] if isinstance(self.input, str) else list(self.input)
        texts = [one for one in given if isinstance(one, str)]
        if len(texts) < len(given):
            raise InvalidInput("input has token ids", hint="send texts")
        if not texts or not all(texts):
            raise InvalidInput(
                "input is empty, or has an empty text", hint="send at least one text"
            )
        return texts


class Embedded(BaseModel):
    """The vector of one text."""

    index: int
    object: Literal["embedding"]
    embedding: tuple[float, ...] | str


class EmbeddingsUsage(BaseModel):
    """Estimated number of tokens: a quarter of the bytes."""

    prompt_tokens: int
    total_tokens: int


class EncoderFacts(BaseModel):
    """The encoder, and the texts that it did not read to their end."""

    encoder: str
    cut: tuple[int, ...]


class EmbeddingsAnswer(BaseModel):
    """Vectors, one for each text."""

    object: Literal["list"]
    model: str
    data: tuple[Embedded, ...]
    usage: EmbeddingsUsage
    pluralign: EncoderFacts


BODIES = [Embeddings]


@router.post(
    "/v1/embeddings",
    **documented(Embeddings, EmbeddingsAnswer, "Vectors of texts in the format of OpenAI"),
)
async def embeddings(request: Request) -> Response:
    """Vectors of texts, as the reward model reads them; they do not depend on a community."""
    service = service_of(request)
    body, texts = await read(request, Embeddings, Embeddings.texts)
    encoder = _encoder(service, body)
    await service.check_sizes([RewardRequest("", text) for text in texts])
    vector_N_D = await service.encoded(request, texts)
    content = await service.aside(True, _written, service.name, encoder, body, vector_N_D, texts)
    return Response(content, media_type="application/json")


def _encoder(service: Service, body: Embeddings) -> RecentVectors:
    """The encoder, if the request fits it.

    Raises:
        Refused: If the model is another one, has no encoder, or vectors have another length.
    """
    model = body.model or service.name
    if model != service.name:
        raise Refused(
            404,
            f"there is no model {model!r:.100} for embeddings here",
            f"use {service.name!r}: the encoder is the same for every community",
        )
    encoder = service.opened.vectors
    if encoder is None:
        raise Refused(
            422,
            "this reward model has no encoder: its communities are adapters or copies of a "
            "language model",
            "serve a model whose trunk is an embedding",
        )
    if body.dimensions not in (None, encoder.dimensions):
        raise Refused(
            422,
            f"dimensions must be {encoder.dimensions}, the length of the encoder's vectors, got "
            f"{body.dimensions}",
            "leave dimensions out",
        )
    return encoder


def _written(
    name: str, encoder: RecentVectors, body: Embeddings, vector_N_D: FloatArray, texts: list[str]
) -> bytes:
    tokens = sum(tokens_of(RewardRequest("", text)) for text in texts)
    write: Callable[[FloatArray], Any] = (
        _base64 if body.encoding_format == "base64" else lambda vector_D: vector_D.tolist()
    )
    data: list[dict[str, Any]] = [
        {"index": i, "object": "embedding", "embedding": write(vector_D)}
        for i, vector_D in enumerate(vector_N_D)
    ]
    cut = [i for i, shortened in enumerate(encoder.cut(texts)) if shortened]
    return written(
        {
            "object": "list",
            "model": name,
            "data": data,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "pluralign": {"encoder": encoder.fingerprint, "cut": cut},
        }
    )


def _base64(vector_D: FloatArray) -> str:
    return base64.b64encode(vector_D.astype("<f4").tobytes()).decode()
