"""Requests to a server, with limits of rate, and the meaning of each kind of error."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from pluralign.clients.bounding import bound_body
from pluralign.core import Conversation, Reply, Sampling
from pluralign.respondents.endpoint.endpoint_settings import (
    EndpointError,
    EndpointSettings,
    Secrets,
    Usage,
)
from pluralign.respondents.endpoint.replies import Completion, read_completion
from pluralign.respondents.endpoint.sampling_fields import (
    SentFields,
    is_limit_reached,
    not_sent,
    words_of,
)

_LONGEST_WAIT = 60.0


def opened_client(settings: EndpointSettings, secrets: Secrets) -> Any:
    """A client of the server, for use as a context manager."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    address, query = settings.url
    return AsyncOpenAI(
        api_key=secrets.key,
        base_url=address,
        default_query=query,
        default_headers={"Accept-Encoding": "identity"},
        timeout=settings.timeout_s,
        max_retries=settings.retries,
        http_client=DefaultAsyncHttpxClient(event_hooks={"response": [bound_body]}),
    )


def tokens_of(conversation: Conversation) -> int:
    """A rough number of tokens of a conversation: a token is about four bytes."""
    return 1 + sum(len(m.content.encode(errors="replace")) // 4 + 4 for m in conversation)


class Asking:
    """Asks a server for completions, one at a time.

    Args:
        settings: The server and its limits.
        client: A client of `opened_client`.
        sampling: Sampling of the words.
        fields: The fields that the server accepts; refused fields are added to it.
        secrets: Secrets, which no message may contain.
        usage: Counts completions and tokens.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        client: Any,
        sampling: Sampling,
        fields: SentFields,
        secrets: Secrets,
        usage: Usage,
    ) -> None:
        from aiolimiter import AsyncLimiter

        self._settings, self._client, self._sampling = settings, client, sampling
        self._fields, self._secrets, self._usage = fields, secrets, usage
        # Each try may take its time-out, and wait a minute before. A body that arrives slowly, byte
        # by byte, is bounded by the same time.
        self._longest = (settings.timeout_s + _LONGEST_WAIT) * (settings.retries + 1)
        requests, tokens = settings.requests_per_minute, settings.tokens_per_minute
        self._requests = AsyncLimiter(requests, 60) if requests else None
        self._tokens = AsyncLimiter(tokens, 60) if tokens else None

    async def one(self, conversation: Conversation) -> Reply:
        """Ask for one completion; one that fails after all retries is a reply with its ``failure``.

        Raises:
            EndpointError: If the server refuses the key or does not have the model.
        """
        attempt = 0
        while True:
            sent = self._fields.of(self._sampling)
            try:
                return await self._request(conversation, sent)
            except ValueError as error:  # not a chat completion
                if attempt == self._settings.retries:
                    message = self._message(error)
                    return Reply("", failure=f"not an answer of a chat server: {message}")
                await asyncio.sleep(min(0.1 * 2**attempt, 5))
                attempt += 1
            except Exception as error:
                reply = await self._judged(error, sent)
                if reply is not None:
                    return reply
                # The server refused a field of this request: the next request omits it.

    async def _judged(self, error: Exception, sent: dict[str, Any]) -> Reply | None:
        """The failed reply of an error, or None if the request should be sent again."""
        import openai

        message = self._message(error)
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            raise EndpointError(
                f"the server refuses the key: {message}",
                where=self._settings.address,
                hint=f"set the environment variable {self._settings.api_key_env}",
            ) from None
        if isinstance(error, openai.NotFoundError):
            raise EndpointError(
                f"the server has no model {self._settings.model!r} or no such path: {message}",
                where=self._settings.address,
                hint=f"it has {await self._models()}; an address usually ends in /v1",
            ) from None
        if isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
            words = f"{error.message} {words_of(error.body)}"
            if is_limit_reached(words):
                return Reply("", finish_reason="length", not_sent=not_sent(sent))
            if self._fields.leave_out(error.body, words, sent.keys()):
                return None
            return Reply("", failure=f"refused: {message}")
        if isinstance(error, openai.APIStatusError):
            return Reply("", failure=f"status {error.status_code}: {message}")
        if isinstance(error, openai.APIConnectionError | TimeoutError):
            return Reply("", failure=f"no answer: {message}")
        return Reply("", failure=f"{type(error).__name__}: {message}")

    async def _request(self, conversation: Conversation, sent: dict[str, Any]) -> Reply:
        async with AsyncExitStack() as limits:
            if self._requests is not None:
                await limits.enter_async_context(self._requests)
            if self._tokens is not None:
                wanted = tokens_of(conversation) + self._sampling.max_new_tokens
                await self._tokens.acquire(min(wanted, self._tokens.max_rate))
            async with asyncio.timeout(self._longest):
                found = await self._client.chat.completions.with_raw_response.create(
                    model=self._settings.model,
                    messages=[{"role": m.role, "content": m.content} for m in conversation],
                    extra_body=dict(self._settings.extra_body) or None,
                    **sent,
                )
        return self._counted(read_completion(found.content, not_sent(sent)), conversation)

    def _counted(self, completion: Completion, conversation: Conversation) -> Reply:
        """Count a completion, by an estimate if the server gives no count, and remove secrets."""
        reply = completion.reply
        estimate = (tokens_of(conversation), len(reply.text.encode()) // 4 + 1)
        given = (completion.tokens_in, completion.tokens_out)
        counts = zip(estimate, given, strict=True)
        tokens_in, tokens_out = (ours if theirs is None else theirs for ours, theirs in counts)
        self._usage.requests += 1
        self._usage.tokens_in += tokens_in
        self._usage.tokens_out += tokens_out
        return replace(reply, text=self._secrets.removed(reply.text))

    def _message(self, error: Exception) -> str:
        """A short message about an error, without secrets."""
        message = str(getattr(error, "message", "") or error) or type(error).__name__
        more = str(error.__cause__ or "") or words_of(getattr(error, "body", None))
        if more and more not in message:
            message = f"{message} ({more})"
        return self._secrets.message(message)

    async def _models(self) -> str:
        try:
            page = await self._client.models.list()
            names = ", ".join(str(model.id) for model in page.data[:10])
            return self._secrets.message(names) or "no models"
        except Exception:  # this list is only a hint: the user needs the first error
            return "models that it does not list"
