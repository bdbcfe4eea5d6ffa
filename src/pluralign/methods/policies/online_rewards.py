"""The reward that a policy follows while it samples: a column per community, or one for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.methods.policies.config import Aggregate
from pluralign.metrics import RewardScale, proportional_in_groups, worst_off

Score = Callable[[Sequence[str], Sequence[str]], FloatArray]
"""Ids of prompts, and an answer to each -> rewards in logits, shape (N, C); nan for an answer
without words."""
NO_ANSWER = "no_answer"
"""Name, in a training's metrics, of the share of answers without words."""


@dataclass(frozen=True, slots=True)
class OnlineReward:
    """The reward that a policy follows while it samples.

    Attributes:
        communities: Ids of C communities: one, or several for a joint policy.
        score: Scores answers for these communities.
        scales: The scale of each community's rewards, on a frozen set of answers.
        aggregate: How several communities become one reward.
    """

    communities: tuple[str, ...]
    score: Score
    scales: tuple[RewardScale, ...]
    aggregate: Aggregate = "normalised"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns: a community each, or one for all."""
        one_for_all = len(self.communities) > 1 and self.aggregate != "normalised"
        return (self.aggregate,) if one_for_all else self.communities


def reward_columns(
    reward: OnlineReward, prompts: Sequence[str], reward_N_C: FloatArray, no_answer: float
) -> FloatArray:
    """The columns of rewards that a trainer gets.

    Args:
        reward: The reward that is followed.
        prompts: The prompt of each answer.
        reward_N_C: Rewards in logits, shape (N, C); nan for an answer without words.
        no_answer: Reward of an answer without words.

    Returns:
        Shape (N, K), a column for each of ``reward.names``, between 0 and 1 but for ``no_answer``.

    >>> scales = (RewardScale(2.0, 1.0), RewardScale(0.0, 5.0))
    >>> joint = OnlineReward(("MEX", "GBR"), lambda prompts, answers: np.zeros(2), scales)
    >>> logits = np.array([[2.0, 5.0], [np.nan, np.nan]])
    >>> reward_columns(joint, ["a", "a"], logits, no_answer=-1.0).round(2).tolist()
    [[0.5, 0.73], [-1.0, -1.0]]
    """
    if reward.names != reward.communities and reward.aggregate == "proportional":
        share_C = np.full(len(reward.communities), 1 / len(reward.communities))
        column_N_K = proportional_in_groups(prompts, reward_N_C, share_C)[:, None]
    else:
        shaped = [scale.shaped(reward_N_C[:, c]) for c, scale in enumerate(reward.scales)]
        column_N_K = np.stack(shaped, axis=1)
        if reward.names != reward.communities:
            column_N_K = worst_off(column_N_K[None]).T
    filled_N_K: FloatArray = np.where(np.isnan(column_N_K), no_answer, column_N_K)
    return filled_N_K


def reward_functions(reward: OnlineReward, no_answer: float) -> list["RewardColumn"]:
    """A reward function of TRL for each column; a batch is scored once for all of them."""
    batch = _LastBatch(reward, no_answer)
    return [RewardColumn(batch, number, name) for number, name in enumerate(reward.names)]


class RewardColumn:
    """A reward function of TRL: one column of a reward.

    Args:
        batch: Scores a batch once for all columns.
        number: Number of the column.
        name: Name of the column.

    Attributes:
        __name__: Name in TRL's logs, such as ``reward_MEX``.
    """

    __name__: str

    def __init__(self, batch: "_LastBatch", number: int, name: str) -> None:
        self._batch, self._number = batch, number
        self.__name__ = f"reward_{name}"

    def __call__(
        self, prompts: Sequence[str], completions: Sequence[str], **columns: Any
    ) -> list[float]:
        """Rewards of answers to the prompts with these ids."""
        column_N_K = self._batch.columns(prompts, completions, columns.get("log_metric"))
        found: list[float] = column_N_K[:, self._number].tolist()
        return found


class _LastBatch:
    """Scores the answers of a batch once, when the first of several columns asks."""

    def __init__(self, reward: OnlineReward, no_answer: float) -> None:
        self._reward, self._no_answer = reward, no_answer
        self._asked: tuple[list[str], list[str]] = ([], [])
        self._column_N_K: FloatArray = np.zeros((0, len(reward.names)))

    def columns(
        self,
        prompts: Sequence[str],
        answers: Sequence[str],
        log_metric: Callable[[str, float], None] | None,
    ) -> FloatArray:
        asked = list(prompts), list(answers)
        if asked != self._asked:
            reward_N_C = self._reward.score(*asked)
            empty = float(np.isnan(reward_N_C).all(axis=1).mean())
            if log_metric is not None:
                log_metric(NO_ANSWER, empty)
            self._column_N_K = reward_columns(self._reward, prompts, reward_N_C, self._no_answer)
            self._asked = asked
        return self._column_N_K
