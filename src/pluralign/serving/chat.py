"""The endpoint ``/v1/chat/completions`` of OpenAI: policies that follow communities answer.

A model name selects the policy (`pluralign.serving.chat_names`). The member ``pluralign`` of an
answer, or of the last chunk of a stream with words, has the communities and people behind it.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from pluralign.aligning import AnswerRequest, CommunityAnswer, Mode
from pluralign.core import InvalidInput, Message, PluralignError
from pluralign.serving.bodies import answer, documented, read, written
from pluralign.serving.chat_names import ChatName
from pluralign.serving.chat_service import ChatService
from pluralign.serving.connections import while_connected
from pluralign.serving.conversations import check_roles
from pluralign.serving.foreign_fields import CHAT, Compatible
from pluralign.serving.problems import Refused, openai_error
from pluralign.serving.server import chat_of, server_of
from pluralign.serving.vllm import ChatMessage

router = APIRouter(tags=["OpenAI"])
_log = logging.getLogger("pluralign.serving")
_MOST_STOPS = 16
_DEFAULT_TOKENS = 256
_LATE = "not answered"
_DONE = b"data: [DONE]\n\n"
_SEEDS = 2**31


class StreamOptions(BaseModel):
    """Options of a stream."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    include_usage: StrictBool = False
    """Whether a chunk with the numbers of tokens comes before the end."""


class Chat(Compatible):
    """A conversation to continue.

    Fields of OpenAI and vLLM that this server lacks are refused, unless they have the value that
    changes nothing: one answer (``n``), no log-probabilities, no tools, no penalties.
    """

    _ignored = CHAT

    messages: tuple[ChatMessage, ...] = Field(min_length=1)
    """The turns so far; the last is the user's."""
    model: str | None = None
    """``name@MEX``; without a community, the start model."""
    max_completion_tokens: Annotated[StrictInt, Field(ge=1)] | None = None
    """Largest number of tokens of the answer; when unset, 256."""
    max_tokens: Annotated[StrictInt, Field(ge=1)] | None = None
    """The former name of ``max_completion_tokens``."""
    temperature: Annotated[float, Field(ge=0, le=2, strict=True)] | None = None
    """Temperature of sampling; when unset, 1. 0 takes the likeliest word each time."""
    top_p: Annotated[float, Field(gt=0, le=1, strict=True)] | None = None
    """Total probability of the likeliest words among which to draw; when unset, 1."""
    stop: str | tuple[str, ...] | None = None
    """Texts that end the answer, 16 at most; they are not part of it."""
    seed: StrictInt | None = None
    """The same seed and request give the same answer; when unset, it is drawn."""
    stream: StrictBool | None = None
    """Whether the answer comes in pieces, as server-sent events."""
    stream_options: StreamOptions | None = None

    @field_validator("stop")
    @classmethod
    def _few(cls, stop: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if isinstance(stop, tuple) and len(stop) > _MOST_STOPS:
            raise ValueError(f"give at most {_MOST_STOPS} texts, got {len(stop)}")
        return stop

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if None not in (self.max_tokens, self.max_completion_tokens):
            raise ValueError("give one of max_tokens and max_completion_tokens")
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options needs stream: true")
        return self

    def conversation(self) -> tuple[Message, ...]:
        """The turns; ``developer`` is another word for ``system``.

        Raises:
            InvalidInput: If a turn has another role, or the last is not the user's.
        """
        turns = [turn.message() for turn in self.messages]
        check_roles(turns)
        if turns[-1].role != "user":
            raise InvalidInput(
                f"the conversation must end with a turn of the user, got {turns[-1].role!r:.40}",
                where="messages",
                hint="a turn of the assistant that was begun cannot be continued",
            )
        named = {"developer": "system"}
        return tuple(Message(named.get(turn.role, turn.role), turn.content) for turn in turns)

    def request(self, name: ChatName, most_new_tokens: int) -> AnswerRequest:
        """The request for the policies.

        Raises:
            InvalidInput: If a field is out of range.
        """
        asked = self.max_completion_tokens or self.max_tokens
        if asked is not None and asked > most_new_tokens:
            raise InvalidInput(
                f"max_tokens must be at most {most_new_tokens}, got {asked}",
                where="max_tokens",
                hint="serve --most-new-tokens sets how many",
            )
        stop = (self.stop,) if isinstance(self.stop, str) else self.stop
        return AnswerRequest(
            self.conversation(),
            name.mode,
            name.steer,
            best_of=name.best_of,
            max_new_tokens=asked or min(_DEFAULT_TOKENS, most_new_tokens),
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            stop=stop or (),
            seed=None if self.seed is None else self.seed % _SEEDS,
        )


class ChatUsage(BaseModel):
    """Numbers of tokens; an answer that was chosen from several counts the tokens of all."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnsweredBy(BaseModel):
    """The communities and people behind an answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    mode: Mode
    steer: dict[str, float]
    """Community -> share of the policy that answered; empty for the start model."""
    people: dict[str, int]
    """Community -> people behind its reward model; a community is absent if it is unknown."""
    abstained: str | None
    """Why the start model answered although a community was asked for."""
    best_of: int
    """Number of answers from which the reward model chose."""
    reward: float | None
    """Reward of the chosen answer in logits, where a reward model chose."""
    steps: dict[str, int]
    """Steps on the way, such as drafts, and their counts."""


class AssistantMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    """The answer and why it ended."""

    index: Literal[0]
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class ChatAnswer(BaseModel):
    """One answer. A stream has the same in pieces (``chat.completion.chunk``)."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: tuple[ChatChoice]
    usage: ChatUsage
    pluralign: AnsweredBy


BODIES = [Chat]


@dataclass(frozen=True, slots=True)
class _Head:
    """The members that all chunks of an answer share."""

    id: str
    created: int
    model: str

    def members(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


@router.post(
    "/v1/chat/completions",
    **documented(Chat, ChatAnswer, "Continue a conversation in the format of OpenAI"),
)
async def chat(request: Request) -> Response:
    """An answer as tuned to a community, to several, or to the community of the prompt."""
    server, service = server_of(request), chat_of(request)
    body, _ = await read(request, Chat, Chat.conversation)
    _check_lengths(body, service.settings.most_characters)
    wanted = body.request(service.named(body.model), service.settings.most_new_tokens)
    head = _Head(f"chatcmpl-{uuid4().hex}", server.now(), body.model or service.settings.name)
    if body.stream:
        return await _streamed(request, service, body, wanted, head)
    seconds = service.settings.chat_seconds
    found = await while_connected(request, service.answer(wanted), seconds, _LATE)
    by = _answered_by(wanted, found)
    told = answer(
        head.members("chat.completion")
        | {
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": found.text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": found.finish_reason,
                }
            ],
            "usage": _usage(found),
            "pluralign": by,
        }
    )
    told.headers.update(_headers(by))
    return told


async def _streamed(
    request: Request, service: ChatService, body: Chat, wanted: AnswerRequest, head: _Head
) -> Response:
    """A stream that begins with the first piece, so that a refusal has its status."""
    deadline = asyncio.get_running_loop().time() + service.settings.chat_seconds
    pieces = service.stream(wanted)
    first = await while_connected(request, anext(pieces), service.settings.chat_seconds, _LATE)
    usage = body.stream_options is not None and body.stream_options.include_usage
    events = _events(_until(deadline, first, pieces), wanted, head, usage)
    return _ClosingStream(events, media_type="text/event-stream")


class _ClosingStream(StreamingResponse):
    """A stream whose source is closed as soon as the client disconnects."""

    async def stream_response(self, send: Send) -> None:
        events: Any = self.body_iterator
        async with aclosing(events):
            await super().stream_response(send)


async def _until(
    deadline: float,
    first: str | CommunityAnswer,
    pieces: AsyncGenerator[str | CommunityAnswer],
) -> AsyncGenerator[str | CommunityAnswer]:
    """All pieces, of which the first is there already; TimeoutError if they come too late."""
    async with aclosing(pieces):
        yield first
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            yield piece


async def _events(
    pieces: AsyncGenerator[str | CommunityAnswer],
    wanted: AnswerRequest,
    head: _Head,
    with_usage: bool,
) -> AsyncIterator[bytes]:
    """Server-sent events; an error after the first piece is an event of its own."""
    empty = {"usage": None} if with_usage else {}
    async with aclosing(pieces):
        yield _chunk(head, {"role": "assistant", "content": ""}, **empty)
        try:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield _chunk(head, {"content": piece}, **empty)
                    continue
                by = _answered_by(wanted, piece)
                yield _chunk(head, {}, piece.finish_reason, pluralign=by, **empty)
                if with_usage:
                    usage = {"choices": [], "usage": _usage(piece)}
                    yield _event(head.members("chat.completion.chunk") | usage)
        except TimeoutError:
            yield _event({"error": openai_error(504, "not answered in time", "ask again")})
        except PluralignError as error:
            yield _event({"error": openai_error(422, error.what, error.hint)})
        except Exception:
            _log.exception("an answer could not be finished")
            yield _event({"error": openai_error(500, "the server failed", "see the server's log")})
    yield _DONE


def _chunk(head: _Head, delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return _event(head.members("chat.completion.chunk") | {"choices": [choice]} | more)


def _event(content: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % written(content)


def _answered_by(wanted: AnswerRequest, found: CommunityAnswer) -> dict[str, Any]:
    return {
        "mode": wanted.mode,
        "steer": dict(found.shares),
        "people": dict(found.people),
        "abstained": found.abstained,
        "best_of": wanted.best_of,
        "reward": found.reward,
        "steps": dict(found.steps),
    }


def _headers(by: dict[str, Any]) -> dict[str, str]:
    """The same as headers; JSON with escapes, since headers are ASCII."""
    named = {"steer": by["steer"], "people": by["people"], "abstained": by["abstained"]}
    return {
        f"x-pluralign-{name}": json.dumps(value)
        for name, value in named.items()
        if value is not None
    }


def _usage(found: CommunityAnswer) -> dict[str, int]:
    read_tokens, made = found.prompt_tokens, found.completion_tokens
    return {
        "prompt_tokens": read_tokens,
        "completion_tokens": made,
        "total_tokens": read_tokens + made,
    }


def _check_lengths(body: Chat, most: int) -> None:
    for number, turn in enumerate(body.messages):
        if (characters := len(turn.message().content)) > most:
            what = f"message {number} has a text of {characters} characters"
            raise Refused(413, what, f"send at most {most}")
