"""A language model behind a server, as a chat model."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pluralign.core import Conversation, MissingExtra, Reply, Sampling, text_digest, without_secrets
from pluralign.respondents.endpoint.asking import Asking, opened_client, tokens_of
from pluralign.respondents.endpoint.endpoint_settings import (
    EndpointError,
    EndpointSettings,
    Secrets,
    Usage,
)
from pluralign.respondents.endpoint.fields import SentFields
from pluralign.respondents.endpoint.logs import masked_logs

Heard = Callable[[int, Reply], None]

_HOPELESS = 20


class EndpointChatModel:
    """Continues conversations by asking a server; see `pluralign.core.ports.ChatModel`.

    Args:
        settings: Which server, and how.
        note: Hears of each field that the server refuses and that is left out, once, when it is
            found out.

    Attributes:
        notes: What ``note`` has heard.

    Raises:
        MissingExtra: If the openai client is not installed.
        InvalidSettings: If the key is not set.
    """

    def __init__(
        self, settings: EndpointSettings, note: Callable[[str], None] | None = None
    ) -> None:
        try:
            import aiolimiter
            import openai
        except ImportError as error:
            raise MissingExtra.named("ask", error.name or "openai") from error
        del aiolimiter, openai
        self.settings = settings
        self.usage = Usage()
        self.notes: list[str] = []
        self._hears = note or (lambda text: None)
        self._secrets = Secrets(settings)
        self._fields = SentFields(self._noted)
        self._promised = 0.0

    @property
    def name(self) -> str:
        """What the server calls the model."""
        return self.settings.model

    @property
    def fingerprint(self) -> str:
        """Of server, model and extra fields without secrets; what the server does behind that name is not known."""
        parts = [self.settings.base_url, self.settings.model, dict(self.settings.extra_body)]
        return text_digest(json.dumps(without_secrets(parts), sort_keys=True, default=str))

    def complete(
        self, conversations: Sequence[Conversation], sampling: Sampling, heard: Heard | None = None
    ) -> list[Reply]:
        """Ask for all; one that fails after all retries is a reply with its ``failure``.

        Raises:
            EndpointError: If the server refuses the key or the model, nothing but failures comes
                back, or the cost limit is reached. What was heard before was told.
        """
        work = self._all(_Work(conversations, sampling, heard))
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(work)
        with ThreadPoolExecutor(1) as pool:  # inside a notebook's loop
            return pool.submit(asyncio.run, work).result()

    async def _all(self, work: "_Work") -> list[Reply]:
        self._promised = 0.0
        asks = iter(range(len(work.conversations)))
        with masked_logs(self._secrets.removed):
            await self._asked(asks, work)
        return [work.replies[i] for i in range(len(work.conversations))]

    async def _asked(self, asks: Iterator[int], work: "_Work") -> None:
        async with opened_client(self.settings, self._secrets) as client:
            asking = Asking(
                self.settings, client, work.sampling, self._fields, self._secrets, self.usage
            )
            workers = [
                asyncio.create_task(self._answer(asking, asks, work))
                for _ in range(min(self.settings.concurrency, len(work.conversations)))
            ]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    async def _answer(self, asking: Asking, asks: Iterator[int], work: "_Work") -> None:
        for i in asks:
            price = self._afford(work.sampling, work.conversations[i])
            reply = await asking.one(work.conversations[i])
            self._promised -= price
            work.keep(i, reply)
            if work.failed >= _HOPELESS and work.failed == len(work.replies):
                raise EndpointError(
                    f"the first {work.failed} requests all failed, the last with: {reply.failure}",
                    where=self.settings.address,
                    hint="check the address and the model, then give the same command again",
                )

    def _afford(self, sampling: Sampling, conversation: Conversation) -> float:
        """Promise the most that a request can cost; those in flight count as spent."""
        s = self.settings
        price = (
            tokens_of(conversation) * (s.price_in or 0)
            + sampling.max_new_tokens * (s.price_out or 0)
        ) / 1e6
        spent = self.usage.cost(s)
        if s.max_cost is not None and spent + self._promised + price > s.max_cost:
            raise EndpointError(
                f"{spent:.4f} of at most {s.max_cost} are spent, after {self.usage.requests:,} "
                "answers",
                where="model.max_cost",
                hint="answers had are kept; raise the limit and give the same command again",
            )
        self._promised += price
        return price

    def _noted(self, text: str) -> None:
        self.notes.append(text)
        self._hears(text)


@dataclass(slots=True)
class _Work:
    """Conversations to be continued, and the replies had so far."""

    conversations: Sequence[Conversation]
    sampling: Sampling
    heard: Heard | None
    replies: dict[int, Reply] = field(default_factory=dict)
    failed: int = 0

    def keep(self, i: int, reply: Reply) -> None:
        self.replies[i] = reply
        self.failed += reply.failure is not None
        if self.heard is not None:
            self.heard(i, reply)
