"""Recorded answers of policies and of their start model to the same prompts, with their rewards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pluralign.audits.sentences import Place, Value
from pluralign.core import Estimate, FloatArray, IntArray, InvalidInput
from pluralign.metrics import best_of_n, t_interval
from pluralign.metrics.jackknife import Statistic, jackknife

FEWEST = 5
"""Prompts below which no interval can be trusted."""
REMEMBERED = 50_000
"""Texts whose measures are kept in memory."""
JOINT = "all communities"


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers of one model to P prompts, n to each.

    Attributes:
        texts: The answers, P lists of n.
        reward_P_n_C: Rewards for C communities by the reward model that is followed, in spreads of
            the start model's rewards; nan without an answer.
        judged_P_n_C: The same by a judge of other people; None where there is none.

    Raises:
        InvalidInput: If the shapes do not fit.
    """

    texts: Sequence[Sequence[str]]
    reward_P_n_C: FloatArray
    judged_P_n_C: FloatArray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.texts), len(self.texts[0]) if self.texts else 0)
        judged = self.reward_P_n_C if self.judged_P_n_C is None else self.judged_P_n_C
        alike = {len(own) for own in self.texts} <= {shape[1]}
        if not alike or not shape == self.reward_P_n_C.shape[:2] == judged.shape[:2]:
            raise InvalidInput("every prompt must have the same number of answers, with rewards")

    @property
    def n(self) -> int:
        """Number of answers to each prompt."""
        return len(self.texts[0])


@dataclass(frozen=True, eq=False)
class Policy:
    """A way of following a reward.

    Attributes:
        method: Its name, such as ``dpo``.
        steer: Id of the community whose reward is followed; None for all communities.
        answers: Its answers to the prompts.
    """

    method: str
    steer: str | None
    answers: Answers

    @property
    def followed(self) -> Value:
        """The community, or all, as a sentence names it."""
        return JOINT if self.steer is None else Place(self.steer)


@dataclass(frozen=True, slots=True)
class Ability:
    """A policy's share of right answers in a test of general ability, before and after.

    Attributes:
        method: Method of the policy.
        steer: Its community; None for all.
        task: Name of the test.
        before: Share of right answers of the start model, in [0, 1].
        after: The same of the policy.
        error: Standard error of the difference.
        n: Number of items.
    """

    method: str
    steer: str | None
    task: str
    before: float
    after: float
    error: float
    n: int


@dataclass(frozen=True, eq=False)
class PolicyEvidence:
    """Evidence on policies.

    Attributes:
        communities: Ids, in the order of the rewards.
        prompts: Ids of the P prompts.
        start: Answers of the start model.
        tuned: The policies that were trained.
        peoples: Community -> words for its people.
        languages: Languages of the prompts, where they are known.
        chosen: Whether best of n is measured as a policy too.
        abilities: Tests of general ability.
        kept: Results that several checks use.
    """

    communities: tuple[str, ...]
    prompts: Sequence[str]
    start: Answers
    tuned: Sequence[Policy] = ()
    peoples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    languages: Sequence[str] = ()
    chosen: bool = True
    abilities: Sequence[Ability] = ()
    kept: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def policies(self) -> Sequence[Policy]:
        """Best of all answers by each community's reward, if it is measured, and the tuned ones."""
        return (*(self._best() if self.chosen else ()), *self.tuned)

    @cached_property
    def whole_P(self) -> IntArray:
        """Numbers of the prompts of which every answer of the start model has rewards."""
        both = [self.start.reward_P_n_C]
        if self.start.judged_P_n_C is not None:
            both.append(self.start.judged_P_n_C)
        missing_P = np.any([np.isnan(one).any(axis=(1, 2)) for one in both], axis=0)
        return np.flatnonzero(~missing_P)

    def _best(self) -> list[Policy]:
        """The answer with the highest reward, as a policy with one answer to each prompt."""
        at_P = np.arange(len(self.prompts))
        found = []
        for steer in self.communities:
            reward_P_n = own_reward(self.start.reward_P_n_C, self.communities, steer)
            best_P = np.nan_to_num(reward_P_n, nan=-np.inf).argmax(axis=1)
            judged = self.start.judged_P_n_C
            answers = Answers(
                [[self.start.texts[p][k]] for p, k in enumerate(best_P.tolist())],
                self.start.reward_P_n_C[at_P, best_P][:, None],
                None if judged is None else judged[at_P, best_P][:, None],
            )
            found.append(Policy(f"best of {self.start.n}", steer, answers))
        return found


def own_reward(reward_X_C: FloatArray, communities: Sequence[str], steer: str | None) -> FloatArray:
    """The reward that a policy follows: its community's, or the mean over all, shape (X,)."""
    if steer is None:
        mean_X: FloatArray = reward_X_C.mean(axis=-1)
        return mean_X
    own_X: FloatArray = reward_X_C[..., communities.index(steer)]
    return own_X


@dataclass(frozen=True, eq=False)
class Gains:
    """The gain of one policy over the start model for whom it follows, prompt by prompt.

    Attributes:
        at_P: Numbers of the prompts.
        reward_P: By the reward model that it follows, in spreads.
        judged_P: By the judge.
    """

    at_P: IntArray
    reward_P: FloatArray
    judged_P: FloatArray


def gains_of(given: PolicyEvidence, policy: Policy) -> Gains | None:
    """The gain of a policy for the community it follows; None without a judge."""
    if policy not in given.kept:
        given.kept[policy] = _gains(given, policy)
    found: Gains | None = given.kept[policy]
    return found


def _gains(given: PolicyEvidence, policy: Policy) -> Gains | None:
    start, now = given.start, policy.answers
    if start.judged_P_n_C is None or now.judged_P_n_C is None:
        return None
    reward_P = _gain(given, start.reward_P_n_C, now.reward_P_n_C, policy.steer)
    judged_P = _gain(given, start.judged_P_n_C, now.judged_P_n_C, policy.steer)
    at_P = np.flatnonzero(np.isfinite(reward_P) & np.isfinite(judged_P))
    return Gains(at_P, reward_P[at_P], judged_P[at_P])


def gain_for(given: PolicyEvidence, policy: Policy, community: str, judged: bool) -> FloatArray:
    """The gain of a policy for a community, shape (P,); nan where an answer is missing."""
    before, now = given.start.reward_P_n_C, policy.answers.reward_P_n_C
    if judged:
        assert given.start.judged_P_n_C is not None and policy.answers.judged_P_n_C is not None
        before, now = given.start.judged_P_n_C, policy.answers.judged_P_n_C
    return _gain(given, before, now, community)


def best_of(
    given: PolicyEvidence, steer: str | None, measured: str | None, n: int, judged: bool
) -> FloatArray:
    """Expected gain of the best of n start answers by one reward, measured by another, shape (P,).

    Args:
        given: The evidence.
        steer: Community whose reward chooses; None for the mean over all.
        measured: Community whose reward measures; None for the mean over all.
        n: Number of answers to choose from.
        judged: Whether the judge measures, and not the reward model.
    """
    key = (steer, measured, n, judged)
    if key not in given.kept:
        given.kept[key] = _best_of(given, steer, measured, n, judged)
    gain_P: FloatArray = given.kept[key]
    return gain_P


def _best_of(
    given: PolicyEvidence, steer: str | None, measured: str | None, n: int, judged: bool
) -> FloatArray:
    at = given.whole_P
    score_P_n = own_reward(given.start.reward_P_n_C[at], given.communities, steer)
    by = given.start.judged_P_n_C if judged else given.start.reward_P_n_C
    assert by is not None
    value_P_n = own_reward(by[at], given.communities, measured)
    gain_P: FloatArray = best_of_n(score_P_n, value_P_n, n) - value_P_n.mean(axis=1)
    return gain_P


def estimated(value_P_K: FloatArray, statistic: Statistic) -> tuple[Estimate, float]:
    """A number over prompts with its interval by Student's t, and its standard error.

    Where it cannot be computed without one of the prompts, the error is infinite and there is no
    interval.
    """
    value, error = jackknife(value_P_K, statistic)
    n = len(value_P_K)
    low, high = t_interval(value, error**2 if np.isfinite(error) else float("nan"), n - 1)
    return Estimate(value, low, high, n), error


def mean_of(value_P: FloatArray) -> tuple[Estimate, float]:
    """The mean over prompts."""
    n = len(value_P)
    return estimated(np.stack([value_P, np.ones(n)], axis=1), lambda s: s[..., 0] / s[..., 1])


def _gain(
    given: PolicyEvidence, before_P_n_C: FloatArray, now_P_n_C: FloatArray, steer: str | None
) -> FloatArray:
    known = [
        np.ma.masked_invalid(own_reward(one, given.communities, steer)).mean(axis=1).filled(np.nan)
        for one in (now_P_n_C, before_P_n_C)
    ]
    gain_P: FloatArray = known[0] - known[1]
    return gain_P
