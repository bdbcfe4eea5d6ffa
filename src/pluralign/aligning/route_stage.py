"""The stage of routing: fit routers on prompts that declare a community, and choose by reward."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.aligning.policy_rewards import PolicyPanel, policy_rewards
from pluralign.aligning.router_choice import fitted_routers, need_router_library, write_routers
from pluralign.aligning.routers import ROUTERS, embeddings_of
from pluralign.aligning.scoring import ScoredCandidates, rows_of_side, scored_candidates
from pluralign.aligning.work import AlignWork, Side
from pluralign.core import Encoder, count_of
from pluralign.encoders import CachedEncoder
from pluralign.methods.routing import (
    FEWEST_HELD_OUT,
    ChosenRouter,
    LinearRouter,
    RouterKind,
    choose_router,
    numbered,
)
from pluralign.models import open_encoder
from pluralign.settings.align import PolicyMethod


@dataclass(frozen=True, slots=True)
class DeclaredPrompts:
    """The communities that prompts declare.

    Attributes:
        communities: Communities of the run that training prompts declare: a router can pick them.
        counts: Side -> number of its prompts that declare one of them.
        undeclared: Number of prompts that declare no community.
        others: Number of prompts that declare another community.
    """

    communities: tuple[str, ...]
    counts: Mapping[Side, int]
    undeclared: int
    others: int


def declared_prompts(work: AlignWork) -> DeclaredPrompts:
    """Count the communities that the prompts of a run declare."""
    declared = [prompt.community for prompt in work.prompts]
    learned = {declared[p] for p in work.of_side("train")}
    communities = tuple(c for c in work.communities if c in learned)
    sides: tuple[Side, ...] = ("train", "validation", "test")
    counts = {s: sum(declared[p] in communities for p in work.of_side(s)) for s in sides}
    undeclared = declared.count(None)
    return DeclaredPrompts(
        communities, counts, undeclared, len(declared) - undeclared - sum(counts.values())
    )


def need_router(work: AlignWork) -> None:
    """Check that the library for routers is there, if this run will fit one.

    Raises:
        MissingExtra: If scikit-learn is not installed.
    """
    if why_no_router(work, declared_prompts(work)) is None:
        need_router_library()


def routed_methods(work: AlignWork) -> tuple[PolicyMethod, ...]:
    """The methods that have a policy for each community."""
    specific = "specific" in work.settings.tune.kinds
    return tuple(m for m in work.settings.methods if m == "best-of-n" or specific)


def why_no_router(work: AlignWork, declared: DeclaredPrompts) -> str | None:
    """The reason why a run has no router; None if it has one."""
    if not work.settings.route.kinds:
        return "route.kinds is empty"
    if len(work.communities) < 2:
        (only,) = work.communities
        return (
            f"one community is followed, so there is nothing to route: name it, as in name@{only}"
        )
    if not routed_methods(work):
        return 'there are joint policies alone: with tune.kinds = ["specific"] there is a choice'
    if len(declared.communities) < 2:
        named = ", ".join(declared.communities) or "none"
        return (
            f"the training prompts declare fewer than two of the communities ({named}): give "
            "prompts a community"
        )
    if declared.counts["validation"] < FEWEST_HELD_OUT or declared.counts["test"] < 2:
        return (
            f"{count_of(declared.counts['validation'], 'validation prompt')} and "
            f"{count_of(declared.counts['test'], 'test prompt')} declare a community: at least "
            f"{FEWEST_HELD_OUT} and 2 are needed"
        )
    return None


def fit_routers(work: AlignWork) -> dict[str, Any]:
    """Fit the routers of every method and write them; without any, the summary has the reason."""
    declared = declared_prompts(work)
    summary: dict[str, Any] = {
        "prompts that declare a community": dict(declared.counts),
        "prompts that declare none": declared.undeclared,
        "prompts of other communities": declared.others,
        "communities without training prompts": ", ".join(
            c for c in work.communities if c not in declared.communities
        )
        or None,
    }
    reason = why_no_router(work, declared)
    work.folder.remove(ROUTERS)
    if reason is not None:
        return summary | {"no router": reason}
    encoder = CachedEncoder(
        open_encoder(work.settings.route.encoder), progress=work.reporter.progress
    )
    chosen = _chosen(work, declared, encoder)
    most = Counter(work.prompts[p].community for p in work.of_side("train"))
    frequent = max(declared.communities, key=lambda community: most[community])
    return summary | {
        "routers": write_routers(work.folder, work.settings.route, encoder, frequent, chosen)
    }


def _chosen(
    work: AlignWork, declared: DeclaredPrompts, encoder: Encoder
) -> dict[str, list[ChosenRouter]]:
    """For each method, the chosen router of each kind."""
    scored = scored_candidates(work)
    fitted = _fitted(work, declared, encoder)
    at = declared_rows(work, scored, "validation", declared.communities)
    chosen: dict[str, list[ChosenRouter]] = {}
    for method in routed_methods(work):
        work.reporter.stage(f"choosing the router of {method}")
        panel = PolicyPanel(method, declared.communities, "route")
        rewards = policy_rewards(work, scored, at, panel, "model")
        embedding_V_D = embeddings_of(encoder, [work.prompts[p] for p in rewards.prompt_P])
        chosen[method] = [
            choose_router(routers, embedding_V_D, rewards.reward_P_C1)
            for routers in fitted.values()
        ]
    return chosen


def declared_rows(
    work: AlignWork, scored: ScoredCandidates, side: Side, communities: Sequence[str]
) -> list[int]:
    """Rows of the scored prompts of a side that declare one of the communities."""
    rows = rows_of_side(work, scored, side)
    return [row for row in rows if work.prompts[scored.prompt_P[row]].community in communities]


def _fitted(
    work: AlignWork, declared: DeclaredPrompts, encoder: Encoder
) -> dict[RouterKind, list[LinearRouter]]:
    """The routers of each kind to choose from, by falling penalty."""
    own = [work.prompts[p] for p in work.of_side("train") if work.prompts[p].community is not None]
    communities = declared.communities
    label_N = numbered([prompt.community or "" for prompt in own], communities)
    embedding_N_D = embeddings_of(encoder, own)
    return fitted_routers(work.settings.route, embedding_N_D, label_N, communities)
