"""The last stage: the start model and every adapter on the task's test items, against baselines."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pluralign.aligning.result_rows import (
    START_MODEL,
    MeasuredPolicy,
    mean_row,
    share_change_row,
    share_row,
)
from pluralign.aligning.route_rows import baseline_routes, cost_rows, router_rows
from pluralign.aligning.routers import embeddings_of, read_routers
from pluralign.aligning.task_data.measuring import (
    INVALID,
    TASK,
    main_metric,
    scores_of,
    task_policies,
)
from pluralign.aligning.task_data.routing import adapter_rewards, prompts_of
from pluralign.aligning.task_data.task_work import TaskWork
from pluralign.core import BoolArray, FloatArray, with_interval
from pluralign.encoders import CachedEncoder
from pluralign.methods.task_data.answers import baseline_answers
from pluralign.models import open_encoder
from pluralign.runs.measured import RESULTS

BASELINE = "baseline_accuracy"
Scores = Mapping[str, FloatArray]
Rows = list[dict[str, Any]]


def evaluate_on_test(work: TaskWork) -> dict[str, Any]:
    """Measure all policies on the test items, and write ``results.jsonl``.

    Without test items nothing is measured, and the summary has the reason.
    """
    work.folder.remove(RESULTS)
    if not work.test:
        return {
            "not measured": "there are no test items: set task.test, or give more examples, of "
            "which task.held_out are test items"
        }
    examples = [item.example for item in work.test]
    scores: dict[MeasuredPolicy, Scores] = {}
    for policy in task_policies(work):
        work.reporter.stage(f"measuring {policy.label}")
        scores[policy.measured] = scores_of(work, policy, examples, "evaluate")
    rows = _result_rows(work, scores)
    rows += _routing_rows(work)
    rows = [row for row in rows if row["value"] is not None]
    work.folder.write_rows(RESULTS, rows)
    return _summary(work, scores, rows)


def _result_rows(work: TaskWork, scores: Mapping[MeasuredPolicy, Scores]) -> Rows:
    rows: Rows = []
    for community, kept_P in _parts(work):
        start = _part(scores[START_MODEL], kept_P)
        for policy, own in scores.items():
            rows += _policy_rows(policy, community, _part(own, kept_P), start)
        baselines = baseline_answers(work.examples, [item.example for item in work.test])
        for method, right_P in baselines.items():
            policy = MeasuredPolicy(method, None)
            rows.append(_row(policy, BASELINE, community, right_P[kept_P]))
        if community is not None:
            rows += _swap_rows(scores, community, kept_P)
    return rows


def _parts(work: TaskWork) -> Iterator[tuple[str | None, BoolArray]]:
    """All test items, and those of each community that items declare."""
    declared_P = [item.community for item in work.test]
    yield None, np.ones(len(declared_P), dtype=np.bool_)
    for community in dict.fromkeys(c for c in declared_P if c is not None):
        yield community, np.array([c == community for c in declared_P])


def _part(scores: Scores, kept_P: BoolArray) -> dict[str, FloatArray]:
    return {metric: right_P[kept_P] for metric, right_P in scores.items()}


def _policy_rows(
    policy: MeasuredPolicy, community: str | None, own: Scores, start: Scores
) -> Iterator[dict[str, Any]]:
    """Each metric of a policy, and its change from the start model, paired by item."""
    for metric, value_P in own.items():
        yield share_row(policy, metric, community, value_P)
        if policy != START_MODEL:
            yield share_change_row(policy, f"{metric}_change", start[metric], value_P, community)


def _swap_rows(
    scores: Mapping[MeasuredPolicy, Scores], community: str, kept_P: BoolArray
) -> Iterator[dict[str, Any]]:
    """The swap control: the community's own adapter less the mean of the others', on its items."""
    own = MeasuredPolicy(TASK, community)
    others = [policy for policy in scores if policy.steer not in (None, community)]
    if own not in scores or not others:
        return
    for metric, own_P in scores[own].items():
        if metric != INVALID:
            control_P = np.mean([scores[other][metric] for other in others], axis=0)
            yield mean_row(own, f"{metric}_over_swap", community, (own_P - control_P)[kept_P])


def _row(
    policy: MeasuredPolicy, metric: str, community: str | None, value_P: FloatArray
) -> dict[str, Any]:
    """A mean over items: Wilson's interval where every value is 0 or 1, else the t interval."""
    is_share = bool(np.isin(value_P, (0.0, 1.0)).all())
    return (share_row if is_share else mean_row)(policy, metric, community, value_P)


def _routing_rows(work: TaskWork) -> Rows:
    """Routers on the test items that declare a community with an adapter; none without routers."""
    saved = read_routers(work.folder.path)
    if saved is None:
        return []
    routers = saved.of_method[TASK].routers
    communities = routers[0].communities
    encoder = CachedEncoder(open_encoder(saved.encoder))
    all_P = [(item.community or "", item.example) for item in work.test]
    rewards = adapter_rewards(work, all_P, communities, "evaluate").of_their_own()
    embedding_P_D = embeddings_of(encoder, prompts_of([all_P[p][1] for p in rewards.prompt_P]))
    routes = baseline_routes(rewards, communities.index(saved.most_frequent))
    for router in routers:
        routes[router.kind] = router.columns(embedding_P_D)
    return [
        *router_rows(rewards, routes, communities, TASK),
        *cost_rows(rewards, communities, TASK),
    ]


def _summary(
    work: TaskWork, scores: Mapping[MeasuredPolicy, Scores], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    metric = main_metric(work)
    right_P = next(iter(scores.values()))[metric]
    declared = Counter(item.community or "no community" for item in work.test)
    about = {
        row["steer"] or row["method"]: with_interval(
            row["value"], row["low"], row["high"], scale=100
        )
        for row in rows
        if row["metric"] == metric and row["community"] is None
    }
    return {
        "test items": len(work.test),
        "declared": dict(declared),
        "too long for the model": int(np.isnan(right_P).sum()),
        f"{metric} (%)": about,
    }
