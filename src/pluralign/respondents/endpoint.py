"""A language model behind an OpenAI-compatible server: many requests at once, retried, limited, counted."""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from pluralign.core import Conversation, InvalidInput, InvalidSettings, MissingExtra, PluralignError, Reply, Sampling

Heard = Callable[[int, Reply], None]

_HOPELESS = 20
_OPTIONAL = {"seed": None, "max_tokens": "max_completion_tokens", "top_p": None, "temperature": None}


class EndpointError(PluralignError, RuntimeError):
    """The server refuses all that is asked; what was answered before stays."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Which server, which model, and how hard it may be asked.

    Attributes:
        model: What the server calls the model.
        base_url: Where the server is, such as ``http://127.0.0.1:8000/v1``; None for the OpenAI service.
        api_key_env: The environment variable that holds the key; a server on this machine needs none.
        concurrency: Requests in flight.
        timeout_s: Seconds after which a request is given up and tried again.
        retries: How often one request is tried again.
        requests_per_minute: Most requests a minute; None for no limit.
        tokens_per_minute: Most tokens a minute, estimated before and not corrected after; None for no limit.
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
        return (self.tokens_in * (settings.price_in or 0) + self.tokens_out * (settings.price_out or 0)) / 1e6


class EndpointChatModel:
    """Goes on with conversations by asking a server; see `pluralign.core.ports.ChatModel`.

    Args:
        settings: Which server, and how.

    Raises:
        MissingExtra: If the openai client is not installed.
        InvalidSettings: If the key is not set.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        try:
            import aiolimiter
            import openai
        except ImportError as error:
            raise MissingExtra.named("ask", error.name or "openai") from error
        del aiolimiter, openai
        self.settings = settings
        self.usage = Usage()
        self.notes: list[str] = []
        self._key = _key(settings)
        self._left_out: set[str] = set()
        self._promised = 0.0

    @property
    def name(self) -> str:
        """What the server calls the model."""
        return self.settings.model

    @property
    def fingerprint(self) -> str:
        """Of server, model and extra fields; what the server does behind that name is not known."""
        parts = [self.settings.base_url, self.settings.model, dict(self.settings.extra_body)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def complete(
        self, conversations: Sequence[Conversation], sampling: Sampling, heard: Heard | None = None
    ) -> list[Reply]:
        """Ask for all; one that fails after all retries is a reply with its ``failure``.

        Raises:
            EndpointError: If the server refuses the key or the model, nothing but failures comes back, or the cost
                limit is reached. What was heard before was told.
        """
        work = self._all(conversations, sampling, heard)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(work)
        with ThreadPoolExecutor(1) as pool:  # inside a notebook's loop
            return pool.submit(asyncio.run, work).result()

    async def _all(self, conversations: Sequence[Conversation], sampling: Sampling, heard: Heard | None) -> list[Reply]:
        from openai import AsyncOpenAI

        s = self.settings
        self._promised = 0.0
        replies: dict[int, Reply] = {}
        asks = iter(range(len(conversations)))
        client = AsyncOpenAI(api_key=self._key, base_url=s.base_url, timeout=s.timeout_s, max_retries=s.retries)
        async with client:
            asking = _Asking(self, client, sampling)
            workers = [
                asyncio.create_task(self._work(asking, asks, conversations, replies, heard))
                for _ in range(min(s.concurrency, len(conversations)))
            ]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return [replies[i] for i in range(len(conversations))]

    async def _work(
        self,
        asking: "_Asking",
        asks: Iterator[int],
        conversations: Sequence[Conversation],
        replies: dict[int, Reply],
        heard: Heard | None,
    ) -> None:
        for i in asks:
            price = self._afford(asking.sampling, conversations[i])
            reply = await asking.one(conversations[i])
            self._promised -= price
            replies[i] = reply
            if heard is not None:
                heard(i, reply)
            failures = [r.failure for r in replies.values() if r.failure is not None] if reply.failure else []
            if len(failures) >= _HOPELESS and len(failures) == len(replies):
                raise EndpointError(
                    f"the first {len(failures)} requests all failed, the last with: {failures[-1]}",
                    where=self.settings.base_url or "the OpenAI service",
                    hint="check the address and the model, then give the same command again",
                )

    def _afford(self, sampling: Sampling, conversation: Conversation) -> float:
        """Promise the most that a request can cost; those in flight count as spent."""
        s = self.settings
        price = (_tokens(conversation) * (s.price_in or 0) + sampling.max_new_tokens * (s.price_out or 0)) / 1e6
        spent = self.usage.cost(s)
        if s.max_cost is not None and spent + self._promised + price > s.max_cost:
            raise EndpointError(
                f"{spent:.4f} of at most {s.max_cost} are spent, after {self.usage.requests:,} answers",
                where="model.max_cost",
                hint="answers had are kept; raise the limit and give the same command again",
            )
        self._promised += price
        return price

    def leave_out(self, message: str) -> bool:
        """Whether a refusal names a field that can be left out, or be called otherwise, from now on."""
        for name in _OPTIONAL:
            if name in message and name not in self._left_out:
                self._left_out.add(name)
                self.notes.append(f"the server takes no {name!r}: it is left out or called otherwise")
                return True
        return False

    def fields(self, sampling: Sampling) -> dict[str, Any]:
        """How words are drawn, in the fields that the server takes."""
        fields: dict[str, Any] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_new_tokens,
            "seed": sampling.seed,
        }
        renamed = {other: fields[name] for name, other in _OPTIONAL.items() if other and name in self._left_out}
        return {k: v for k, v in fields.items() if k not in self._left_out} | renamed


class _Asking:
    """One run of requests: limits of rate, and what each kind of trouble means."""

    def __init__(self, chat: EndpointChatModel, client: Any, sampling: Sampling) -> None:
        from aiolimiter import AsyncLimiter

        s = chat.settings
        self.chat, self.client, self.sampling = chat, client, sampling
        self._requests = AsyncLimiter(s.requests_per_minute, 60) if s.requests_per_minute else None
        self._tokens = AsyncLimiter(s.tokens_per_minute, 60) if s.tokens_per_minute else None

    async def one(self, conversation: Conversation) -> Reply:
        import openai

        for attempt in range(self.chat.settings.retries + 1):
            try:
                return await self._request(conversation)
            except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
                raise EndpointError(
                    f"the server refuses the key: {_said(error)}",
                    where=self._where(),
                    hint=f"set the environment variable {self.chat.settings.api_key_env}",
                ) from error
            except openai.NotFoundError as error:
                raise EndpointError(
                    f"the server knows no model {self.chat.settings.model!r} or no such path: {_said(error)}",
                    where=self._where(),
                    hint=f"it has {await self._models()}; an address mostly ends in /v1",
                ) from error
            except openai.BadRequestError as error:
                if not self.chat.leave_out(_said(error)):
                    return Reply("", failure=f"refused: {_said(error)}")
            except openai.APIStatusError as error:
                return Reply("", failure=f"status {error.status_code}: {_said(error)}")
            except openai.APIConnectionError as error:
                return Reply("", failure=f"no answer: {_said(error)}")
            except (openai.APIError, ValueError, TypeError, AttributeError, LookupError) as error:
                if attempt == self.chat.settings.retries:
                    return Reply("", failure=f"not an answer of a chat server: {_said(error)}")
                await asyncio.sleep(min(0.1 * 2**attempt, 5))
        return Reply("", failure="the server takes none of the requests as they can be written")

    async def _request(self, conversation: Conversation) -> Reply:
        s = self.chat.settings
        async with AsyncExitStack() as limits:
            if self._requests is not None:
                await limits.enter_async_context(self._requests)
            if self._tokens is not None:
                wanted = _tokens(conversation) + self.sampling.max_new_tokens
                await self._tokens.acquire(min(wanted, self._tokens.max_rate))
            found = await self.client.chat.completions.create(
                model=s.model,
                messages=[{"role": m.role, "content": m.content} for m in conversation],
                extra_body=dict(s.extra_body) or None,
                **self.chat.fields(self.sampling),
            )
        text = found.choices[0].message.content
        if not isinstance(text, str | None):
            raise TypeError(f"content is {type(text).__name__}")
        usage = self.chat.usage
        usage.requests += 1
        if found.usage is not None:
            usage.tokens_in += found.usage.prompt_tokens or 0
            usage.tokens_out += found.usage.completion_tokens or 0
        return Reply((text or "").strip())

    async def _models(self) -> str:
        try:
            page = await self.client.models.list()
            return ", ".join(model.id for model in page.data[:10]) or "none"
        except Exception:  # whatever goes wrong here, the first error is what the reader needs
            return "models it does not tell"

    def _where(self) -> str:
        return self.chat.settings.base_url or "the OpenAI service"


def _key(settings: EndpointSettings) -> str:
    key = os.environ.get(settings.api_key_env)
    if key:
        return key
    if settings.base_url is None:
        raise InvalidSettings(
            f"the environment variable {settings.api_key_env} is not set",
            where="model.api_key_env",
            hint=f"export {settings.api_key_env}=..., or name your own server with base_url",
        )
    if not settings.base_url.startswith(("http://", "https://")):
        raise InvalidInput(f"{settings.base_url!r} is no address", hint="write http://127.0.0.1:8000/v1")
    return "none"


def _tokens(conversation: Conversation) -> int:
    """Tokens of a conversation, roughly: a token is about four bytes."""
    return 1 + sum(len(m.content.encode()) // 4 + 4 for m in conversation)


def _said(error: Exception) -> str:
    message = str(getattr(error, "message", "") or error) or type(error).__name__
    return " ".join(message.split())[:300]
