"""Documents ordered by reward: ``/rerank`` in the format of Jina, Cohere and vLLM."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import uuid4

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.responses import Response

from pluralign.core import InvalidInput, RewardRequest
from pluralign.serving.batching import tokens_of
from pluralign.serving.bodies import answer, documented, read
from pluralign.serving.server import service_of
from pluralign.serving.transcripts import read_pair
from pluralign.serving.vllm import VllmBody, rewards_of

router = APIRouter(tags=["Rerank"])
_DIGITS = 9


class TextDocument(BaseModel):
    """A document as an object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str


class Rerank(VllmBody):
    """A prompt (``query``) and responses (``documents``) to order, the best first."""

    query: str
    documents: tuple[str | TextDocument, ...]
    """Responses, as texts or as objects with a ``text``."""
    top_n: Annotated[int, Field(ge=0, strict=True)] | None = None
    """Number of documents in the answer; 0 or null returns all."""
    return_documents: StrictBool | None = None
    """Whether the answer has the texts; null is yes, as in vLLM."""

    @property
    def texts(self) -> list[str]:
        """Texts of the documents."""
        return [one if isinstance(one, str) else one.text for one in self.documents]

    def requests(self) -> list[RewardRequest]:
        """Return the requests to score.

        Raises:
            InvalidInput: If there are no documents.
        """
        if not self.documents:
            raise InvalidInput("documents is empty", hint="give at least one document")
        return [read_pair(self.query, text) for text in self.texts]


class RerankUsage(BaseModel):
    """Estimated number of tokens: a quarter of the bytes."""

    prompt_tokens: int
    total_tokens: int


class RerankResult(BaseModel):
    """A document and its reward."""

    index: int
    relevance_score: float
    document: TextDocument | None = None


class RerankAnswer(BaseModel):
    """Documents, the best first; documents with the same reward are in the order of the request."""

    id: str
    model: str
    usage: RerankUsage
    results: tuple[RerankResult, ...]


BODIES = [Rerank]


@router.post("/rerank", **documented(Rerank, RerankAnswer, "Order documents by reward"))
@router.post("/v1/rerank", **documented(Rerank, RerankAnswer, "The same as /rerank"))
@router.post("/v2/rerank", **documented(Rerank, RerankAnswer, "The same as /rerank"))
async def rerank(request: Request) -> Response:
    """Order responses (documents) to a prompt (query) by the reward of a community."""
    body, requests = await read(request, Rerank, Rerank.requests)
    rewards = await rewards_of(request, body, requests)
    tokens = sum(tokens_of(one) for one in requests)
    return answer(
        {
            "id": f"rerank-{uuid4().hex}",
            "model": body.model or service_of(request).name,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "results": _results(body, rewards),
        }
    )


def _results(body: Rerank, rewards: Sequence[float]) -> list[dict[str, Any]]:
    # Equal texts get rewards that differ in the last digits, by their places in a batch.
    best_first = np.argsort(-np.round(rewards, _DIGITS), kind="stable").tolist()
    results = []
    for index in best_first[: body.top_n or None]:
        result: dict[str, Any] = {"index": index, "relevance_score": rewards[index]}
        if body.return_documents is not False:
            result["document"] = {"text": body.texts[index]}
        results.append(result)
    return results
