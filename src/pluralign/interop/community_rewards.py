"""Reward functions for TRL's trainers: one for each community, or all communities as one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pluralign.core import (
    FloatArray,
    InvalidInput,
    RewardRequest,
    SteerableRewardModel,
    known_community,
)
from pluralign.interop.completions import request_of
from pluralign.interop.trl_reward import communities_of, opened_model
from pluralign.metrics import RewardScale, proportional_in_groups, worst_off
from pluralign.rewards import Thoughts, read_thoughts, scorable

Aggregate = Literal["worst-off", "proportional"]


class ScoredOnce:
    """Rewards of completions for several communities, computed once for each batch.

    Args:
        model: A steerable reward model; or the folder of a saved one, or the URL of a server.
        communities: Ids or names; default: all of the model.
        thoughts: ``strip`` leaves out the thoughts before an answer; ``keep`` scores them.

    Attributes:
        communities: Ids of the communities.

    Raises:
        UnknownCommunity: If the model lacks one.
    """

    def __init__(
        self,
        model: SteerableRewardModel | Path | str,
        communities: Sequence[str] | None = None,
        thoughts: Thoughts = "strip",
    ) -> None:
        self._given, self._opened = model, None if isinstance(model, str | Path) else model
        known = list(communities_of(model))
        wanted = known if communities is None else communities
        self.communities = tuple(known_community(c, known, "communities") for c in wanted)
        self._column_C = [known.index(c) for c in self.communities]
        self._thoughts = read_thoughts(thoughts, where="communities: thoughts")
        self._last: tuple[list[RewardRequest], FloatArray] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """The state for a copy in another process: the folder's name or URL, not the weights."""
        opened = None if isinstance(self._given, str | Path) else self._opened
        return self.__dict__ | {"_opened": opened, "_last": None}

    @property
    def model(self) -> SteerableRewardModel:
        """The reward model, opened at the first reward."""
        if self._opened is None:
            self._opened = opened_model(self._given)
        return self._opened

    def rewards(self, prompts: Sequence[Any], completions: Sequence[Any]) -> FloatArray:
        """Rewards in logits, shape (N, C); nan for a completion without an answer.

        Raises:
            InvalidInput: If prompts and completions differ in number, or cannot be read.
        """
        if len(prompts) != len(completions):
            raise InvalidInput(
                f"{len(prompts)} prompts and {len(completions)} completions", where="pluralign"
            )
        asked = [request_of(p, c) for p, c in zip(prompts, completions, strict=True)]
        if self._last is None or self._last[0] != asked:
            self._last = asked, self._scored(asked)
        return self._last[1]

    def _scored(self, asked: Sequence[RewardRequest]) -> FloatArray:
        read_N = [scorable(request, self._thoughts).request for request in asked]
        there = [i for i, request in enumerate(read_N) if request is not None]
        reward_N_C = np.full((len(asked), len(self.communities)), np.nan)
        if there:
            requests = [request for request in read_N if request is not None]
            reward_N_C[there] = np.asarray(self.model.score_all(requests))[:, self._column_C]
        return reward_N_C


class CommunityReward:
    """The reward function of one community, as `community_rewards` makes it.

    Args:
        scores: Shared by all communities.
        column: Number of the community in it.

    Attributes:
        __name__: Name in TRL's logs, such as ``pluralign_MEX``.
    """

    __name__: str

    def __init__(self, scores: ScoredOnce, column: int) -> None:
        self._scores, self._column = scores, column
        self.__name__ = f"pluralign_{scores.communities[column]}"

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """Rewards in logits; None for a completion without an answer, which TRL leaves out."""
        reward_N = self._scores.rewards(prompts, completions)[:, self._column]
        return _as_list(reward_N)


def community_rewards(
    model: SteerableRewardModel | Path | str,
    communities: Sequence[str] | None = None,
    thoughts: Thoughts = "strip",
) -> list[CommunityReward]:
    """A reward function for each community, for ``reward_funcs`` of TRL's GRPO and RLOO trainers.

    With ``multi_objective_aggregation="normalize_then_sum"`` in the trainer's settings (GDPO, arXiv
    2601.05242), each community's rewards are normalised before they are summed, so that none
    decides by wide margins. A batch is scored once, for all communities.

    Args:
        model: A steerable reward model; or the folder of a saved one, or the URL of a server.
        communities: Ids or names; default: all of the model.
        thoughts: ``strip`` leaves out the thoughts before an answer; ``keep`` scores them.

    Raises:
        UnknownCommunity: If the model lacks one.

    >>> from pluralign.simulation import PlantedReward, default_society
    >>> functions = community_rewards(PlantedReward(default_society(0)), ["~hill", "~coast"])
    >>> [one.__name__ for one in functions]
    ['pluralign_~hill', 'pluralign_~coast']
    """
    scores = ScoredOnce(model, communities, thoughts)
    return [CommunityReward(scores, column) for column in range(len(scores.communities))]


class AggregatedReward:
    """One reward function for several communities.

    ``worst-off`` is the reward of the community that likes a completion least, on each community's
    own scale. ``proportional`` is a probability in proportion to the share of people who prefer the
    completion to any other one of its prompt (arXiv 2506.05619).

    Args:
        model: A steerable reward model; or the folder of a saved one, or the URL of a server.
        aggregate: ``worst-off`` or ``proportional``.
        communities: Ids or names; default: all of the model.
        frozen: Prompts and answers of the start model, which give each community's rewards their
            scale; needed for ``worst-off``.
        shares: Community -> share of the population, for ``proportional``; default: equal shares.
        beta: Sharpness of ``proportional``, >= 0.

    Attributes:
        __name__: Name in TRL's logs.

    Raises:
        InvalidInput: If ``frozen`` is missing, or its rewards have no scale.
        UnknownCommunity: If the model lacks a community.
    """

    __name__: str

    def __init__(
        self,
        model: SteerableRewardModel | Path | str,
        aggregate: Aggregate,
        communities: Sequence[str] | None = None,
        *,
        frozen: Sequence[tuple[Any, Any]] = (),
        shares: Mapping[str, float] | None = None,
        beta: float = 0.0,
    ) -> None:
        self._scores = ScoredOnce(model, communities)
        self._aggregate, self._beta = aggregate, beta
        names = self._scores.communities
        given = shares or dict.fromkeys(names, 1.0)
        share_C = np.array([given.get(name, 0.0) for name in names])
        self._share_C = share_C / share_C.sum()
        self._scales = self._scales_of(frozen) if aggregate == "worst-off" else []
        self.__name__ = f"pluralign_{aggregate.replace('-', '_')}"

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """Rewards; None for a completion without an answer."""
        reward_N_C = self._scores.rewards(prompts, completions)
        if self._aggregate == "worst-off":
            shaped = [scale.shaped(reward_N_C[:, c]) for c, scale in enumerate(self._scales)]
            return _as_list(worst_off(np.stack(shaped, axis=1)[None])[0])
        said = [repr(prompt) for prompt in prompts]
        return _as_list(proportional_in_groups(said, reward_N_C, self._share_C, self._beta))

    def _scales_of(self, frozen: Sequence[tuple[Any, Any]]) -> list[RewardScale]:
        where = "AggregatedReward: frozen"
        hint = "give answers of the start model to some prompts, as pairs of prompt and answer"
        if not frozen:
            raise InvalidInput("the scale of the rewards is not known", where=where, hint=hint)
        prompts, answers = zip(*frozen, strict=True)
        reward_N_C = self._scores.rewards(prompts, answers)
        try:
            return [RewardScale.of(column[~np.isnan(column)]) for column in reward_N_C.T]
        except ValueError as error:
            raise InvalidInput(str(error), where=where, hint=hint) from None


def _as_list(reward_N: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in reward_N]
