"""Rewards of answers under several communities; an answer without words has none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import (
    FloatArray,
    InvalidInput,
    Prompt,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    known_community,
)
from pluralign.metrics import RewardScale
from pluralign.rewards import scorable

Answers = Sequence[tuple[Prompt, str]]
"""Prompts and answers."""


def rewards_for_all(
    model: SteerableRewardModel, communities: Sequence[str], answers: Answers, where: str
) -> FloatArray:
    """Rewards of answers for each of several communities.

    Args:
        model: The reward model.
        communities: The communities.
        answers: Prompts and answers.
        where: Name of the model in messages.

    Returns:
        Rewards in logits, shape (N, C); nan for an answer without words.

    Raises:
        UnknownCommunity: If the model has no such community.
        InvalidInput: If a reward is not a finite number.
    """
    known = [known_community(c, model.communities, where) for c in communities]
    column_C = [model.communities.index(c) for c in known]
    return _scored(answers, lambda own: model.score_all(own)[:, column_C], len(column_C), where)


def rewards_of_steer(
    model: SteerableRewardModel, steer: Steer, answers: Answers, where: str
) -> FloatArray:
    """Rewards of answers for a blend in logits, shape (N,); otherwise as `rewards_for_all`."""
    return _scored(answers, lambda own: model.score(own, steer)[:, None], 1, where)[:, 0]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The answers that communities accept, by their rewards on frozen scales.

    Attributes:
        model: The reward model.
        scales: Community -> the scale of its rewards of the start model's validation answers.
        threshold: Least reward on that scale that is accepted, in [0, 1]; 0.5 is the median.
    """

    model: SteerableRewardModel
    scales: Mapping[str, RewardScale]
    threshold: float = 0.5

    def shaped(self, answers: Answers, communities: Sequence[str]) -> FloatArray:
        """Rewards on the communities' scales, shape (N, C), in [0, 1]; nan without an answer."""
        reward_N_C = rewards_for_all(self.model, communities, answers, "reward.model")
        columns = [self.scales[c].shaped(reward_N_C[:, i]) for i, c in enumerate(communities)]
        return np.stack(columns, axis=1)


def _scored(
    answers: Answers, score: Callable[[list[RewardRequest]], Any], width: int, where: str
) -> FloatArray:
    read_N = [scorable(RewardRequest(prompt, text)).request for prompt, text in answers]
    there = [i for i, request in enumerate(read_N) if request is not None]
    reward_N_W = np.full((len(answers), width), np.nan)
    requests = [request for request in read_N if request is not None]
    if requests:
        reward_N_W[there] = np.asarray(score(requests))
    finite_N = np.isfinite(reward_N_W[there]).all(axis=1)
    if not finite_N.all():
        raise InvalidInput(
            f"{(~finite_N).sum():,} of {len(there):,} rewards are not finite numbers",
            where=where,
            hint="train the reward model again: its weights are damaged",
        )
    return reward_N_W
