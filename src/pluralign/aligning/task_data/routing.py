"""The stage of routing: fit routers on the questions of written examples, choose by accuracy."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from pluralign.aligning.policy_rewards import PolicyRewards
from pluralign.aligning.router_choice import fitted_routers, need_router_library, write_routers
from pluralign.aligning.routers import ROUTERS, embeddings_of
from pluralign.aligning.task_data.measuring import TASK, main_metric, scores_of, task_policies
from pluralign.aligning.task_data.task_work import TaskWork, example_in
from pluralign.core import FloatArray, PolicyPrompt, text_digest
from pluralign.encoders import CachedEncoder
from pluralign.methods.routing import FEWEST_HELD_OUT, choose_router, numbered
from pluralign.methods.task_data import TaskExample, lesson_of
from pluralign.models import open_encoder

_FEWEST_TEST = 2


def why_no_router(work: TaskWork) -> str | None:
    """The reason in settings and test items why a run has no router; None if it may have one."""
    communities = [one.community for one in work.communities()]
    declared = [item.community for item in work.test if item.community in communities]
    if not work.settings.route.kinds:
        return "route.kinds is empty"
    if len(communities) < 2:
        return f"{communities[0]} alone has an adapter, so there is nothing to route"
    if len(set(declared)) < 2 or len(declared) < _FEWEST_TEST:
        named = ", ".join(sorted({c for c in declared if c})) or "none"
        return (
            f"the test items declare fewer than two of the communities ({named}): give them a "
            "column community"
        )
    return None


def need_task_router(work: TaskWork) -> None:
    """Check that the library for routers is there, if this run may fit one.

    Raises:
        MissingExtra: If scikit-learn is not installed.
    """
    if why_no_router(work) is None:
        need_router_library()


def examples_to_choose_by(work: TaskWork) -> dict[str, frozenset[int]]:
    """For each community, the kept examples that no adapter learns and that choose the router.

    Returns:
        Community -> numbers of rows of ``keep``; empty where there is no router.
    """
    if why_no_router(work) is not None:
        return {}
    found = {
        one.community: chosen_rows(
            [example_in(row) for row in work.rows("keep", one.community)],
            work.settings.route.share,
        )
        for one in work.communities()
    }
    return found if sum(map(len, found.values())) >= FEWEST_HELD_OUT else {}


def chosen_rows(examples: Sequence[TaskExample], share: float) -> frozenset[int]:
    """Numbers of a share of examples, rounded up; one always stays. A digest of the words decides.

    >>> examples = [TaskExample(f"Question {k}?", "Yes.") for k in range(10)]
    >>> sorted(chosen_rows(examples, 0.25)), sorted(chosen_rows(examples[:1], 0.25))
    ([0, 2, 5], [])
    """
    order = sorted(range(len(examples)), key=lambda k: text_digest(examples[k].question))
    return frozenset(order[: min(int(np.ceil(share * len(order))), len(order) - 1)])


def fit_task_routers(work: TaskWork) -> dict[str, Any]:
    """Fit the routers and write them; without any, the summary has the reason."""
    work.folder.remove(ROUTERS)
    reason = why_no_router(work)
    if reason is not None:
        return {"no router": reason}
    aside = examples_to_choose_by(work)
    if not aside:
        return {
            "no router": f"fewer than {FEWEST_HELD_OUT} examples would be put aside to choose it: "
            "raise write.n or route.share"
        }
    communities = tuple(aside)
    learned: list[tuple[str, TaskExample]] = []
    held: list[tuple[str, TaskExample]] = []
    for community in communities:
        for k, row in enumerate(work.rows("keep", community)):
            side = held if k in aside[community] else learned
            side.append((community, example_in(row)))
    encoder = CachedEncoder(
        open_encoder(work.settings.route.encoder), progress=work.reporter.progress
    )
    label_N = numbered([community for community, _ in learned], communities)
    embedding_N_D = embeddings_of(encoder, prompts_of([one for _, one in learned]))
    fitted = fitted_routers(work.settings.route, embedding_N_D, label_N, communities)
    work.reporter.stage("choosing the router")
    rewards = adapter_rewards(work, held, communities, "route")
    kept = [held[p][1] for p in rewards.prompt_P]
    embedding_V_D = embeddings_of(encoder, prompts_of(kept))
    chosen = [
        choose_router(routers, embedding_V_D, rewards.reward_P_C1) for routers in fitted.values()
    ]
    counts = Counter(community for community, _ in learned)
    frequent = max(communities, key=lambda community: counts[community])
    return {
        "examples": {"fitted on": len(learned), "chosen on": len(kept)},
        "reward": f"{main_metric(work)} on examples that no adapter learned",
        "routers": write_routers(
            work.folder, work.settings.route, encoder, frequent, {TASK: chosen}
        ),
    }


def adapter_rewards(
    work: TaskWork,
    items: Sequence[tuple[str, TaskExample]],
    communities: Sequence[str],
    stage: str,
) -> PolicyRewards:
    """Whether the adapter of each community, and the start model, answer items rightly.

    Args:
        work: The run.
        items: The items, each with its community.
        communities: The communities that can be picked.
        stage: The stage in whose folder answers are kept.
    """
    examples = [example for _, example in items]
    metric = main_metric(work)
    columns: dict[str | None, FloatArray] = {
        policy.measured.steer: scores_of(work, policy, examples, stage)[metric]
        for policy in task_policies(work)
    }
    reward_P_C1 = np.stack([columns[c] for c in (*communities, None)], axis=1)
    own_P = numbered([community for community, _ in items], communities)
    known_P = np.isfinite(reward_P_C1).all(axis=1)
    return PolicyRewards(np.flatnonzero(known_P), own_P[known_P], reward_P_C1[known_P])


def prompts_of(items: Sequence[TaskExample]) -> list[PolicyPrompt]:
    """Items as the prompts that a router reads: the question with its options."""
    return [
        PolicyPrompt(str(number), lesson_of(item).conversation) for number, item in enumerate(items)
    ]
