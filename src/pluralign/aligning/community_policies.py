"""The policies of a run of `pluralign align`, ready to answer: alone, blended, or best of several.

The start model is in memory once, together with an adapter of each community. A blend by weights
is one adapter whose ranks stand side by side, so its answer costs one pass.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.aligning.answer_requests import AnswerRequest, CommunityAnswer, Mode
from pluralign.aligning.policy_folders import adapters_of, people_of, read_align_settings
from pluralign.core import (
    AnyPath,
    Conversation,
    FloatArray,
    InvalidInput,
    InvalidSettings,
    RewardRequest,
    Sampling,
    Steer,
    SteerableRewardModel,
    as_path,
    known_community,
)
from pluralign.models import open_reward_model
from pluralign.rewards import scorable
from pluralign.rewards.transformer.blending import coefficients
from pluralign.surveying.respondents import open_chat_model

if TYPE_CHECKING:
    from pluralign.respondents.local import AdaptedModel, LocalChatModel, Mixture, Written

_MOST_SEED = 2**31


@dataclass(frozen=True, slots=True)
class _Task:
    """A request as the model reads it."""

    request: AnswerRequest
    prompt: list[int]
    sampling: Sampling


class CommunityPolicies:
    """The policies of a run: the start model, and those of communities.

    Answers may be asked for from several threads; each pass of the model is made alone.

    Args:
        chat: The start model. It is only to be used through this object from now on.
        adapted: The start model with the communities' adapters.
        reward: The reward model that chooses among several answers.
        people: Community -> people behind its reward model.

    Attributes:
        communities: Ids of the communities that it can answer as: all that have an adapter. If the
            run trained none: all of the reward model, which then chooses the best of several
            answers of the start model.
    """

    def __init__(
        self,
        chat: "LocalChatModel",
        adapted: "AdaptedModel",
        reward: SteerableRewardModel,
        people: Mapping[str, int],
    ) -> None:
        self._chat, self._adapted, self._reward, self._people = chat, adapted, reward, people
        self.communities = adapted.communities or tuple(reward.communities)

    @classmethod
    def open(
        cls,
        run: AnyPath,
        *,
        method: str | None = None,
        reward: str | None = None,
        model: str | None = None,
    ) -> "CommunityPolicies":
        """Open the folder of a run that has trained, or has scored answers.

        Args:
            run: The folder.
            method: The method whose adapters answer. Default: the first that trained any.
            reward: Folder or URL of the reward model, if it has moved since.
            model: Folder or name of the start model, if it has moved since.

        Raises:
            InvalidInput: If the folder has no run, an adapter is of another model, or a model
                cannot be opened.
            InvalidSettings: If the run has no adapters of the method, or its model is a server.
        """
        from pluralign.respondents.local import AdaptedModel, LocalChatModel

        folder, settings = as_path(run), read_align_settings(run)
        named = (
            settings.model if model is None else settings.model.model_copy(update={"name": model})
        )
        if named.kind != "local":
            raise InvalidSettings(
                "the start model is behind a server, which does not answer with adapters",
                where=str(folder),
                hint="give the folder or the hub name of the same model",
            )
        place = reward or settings.reward.model
        judge = open_reward_model(place)
        wanted = settings.communities or tuple(judge.communities)
        adapters = adapters_of(folder, settings, wanted, method)
        chat = open_chat_model(named)
        assert isinstance(chat, LocalChatModel)
        return cls(chat, AdaptedModel(chat.loaded, adapters), judge, people_of(place))

    @property
    def tuned(self) -> bool:
        """Whether communities have adapters; else only the best of several answers is theirs."""
        return bool(self._adapted.communities)

    def modes(self) -> tuple[Mode, ...]:
        """The modes that it can answer in."""
        return ("start", "steerable")

    def answer(self, request: AnswerRequest) -> CommunityAnswer:
        """Answer a request.

        Raises:
            UnknownCommunity: If a community has no policy; the error names all that have one.
            InvalidInput: If the conversation is too long for the model, or the request needs what
                the run does not have.
        """
        *_, whole = self.stream(request)
        assert isinstance(whole, CommunityAnswer)
        return whole

    def stream(self, request: AnswerRequest) -> Iterator[str | CommunityAnswer]:
        """Pieces of an answer as they are written, and the whole answer last.

        An answer that is chosen from several comes in one piece.

        Raises:
            PluralignError: As for `answer`, when the first piece is asked for.
        """
        if request.mode not in self.modes():
            raise InvalidInput(
                f"this run does not answer in the mode {request.mode!r:.40}",
                where="mode",
                hint=f"its modes are {', '.join(self.modes())}",
            )
        shares = self._shares(request)
        task = self._task(request)
        with self._mixture(shares) as mixture:
            if request.best_of == 1:
                yield from self._one(task, shares, mixture)
            else:
                yield from self._best(task, shares, mixture)

    def _one(
        self, task: _Task, shares: Mapping[str, float], mixture: "Mixture"
    ) -> Iterator[str | CommunityAnswer]:
        from pluralign.respondents.local import write_pieces

        stop = task.request.stop
        for piece in write_pieces(self._adapted, task.prompt, mixture, task.sampling, stop):
            if isinstance(piece, str):
                yield piece
            else:
                yield self._answered(task, shares, piece, piece.tokens)

    def _best(
        self, task: _Task, shares: Mapping[str, float], mixture: "Mixture"
    ) -> Iterator[str | CommunityAnswer]:
        from pluralign.respondents.local import write

        request, prompts = task.request, [task.prompt]
        steer = self._rewarding(request)
        (found,) = write(
            self._adapted, prompts, [mixture], task.sampling, n=request.best_of, stop=request.stop
        )
        reward_n = self._rewards(request.conversation, [one.text for one in found], steer)
        best = int(np.where(np.isnan(reward_n), -np.inf, reward_n).argmax())
        reward = None if np.isnan(reward_n[best]) else float(reward_n[best])
        yield found[best].text
        tokens = sum(one.tokens for one in found)
        yield self._answered(task, shares, found[best], tokens, reward)

    def _answered(
        self,
        task: _Task,
        shares: Mapping[str, float],
        written: "Written",
        tokens: int,
        reward: float | None = None,
    ) -> CommunityAnswer:
        people = {c: self._people[c] for c in shares if c in self._people}
        return CommunityAnswer(
            written.text, shares, people, None, written.finish_reason, len(task.prompt), tokens,
            reward,
        )  # fmt: skip

    def _shares(self, request: AnswerRequest) -> dict[str, float]:
        """Community -> share of what answers."""
        if request.steer is None:
            return {}
        shares = coefficients(request.steer, self.communities)
        if not self._adapted.communities and request.best_of == 1:
            raise InvalidInput(
                "the run trained no adapters, so only its reward model follows a community",
                where="best_of",
                hint="ask for the best of several answers: best_of = 8",
            )
        return {c: share for c, share in shares.items() if share > 0}

    @contextmanager
    def _mixture(self, shares: Mapping[str, float]) -> "Iterator[Mixture]":
        from pluralign.respondents.local import Mixture

        with self._adapted.blend(shares if self._adapted.communities else {}) as name:
            yield Mixture((name,))

    def _task(self, request: AnswerRequest) -> _Task:
        prompt = self._chat.tokens(request.conversation)
        room = self._chat.longest - len(prompt)
        if room < 1:
            raise InvalidInput(
                f"the conversation must have fewer than {self._chat.longest:,} tokens for this "
                f"model, got {len(prompt):,}",
                where="conversation",
                hint="leave out earlier turns",
            )
        seed = secrets.randbelow(_MOST_SEED) if request.seed is None else request.seed
        most = min(request.max_new_tokens, room)
        return _Task(request, prompt, Sampling(request.temperature, request.top_p, most, seed))

    def _rewarding(self, request: AnswerRequest) -> Steer:
        """The communities whose reward chooses."""
        if request.rewarded_by is not None:
            known = known_community(request.rewarded_by, self._reward.communities, "rewarded_by")
            return Steer.to(known)
        if request.steer is None:
            raise InvalidInput(
                "the best of several answers needs a community whose reward chooses",
                where="rewarded_by",
                hint=f"name one of {', '.join(self._reward.communities)}",
            )
        return request.steer

    def _rewards(
        self, conversation: Conversation, texts: Sequence[str], steer: Steer
    ) -> FloatArray:
        """Rewards of answers in logits, shape (N,); nan for an answer without words."""
        requests = [scorable(RewardRequest(conversation, text)).request for text in texts]
        there = [i for i, one in enumerate(requests) if one is not None]
        reward_N = np.full(len(texts), np.nan)
        if there:
            found: Any = self._reward.score([r for r in requests if r is not None], steer)
            reward_N[there] = found
        return reward_N
