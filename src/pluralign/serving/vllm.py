"""The endpoints of vLLM for reward models: ``/classify``, ``/pooling``, ``/score``.

A model name selects a community.
"""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import uuid4

import numpy as np
from fastapi import APIRouter, Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool, model_validator
from scipy.special import expit
from starlette.responses import Response

from pluralign.core import FloatArray, InvalidInput, Message, RewardRequest
from pluralign.serving.batching import tokens_of
from pluralign.serving.bodies import answer, documented, read
from pluralign.serving.conversations import answered, conversation
from pluralign.serving.foreign_fields import VLLM, Compatible
from pluralign.serving.model_names import steer_named
from pluralign.serving.server import server_of, service_of
from pluralign.serving.transcripts import read_pair, read_transcript

LABEL = "LABEL_0"
router = APIRouter(tags=["vLLM"])
_ACTIVATION = AliasChoices("use_activation", "activation", "softmax")
_TASKS = Literal["classify", "score", "reward", "pooling", "encode"]


class VllmBody(Compatible):
    """The common fields of all requests."""

    _ignored = VLLM

    model: str | None = None
    """``name@MEX``; without a community, the reference."""
    use_activation: StrictBool = Field(default=False, validation_alias=_ACTIVATION)
    """Whether rewards are mapped to [0, 1]; otherwise they are logits, as for a model with
    problem_type = "regression". The former names ``activation`` and ``softmax`` are read too."""

    def squeezed(self, reward_N: FloatArray) -> list[float]:
        """Rewards in the requested form."""
        squeezed_N: FloatArray = expit(reward_N) if self.use_activation else reward_N
        found: list[float] = squeezed_N.tolist()
        return found


class TextPart(BaseModel):
    """A segment of a turn; images and other segments are not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["text", "input_text", "output_text"]
    text: str


class ChatMessage(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    role: str
    content: str | tuple[TextPart, ...]
    tool_calls: Annotated[tuple[Any, ...], Field(max_length=0)] | None = None
    """Tool calls are not supported: a turn with one is refused."""

    def message(self) -> Message:
        """The turn with its segments joined."""
        if isinstance(self.content, str):
            return Message(self.role, self.content)
        return Message(self.role, "\n".join(part.text for part in self.content))


class Classify(VllmBody):
    """Conversations to score: rendered by a chat template (``input``), or one as messages."""

    input: str | tuple[str, ...] | None = None
    messages: tuple[ChatMessage, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Classify":
        if (self.input is None) == (self.messages is None):
            raise ValueError("give one of input and messages")
        if self.input == ():
            raise ValueError("input is empty: give at least one text")
        return self

    def requests(self) -> list[RewardRequest]:
        """Return the requests to score."""
        if self.messages is not None:
            return [conversation([turn.message() for turn in self.messages])]
        assert self.input is not None
        return [
            read_transcript(text)
            for text in ([self.input] if isinstance(self.input, str) else self.input)
        ]


class Pooling(Classify):
    """The conversations, as for /classify."""

    task: _TASKS | None = None
    """Ignored: the pooled value is always the reward."""
    encoding_format: Literal["float", "base64"] = "float"
    """Format of a reward; base64 encodes a little-endian float32."""


class Score(VllmBody):
    """Prompts (``queries``), one or as many as responses, and responses (``documents``)."""

    queries: str | tuple[str, ...] = Field(validation_alias="queries")
    documents: str | tuple[str, ...] = Field(validation_alias="documents")

    @model_validator(mode="before")
    @classmethod
    def _by_any_name(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        first, second = ("text_1", "data_1"), ("text_2", "data_2", "items")
        renamed = dict.fromkeys(first, "queries") | dict.fromkeys(second, "documents")
        return {renamed.get(key, key): value for key, value in given.items()}

    def requests(self) -> list[RewardRequest]:
        """Return the requests to score.

        Raises:
            InvalidInput: If there is neither one prompt nor one for each response, or there are
                none.
        """
        prompts = [self.queries] if isinstance(self.queries, str) else list(self.queries)
        responses = [self.documents] if isinstance(self.documents, str) else list(self.documents)
        if not prompts or not responses:
            raise InvalidInput("no queries or no documents", hint="give at least one of each")
        if len(prompts) == 1:
            prompts *= len(responses)
        if len(prompts) != len(responses):
            raise InvalidInput(
                f"{len(prompts)} queries and {len(responses)} documents",
                hint="give one query, or one for each document",
            )
        return [read_pair(p, r) for p, r in zip(prompts, responses, strict=True)]


class _Usage(BaseModel):
    """Estimated number of tokens: a quarter of the bytes."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: None = None


class _Answer(BaseModel):
    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    usage: _Usage


class Classified(BaseModel):
    """The reward of one text."""

    index: int
    label: str
    probs: tuple[float, ...]
    num_classes: int


class Pooled(BaseModel):
    """The reward of one text."""

    index: int
    object: Literal["pooling"]
    data: tuple[float, ...] | str


class ScoredPair(BaseModel):
    """The reward of one prompt and response."""

    index: int
    object: Literal["score"]
    score: float


class ClassifyAnswer(_Answer):
    """Rewards, one for each text."""

    data: tuple[Classified, ...]


class PoolingAnswer(_Answer):
    """Rewards, one for each text."""

    data: tuple[Pooled, ...]


class ScoreAnswer(_Answer):
    """Rewards, one for each pair."""

    data: tuple[ScoredPair, ...]


BODIES = [Classify, Pooling, Score]


@router.post(
    "/classify", **documented(Classify, ClassifyAnswer, "Rewards in the format of vLLM's /classify")
)
async def classify(request: Request) -> Response:
    """Rewards of conversations."""
    body, requests = await read(request, Classify, Classify.requests)
    rewards = await rewards_of(request, body, requests)
    data = [
        {"index": i, "label": LABEL, "probs": [r], "num_classes": 1} for i, r in enumerate(rewards)
    ]
    return _answer(request, "classify", body, requests, data)


@router.post(
    "/pooling", **documented(Pooling, PoolingAnswer, "Rewards in the format of vLLM's /pooling")
)
async def pooling(request: Request) -> Response:
    """Rewards of conversations."""
    body, requests = await read(request, Pooling, Pooling.requests)
    rewards = await rewards_of(request, body, requests)
    write = _base64 if body.encoding_format == "base64" else lambda reward: [reward]
    data = [{"index": i, "object": "pooling", "data": write(r)} for i, r in enumerate(rewards)]
    return _answer(request, "pooling", body, requests, data)


@router.post("/score", **documented(Score, ScoreAnswer, "Rewards in the format of vLLM's /score"))
@router.post("/v1/score", **documented(Score, ScoreAnswer, "The same as /score"))
async def score(request: Request) -> Response:
    """Rewards of responses (documents) to prompts (queries)."""
    body, requests = await read(request, Score, Score.requests)
    rewards = await rewards_of(request, body, requests)
    data = [{"index": i, "object": "score", "score": r} for i, r in enumerate(rewards)]
    return _answer(request, "score", body, requests, data)


async def rewards_of(
    request: Request, body: VllmBody, requests: Sequence[RewardRequest]
) -> list[float]:
    """Rewards for the community that the model's name has, in the form that the body asks for."""
    service = service_of(request)
    requests = answered(await service.scorable(requests))
    steer = steer_named(service, body.model, request.path_params.get("steer"))
    reward_N_S = await service.rewards_each(request, requests, [(steer,)] * len(requests))
    return body.squeezed(reward_N_S[:, 0])


def _answer(
    request: Request,
    kind: str,
    body: VllmBody,
    requests: Sequence[RewardRequest],
    data: list[dict[str, Any]],
) -> Response:
    service = service_of(request)
    tokens = sum(tokens_of(one) for one in requests)
    return answer(
        {
            "id": f"{kind}-{uuid4().hex}",
            "object": "list",
            "created": server_of(request).now(),
            "model": body.model or service.name,
            "data": data,
            "usage": {
                "prompt_tokens": tokens,
                "total_tokens": tokens,
                "completion_tokens": 0,
                "prompt_tokens_details": None,
            },
        }
    )


def _base64(reward: float) -> str:
    return base64.b64encode(np.array([reward], dtype="<f4").tobytes()).decode()
