"""A language model behind a server, as a chat model."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pluralign.clients.logs import masked_logs
from pluralign.core import Conversation, MissingExtra, Reply, Sampling, text_digest, without_secrets
from pluralign.respondents.endpoint.endpoint_settings import (
    EndpointError,
    EndpointSettings,
    Secrets,
    Usage,
)
from pluralign.respondents.endpoint.sampling_fields import SentFields
from pluralign.respondents.endpoint.server_requests import Asking, opened_client, tokens_of

Heard = Callable[[int, Reply], None]

_HOPELESS = 20


class EndpointChatModel:
    """Continues conversations by asking a server; see `pluralign.core.ports.ChatModel`.

    Args:
        settings: The server and its limits.
        note: Called once with a note on each field that the server refuses, at its first refusal.

    Attributes:
        notes: The notes so far.

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
        self._on_note = note or (lambda text: None)
        self._secrets = Secrets(settings)
        self._fields = SentFields(self._noted)
        self._promised = 0.0

    @property
    def name(self) -> str:
        """The server's name of the model."""
        return self.settings.model

    @property
    def fingerprint(self) -> str:
        """Digest of server, model and extra fields, without secrets.

        It does not change if the server serves another model under the same name.
        """
        parts = [self.settings.base_url, self.settings.model, dict(self.settings.extra_body)]
        return text_digest(json.dumps(without_secrets(parts), sort_keys=True, default=str))

    def complete(
        self, conversations: Sequence[Conversation], sampling: Sampling, heard: Heard | None = None
    ) -> list[Reply]:
        """Ask for all completions; a failure after all retries is a reply with its ``failure``.

        Raises:
            EndpointError: If the server refuses the key or the model, all requests fail, or the
                cost limit is reached. ``heard`` was called with all earlier replies.
        """
        work = self._all(_Work(conversations, sampling, heard))
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(work)
        # A notebook runs a loop already, so this one needs a thread of its own.
        with ThreadPoolExecutor(1) as pool:
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
                settings=self.settings,
                client=client,
                sampling=work.sampling,
                fields=self._fields,
                secrets=self._secrets,
                usage=self.usage,
            )
            n_workers = min(self.settings.concurrency, len(work.conversations))
            answering = [self._answer(asking, asks, work) for _ in range(n_workers)]
            workers = [asyncio.create_task(one) for one in answering]
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
                    hint="check the address and the model, then run the same command again",
                )

    def _afford(self, sampling: Sampling, conversation: Conversation) -> float:
        """Reserve the highest cost of a request; requests in flight count as spent."""
        s = self.settings
        most = Usage(tokens_in=tokens_of(conversation), tokens_out=sampling.max_new_tokens)
        price, spent = most.cost(s), self.usage.cost(s)
        if s.max_cost is not None and spent + self._promised + price > s.max_cost:
            raise EndpointError(
                f"{spent:.4f} of at most {s.max_cost} are spent, after {self.usage.requests:,} "
                "answers",
                where="model.max_cost",
                hint="all answers are kept; raise the limit and run the same command again",
            )
        self._promised += price
        return price

    def _noted(self, text: str) -> None:
        self.notes.append(text)
        self._on_note(text)


@dataclass(slots=True)
class _Work:
    """Conversations to continue, and the replies so far."""

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
