"""Routers on the test prompts: how often they are right, and what a wrong route costs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pluralign.aligning.policy_rewards import PolicyPanel, PolicyRewards, Role, policy_rewards
from pluralign.aligning.result_rows import MeasuredPolicy, mean_row, share_row
from pluralign.aligning.route_stage import declared_rows, routed_methods
from pluralign.aligning.routers import embeddings_of, read_routers
from pluralign.aligning.scoring import ScoredCandidates
from pluralign.aligning.work import AlignWork
from pluralign.core import IntArray
from pluralign.encoders import CachedEncoder
from pluralign.methods.routing import reward_of_routes, wrong_route_costs
from pluralign.models import open_encoder
from pluralign.runs.policy_rows import START

_PREFIXES: tuple[tuple[Role, str], ...] = (("model", ""), ("judge", "judged_"))


def route_rows(work: AlignWork, scored: ScoredCandidates) -> list[dict[str, Any]]:
    """Rows of results of every router and of three that need no words, with intervals over prompts.

    The oracle knows each prompt's community and sends it to that community's policy. The regret of
    a router is the reward of the oracle's policy less that of the router's, in the eyes of the
    prompt's community. Below 0 the router found a better policy than the community's own.
    """
    saved = read_routers(work.folder.path)
    if saved is None:
        return []
    communities = next(iter(saved.of_method.values())).routers[0].communities
    at = declared_rows(work, scored, "test", communities)
    encoder = CachedEncoder(open_encoder(saved.encoder))
    rows: list[dict[str, Any]] = []
    for method in routed_methods(work):
        panel = PolicyPanel(method, communities, "evaluate")
        for role, prefix in _PREFIXES:
            if role == "judge" and scored.judged_P_N_C is None:
                continue
            rewards = policy_rewards(work, scored, at, panel, role)
            embedding_P_D = embeddings_of(encoder, [work.prompts[p] for p in rewards.prompt_P])
            routes = baseline_routes(rewards, communities.index(saved.most_frequent))
            for router in saved.of_method[method].routers:
                routes[router.kind] = router.columns(embedding_P_D)
            rows += router_rows(rewards, routes, communities, method, prefix)
            rows += cost_rows(rewards, communities, method, prefix)
    return rows


def baseline_routes(rewards: PolicyRewards, frequent: int) -> dict[str, IntArray]:
    """Routes that need no words: the declared community, the most frequent one, the start model."""
    start = rewards.reward_P_C1.shape[1] - 1
    return {
        "declared": rewards.own_P,
        "most-frequent": np.full_like(rewards.own_P, frequent),
        START: np.full_like(rewards.own_P, start),
    }


def router_rows(
    rewards: PolicyRewards,
    routes: Mapping[str, IntArray],
    communities: Sequence[str],
    method: str,
    prefix: str = "",
) -> Iterator[dict[str, Any]]:
    """Rows of each router: how often it is right, its regret, and its gain over the start model."""
    own_P, reward_P_C1 = rewards.own_P, rewards.reward_P_C1
    for router, column_P in routes.items():
        policy = MeasuredPolicy(method, router)
        routed_P = reward_of_routes(column_P, reward_P_C1)
        regret_P = reward_of_routes(own_P, reward_P_C1) - routed_P
        gain_P = routed_P - reward_P_C1[:, -1]
        for community in (None, *communities):
            kept_P = own_P == communities.index(community) if community else own_P >= 0
            if not prefix:
                right_P = (column_P == own_P)[kept_P].astype(np.float64)
                abstained_P = (column_P == len(communities))[kept_P].astype(np.float64)
                yield share_row(policy, "routing_accuracy", community, right_P)
                yield share_row(policy, "abstained", community, abstained_P)
            yield mean_row(policy, f"{prefix}regret", community, regret_P[kept_P])
            yield mean_row(policy, f"{prefix}routed_gain", community, gain_P[kept_P])


def cost_rows(
    rewards: PolicyRewards, communities: Sequence[str], method: str, prefix: str = ""
) -> Iterator[dict[str, Any]]:
    """Rows of the cost of each wrong route, for the prompts of each community."""
    steers = (*communities, START)
    for own, other, cost_M in wrong_route_costs(rewards.own_P, rewards.reward_P_C1):
        policy = MeasuredPolicy(method, steers[other])
        yield mean_row(policy, f"{prefix}cost_of_wrong_route", communities[own], cost_M)
