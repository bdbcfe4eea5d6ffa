"""The reward of every community's policy for prompts that declare a community."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pluralign.aligning.evaluated_policies import tuned_policy
from pluralign.aligning.policy_rows import answers_of_policy, mean_reward
from pluralign.aligning.scoring import ScoredCandidates, rewards_of
from pluralign.aligning.selecting import PolicyName
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray, IntArray
from pluralign.methods.policies import TunedMethod
from pluralign.settings.align import PolicyMethod

Role = Literal["model", "judge"]


@dataclass(frozen=True, slots=True)
class PolicyRewards:
    """Rewards of policies for prompts, each in the eyes of the prompt's own community.

    Attributes:
        prompt_P: Numbers of the prompts; a prompt is left out if an answer to it has no reward.
        own_P: Number of the community that each prompt declares.
        reward_P_C1: Reward of the policy of each of C communities, and last that of the start
            model, in spreads of the start model's rewards, shape (P, C + 1).
    """

    prompt_P: IntArray
    own_P: IntArray
    reward_P_C1: FloatArray

    def of_their_own(self) -> "PolicyRewards":
        """The rewards for the prompts whose community has a policy."""
        kept_P = self.own_P < self.reward_P_C1.shape[1] - 1
        return PolicyRewards(self.prompt_P[kept_P], self.own_P[kept_P], self.reward_P_C1[kept_P])


@dataclass(frozen=True, slots=True)
class PolicyPanel:
    """Policies of one method whose answers are measured on the same prompts.

    Attributes:
        method: The method.
        communities: The communities of the policies.
        stage: The stage in whose folder answers of tuned policies are kept.
    """

    method: PolicyMethod
    communities: Sequence[str]
    stage: str


def policy_rewards(
    work: AlignWork, scored: ScoredCandidates, at: Sequence[int], panel: PolicyPanel, role: Role
) -> PolicyRewards:
    """The rewards of policies for scored prompts that declare one of their communities.

    The policy of best of n is the choice among the answers that were sampled; that of a tuned
    method answers anew.

    Args:
        work: The run.
        scored: The answers of the start model.
        at: Rows of the scored prompts.
        panel: The policies.
        role: The reward model that measures.
    """
    before_P_N_C = scored.reward_P_N_C if role == "model" else scored.judged_P_N_C
    scales = scored.scales if role == "model" else scored.judge_scales
    assert before_P_N_C is not None
    before_P_N_C = before_P_N_C[list(at)]
    column_C = [work.communities.index(c) for c in panel.communities]
    if panel.method == "best-of-n":
        now_P_C_C = _chosen(scored.reward_P_N_C[list(at)][:, :, column_C], before_P_N_C)
    else:
        now_P_C_C = _written(work, scored, at, panel, panel.method, role)
    all_P_C1_C = np.concatenate([now_P_C_C, mean_reward(before_P_N_C)[:, None]], axis=1)
    prompts = [work.prompts[scored.prompt_P[row]] for row in at]
    own_P = np.array([panel.communities.index(p.community or "") for p in prompts], dtype=np.int64)
    spread_C = np.array([scales[c].spread for c in panel.communities])
    seen_P = np.array(column_C)[own_P]
    reward_P_C1 = np.take_along_axis(all_P_C1_C, seen_P[:, None, None], axis=2)[:, :, 0]
    known_P = np.isfinite(reward_P_C1).all(axis=1)
    prompt_P = np.array([scored.prompt_P[row] for row in at], dtype=np.int64)
    shaped_P_C1 = reward_P_C1 / spread_C[own_P][:, None]
    return PolicyRewards(prompt_P[known_P], own_P[known_P], shaped_P_C1[known_P])


def _chosen(by_P_N_C: FloatArray, value_P_N_C: FloatArray) -> FloatArray:
    """The value of the answer that each community's reward chooses, shape (P, choosers, C)."""
    known_P = ~np.isnan(by_P_N_C.sum(axis=(1, 2)))
    best_P_C = np.where(np.isnan(by_P_N_C), -np.inf, by_P_N_C).argmax(axis=1)
    found_P_C_C = np.take_along_axis(value_P_N_C, best_P_C[:, :, None], axis=1)
    chosen_P_C_C: FloatArray = np.where(known_P[:, None, None], found_P_C_C, np.nan)
    return chosen_P_C_C


def _written(
    work: AlignWork,
    scored: ScoredCandidates,
    at: Sequence[int],
    panel: PolicyPanel,
    method: TunedMethod,
    role: Role,
) -> FloatArray:
    """The mean value of the answers of each community's adapter, shape (P, adapters, C)."""
    prompts = [work.prompts[scored.prompt_P[row]] for row in at]
    means = []
    for community in panel.communities:
        policy = tuned_policy(work, PolicyName(method, community))
        given = answers_of_policy(work, policy, prompts, panel.stage)
        pairs = zip(prompts, given.texts, strict=True)
        answers = [(prompt.prompt, text) for prompt, own in pairs for text in own]
        reward_N_C = rewards_of(work, role, answers)
        means.append(mean_reward(reward_N_C.reshape(len(at), -1, len(work.communities))))
    return np.stack(means, axis=1)
