"""The policies of a run, which answer one request after the other."""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from pluralign.aligning import AnswerRequest, CommunityAnswer, CommunityPolicies, Mode
from pluralign.core import MissingExtra
from pluralign.serving.chat_names import ChatName, chat_names, read_chat_name
from pluralign.serving.metrics import Metrics
from pluralign.serving.one_at_a_time import OneAtATime
from pluralign.serving.server_settings import ServeSettings

_log = logging.getLogger("pluralign.serving")


class Policies(Protocol):
    """Policies that answer: `pluralign.aligning.CommunityPolicies`, or a double."""

    communities: tuple[str, ...]

    @property
    def tuned(self) -> bool:
        """Whether communities have policies of their own; else only the best of several."""
        ...

    def modes(self) -> tuple[Mode, ...]:
        """The modes that it can answer in."""
        ...

    def stream(self, request: AnswerRequest) -> Iterator[str | CommunityAnswer]:
        """Pieces of an answer, the whole answer last."""
        ...


def open_policies(settings: ServeSettings) -> Policies | None:
    """Open the policies of a run; None if the settings name no run.

    Raises:
        InvalidInput: If the folder has no run that can answer.
        MissingExtra: If the packages for language models are not installed.
    """
    if settings.policies is None:
        return None
    try:
        import torch  # noqa: F401 -- policies are language models on this machine
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra.named("train", str(error.name)) from error
    return CommunityPolicies.open(
        settings.policies,
        reward=None if settings.model is None else str(settings.model),
        model=settings.start_model,
    )


@dataclass(slots=True)
class ChatService:
    """Policies that answer many callers, one request at a time.

    Attributes:
        settings: Settings of the server.
        policies: The policies.
        metrics: Counts for Prometheus.
        queue: The thread that writes answers.
    """

    settings: ServeSettings
    policies: Policies
    metrics: Metrics
    queue: OneAtATime = field(init=False)

    def __post_init__(self) -> None:
        self.queue = OneAtATime(self.settings.most_chats, "policies")

    def named(self, model: str | None) -> ChatName:
        """The policy that a model's name asks for.

        Raises:
            Refused: If the name is another model's.
            InvalidInput: If the name cannot be read.
        """
        known, most = self.policies.communities, self.settings.most_best_of
        return read_chat_name(model, self.settings.name, known, most)

    def names(self) -> list[str]:
        """Names of its policies."""
        policies = self.policies
        return chat_names(
            self.settings.name, policies.communities, policies.modes(), policies.tuned
        )

    async def stream(self, request: AnswerRequest) -> AsyncGenerator[str | CommunityAnswer]:
        """Pieces of an answer as they are written, and the whole answer last.

        Raises:
            Busy: If too many requests are waiting.
            Closed: If the server is stopping.
            PluralignError: If the policies cannot answer.
        """
        outcome = "cancelled"

        def work() -> Iterator[str | CommunityAnswer]:
            yield from self.policies.stream(request)

        try:
            async with aclosing(self.queue.pieces(work)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, CommunityAnswer):
                        outcome = "answered" if piece.abstained is None else "abstained"
                        self.metrics.generated(piece.prompt_tokens, piece.completion_tokens)
                        self._log(request, piece)
                    yield piece
        except Exception:
            outcome = "refused"
            raise
        finally:
            self.metrics.chats.labels(request.mode, outcome).inc()

    async def answer(self, request: AnswerRequest) -> CommunityAnswer:
        """A whole answer.

        Raises:
            Busy: As for `stream`, like the other errors.
        """
        whole: str | CommunityAnswer = ""
        async for whole in self.stream(request):  # noqa: B007 -- the last piece is the answer
            pass
        assert isinstance(whole, CommunityAnswer)
        return whole

    async def close(self) -> None:
        """Accept no more requests, and finish the waiting ones."""
        await self.queue.close()

    def _log(self, request: AnswerRequest, answer: CommunityAnswer) -> None:
        if self.settings.log_texts:
            _log.info("prompt %r answer %r", request.conversation[-1].content, answer.text)
