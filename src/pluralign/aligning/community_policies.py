"""The policies of a run of `pluralign align`, ready to answer: alone, blended, or best of several.

The start model is in memory once, together with an adapter of each community. A blend by weights
is one adapter whose ranks stand side by side, so its answer costs one pass.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pluralign.aligning.answer_requests import AnswerRequest, CommunityAnswer, Mode
from pluralign.aligning.drafting import Drafting
from pluralign.aligning.palette_shares import known_shares
from pluralign.aligning.policy_folders import read_align_settings
from pluralign.aligning.policy_models import Moved, PolicyModels, Routed, open_policy_models
from pluralign.aligning.rewarding import rewards_of_steer
from pluralign.aligning.view_ranges import ViewSettings, view_range
from pluralign.core import (
    AnyPath,
    InvalidInput,
    Sampling,
    Steer,
    as_path,
    known_community,
    rng_for,
)
from pluralign.methods.policies import draw_communities
from pluralign.rewards.transformer.blending import coefficients
from pluralign.settings.align import Combine, PaletteSettings

if TYPE_CHECKING:
    from pluralign.respondents.local import (
        AdapterMixture,
        WrittenAnswer,
    )

_MOST_SEED = 2**31


@dataclass(frozen=True, slots=True)
class _Task:
    """A request as the model reads it.

    Attributes:
        request: The request.
        shares: Community -> share of what answers; empty for the start model.
        rewarding: The communities whose reward chooses; None where nothing is chosen.
        prompt: Tokens of the conversation.
        sampling: How words are drawn.
        adapters: Community -> share of its adapter; empty for the start model.
        abstained: Why the router left the answer to the start model; None where it did not.
    """

    request: AnswerRequest
    shares: Mapping[str, float]
    rewarding: Steer | None
    prompt: list[int]
    sampling: Sampling
    adapters: Mapping[str, float]
    abstained: str | None


class CommunityPolicies:
    """The policies of a run: the start model, and those of communities.

    Answers may be asked for from several threads; each pass of the model is made alone.

    Args:
        models: The models of the run.
        palette: How adapters are combined, and the settings of the modes.

    Attributes:
        communities: Ids of the communities that it can answer as: all that have an adapter. If the
            run trained none: all of the reward model, which then chooses the best of several
            answers of the start model.
    """

    def __init__(self, models: PolicyModels, palette: PaletteSettings | None = None) -> None:
        self._models, self._palette = models, palette or PaletteSettings()
        self._adapted, self._reward = models.adapted, models.acceptance.model
        self.communities = self._adapted.communities or tuple(self._reward.communities)
        self._population = known_shares(
            self._palette.population, self.communities, "palette.population"
        )

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
        settings = read_align_settings(run)
        moved = Moved(reward, model)
        return cls(open_policy_models(as_path(run), settings, method, moved), settings.palette)

    @property
    def tuned(self) -> bool:
        """Whether communities have adapters; else only the best of several answers is theirs."""
        return bool(self._adapted.communities)

    def modes(self) -> tuple[Mode, ...]:
        """The modes that it can answer in."""
        found: list[Mode] = ["start", "steerable"]
        if self._models.router is not None:
            found.append("auto")
        if len(self.communities) > 1:
            found.append("overton")
        if self._adapted.communities:
            found.append("distributional")
        return tuple(found)

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

        An answer that is chosen from several, drafted, or of the mode ``overton`` is one piece.

        Raises:
            PluralignError: As for `answer`, before the first piece.
        """
        task = self._task(request)
        if request.mode == "overton":
            return _at_once(self._range(task))
        if self._combine(request) == "drafts" and len(task.adapters) > 1:
            return _at_once(self._drafted(task))
        if task.rewarding is not None:
            return _at_once(self._best(task))
        return self._pieces(task)

    def _pieces(self, task: _Task) -> Iterator[str | CommunityAnswer]:
        from pluralign.respondents.local import write_pieces

        with self._mixture(task) as mixture:
            for piece in write_pieces(
                self._adapted, task.prompt, mixture, task.sampling, task.request.stop
            ):
                if isinstance(piece, str):
                    yield piece
                else:
                    yield self._answered(task, task.shares, piece, piece.tokens)

    def _best(self, task: _Task) -> CommunityAnswer:
        from pluralign.respondents.local import write

        request, steer = task.request, task.rewarding
        assert steer is not None
        with self._mixture(task) as mixture:
            (found,) = write(
                self._adapted, [task.prompt], [mixture], task.sampling, n=request.best_of,
                stop=request.stop, batch_tokens=self._models.chat.batch_tokens,
            )  # fmt: skip
        answers = [(request.conversation, one.text) for one in found]
        reward_n = rewards_of_steer(self._reward, steer, answers, "reward.model")
        best = int(np.where(np.isnan(reward_n), -np.inf, reward_n).argmax())
        reward = None if np.isnan(reward_n[best]) else float(reward_n[best])
        tokens = sum(one.tokens for one in found)
        answer = self._answered(task, task.shares, found[best], tokens)
        return replace(answer, reward=reward, steps={"answers to choose from": len(found)})

    def _drafted(self, task: _Task) -> CommunityAnswer:
        if task.request.best_of > 1:
            raise InvalidInput(
                "answers by drafts are not chosen from several",
                where="best_of",
                hint='ask for one answer, or combine the communities by "weights" or "outputs"',
            )
        if not self._models.acceptance.scales:
            raise InvalidInput(
                "the run has not scored any answers, so no community can check drafts",
                where="combine",
                hint="finish the run, or combine the communities by weights or outputs",
            )
        ((drafted,),) = self._drafting.answer(
            [task.request.conversation], tuple(task.adapters), task.sampling, stop=task.request.stop
        )
        answer = self._answered(task, task.shares, drafted.written, drafted.tokens)
        return replace(answer, steps=drafted.steps)

    def _range(self, task: _Task) -> CommunityAnswer:
        palette = self._palette
        settings = ViewSettings(self.communities, palette.candidates, palette.top)
        talk, stop = task.request.conversation, task.request.stop
        found = view_range(self._drafting, talk, settings, task.sampling, stop)
        equal = dict.fromkeys(self.communities, 1 / len(self.communities))
        answer = self._answered(task, equal, found.written, found.tokens)
        return replace(answer, steps=found.steps)

    @property
    def _drafting(self) -> Drafting:
        return Drafting(self._models.chat, self._adapted, self._models.acceptance)

    def _combine(self, request: AnswerRequest) -> Combine:
        if request.combine is not None:
            return request.combine
        return self._palette.combine[0] if self._palette.combine else "weights"

    def _answered(
        self, task: _Task, shares: Mapping[str, float], written: "WrittenAnswer", tokens: int
    ) -> CommunityAnswer:
        people = {c: self._models.people[c] for c in shares if c in self._models.people}
        read = len(task.prompt)
        return CommunityAnswer(
            written.text, shares, people, task.abstained, written.finish_reason, read, tokens
        )

    @contextmanager
    def _mixture(self, task: _Task) -> "Iterator[AdapterMixture]":
        from pluralign.respondents.local import AdapterMixture

        if self._combine(task.request) == "outputs" and len(task.adapters) > 1:
            yield self._adapted.outputs(task.adapters)
            return
        with self._adapted.blend(task.adapters) as name:
            yield AdapterMixture((name,))

    def _task(self, request: AnswerRequest) -> _Task:
        if request.mode not in self.modes():
            raise InvalidInput(
                f"this run does not answer in the mode {request.mode!r:.40}",
                where="mode",
                hint=f"its modes are {', '.join(self.modes())}",
            )
        seed = secrets.randbelow(_MOST_SEED) if request.seed is None else request.seed
        route = self._route(request, seed)
        prompt = self._models.chat.tokens(request.conversation)
        room = self._models.chat.longest - len(prompt)
        if room < 1:
            raise InvalidInput(
                f"the conversation must have fewer than {self._models.chat.longest:,} tokens for "
                f"this model, got {len(prompt):,}",
                where="conversation",
                hint="leave out earlier turns",
            )
        most = min(request.max_new_tokens, room)
        sampling = Sampling(request.temperature, request.top_p, most, seed)
        shares, rewarding = self._shares(request, route), self._rewarding(request, route)
        adapters = shares if self._adapted.communities else {}
        return _Task(request, shares, rewarding, prompt, sampling, adapters, route.abstained)

    def _route(self, request: AnswerRequest, seed: int) -> Routed:
        """The communities that answer."""
        if request.mode == "distributional":
            rng = rng_for(seed, "population", str(request.conversation))
            (drawn,) = draw_communities(self._population, 1, rng)
            return Routed(Steer.to(drawn))
        if request.mode == "auto" and self._models.router is not None:
            return self._models.router.routed(request.conversation)
        return Routed(request.steer)

    def _shares(self, request: AnswerRequest, route: Routed) -> dict[str, float]:
        """Community -> share of what answers."""
        if route.steer is None:
            return {}
        found = coefficients(route.steer, self.communities)
        if not self._adapted.communities and request.best_of == 1:
            raise InvalidInput(
                "the run trained no adapters, so only its reward model follows a community",
                where="best_of",
                hint="ask for the best of several answers: best_of = 8",
            )
        return {community: share for community, share in found.items() if share > 0}

    def _rewarding(self, request: AnswerRequest, route: Routed) -> Steer | None:
        """The communities whose reward chooses; None where nothing is chosen."""
        is_left_to_the_start = route.abstained is not None and request.rewarded_by is None
        if request.best_of == 1 or request.mode == "overton" or is_left_to_the_start:
            return None
        if request.rewarded_by is not None:
            known = known_community(request.rewarded_by, self._reward.communities, "rewarded_by")
            return Steer.to(known)
        if route.steer is None:
            raise InvalidInput(
                "the best of several answers needs a community whose reward chooses",
                where="rewarded_by",
                hint=f"name one of {', '.join(self._reward.communities)}",
            )
        return route.steer


def _at_once(answer: CommunityAnswer) -> Iterator[str | CommunityAnswer]:
    yield from (answer.text, answer)
