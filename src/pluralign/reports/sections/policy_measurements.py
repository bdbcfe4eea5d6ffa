"""Further numbers about policies, by subject, and the conditions that were set before the run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pluralign.languages.speech import Speech
from pluralign.reports.data import Section
from pluralign.reports.page_tables import Column, Table, interval_column
from pluralign.reports.policy_gains import aligned
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import Rows
from pluralign.runs import PolicyRow
from pluralign.runs.policy_plots import policy_name, steer_name
from pluralign.runs.policy_rows import GAINS

_TITLES = {
    "answers": "Refusals, repetition and variety of answers",
    "communities": "Differences between the policies of communities",
    "routing": "Routing: the policy that a prompt is sent to",
    "surveys": "Survey answers before and after",
    "ability": "General ability before and after",
    "mixed": "Blends and other modes",
    "other": "Further measurements",
}
_LABELS = {
    "refusals": "refusals (share of answers)",
    "refusals_change": "change in refusals",
    "invalid": "answers that cannot be scored (share)",
    "invalid_change": "change in answers that cannot be scored",
    "empty": "empty answers (share)",
    "repetition": "repetition (share of repeated phrases)",
    "repetition_change": "change in repetition",
    "distinct": "different answers (share)",
    "distinct_n": "different pairs of words (share)",
    "distinct_n_change": "change in different pairs of words",
    "within_variety": "variety of answers to one prompt",
    "within_variety_change": "change in the variety of answers to one prompt",
    "between_distance": "distance between communities' answers, beyond chance",
    "kl_k3": "KL by an estimate that is never negative, in nats",
    "routing_accuracy": "prompts routed to their community (share)",
    "abstained": "prompts that stay with the start model (share)",
    "regret": "reward lost against the right policy",
    "routed_gain": "gain of the routed answers",
    "cost_of_wrong_route": "cost of a wrong route",
}
_STATUS = {"passed": "passed", "failed": "failed", "cannot be judged": "cannot be judged"}
_ANSWERS = ("refusals", "invalid", "empty", "repetition", "distinct", "within_variety")
_COMMUNITIES = ("between_", "reward_gain_over", "judged_gain_over", "true_gain_over")
_ROUTING = (
    *("routing_", "abstained", "regret", "routed_", "cost_of_wrong"),
    *("judged_regret", "judged_routed", "judged_cost_of_wrong"),
)
_MODES = ("merged", "palette", "blend", "overton", "distributional", "mixture", "drafts")
_SHOWN_ABOVE = {*GAINS, "kl", "length_ratio"}


def policy_measurements(runs: Sequence[Run], say: Speech) -> Section | None:
    """All other numbers about policies, each with its interval; None where there are none."""
    rows = [_row(run, r, say) for run in aligned(runs) for r in run.policies if _is_further(r)]
    if not rows:
        return None
    tables = [_table(subject, rows, runs, say) for subject in _TITLES]
    return Section(
        id="policy-measurements",
        title=say("What else was measured on the policies"),
        paragraphs=[
            say(
                "Each number has its 95 % interval and the number of prompts, or of questions, "
                "behind it. A change is the policy's number less that of the start model."
            )
        ],
        tables=[table for table in tables if table.rows],
    )


def conditions(runs: Sequence[Run], say: Speech) -> Section | None:
    """The conditions that were set before a run, met or not; None where no run has any."""
    own = [run for run in aligned(runs) if run.pass_file is not None]
    if not own:
        return None
    rows = [row for run in own for row in _condition_rows(run, say)]
    columns = [
        *([Column("run", say("Run"))] if len(own) > 1 else []),
        Column("policy", say("Policy")),
        Column("condition", say("Condition")),
        Column("value", say("measured"), lambda r: r["shown"], numeric=True, named=True),
        Column("verdict", say("Verdict"), lambda r: r["verdict_shown"], named=True),
    ]
    caption = say("Every policy under every condition")
    table = Table("conditions", caption, columns, rows, folded=False, stacked=True)
    return Section(
        id="conditions",
        title=say("Conditions that were set before the run"),
        paragraphs=[_registered(run, say) for run in own],
        leading=[table] if rows else [],
        empty=None if rows else say("No policy was judged by them."),
    )


def _is_further(row: PolicyRow) -> bool:
    """Whether a number is not in the section of gains; the price of best of n is not there."""
    return row.metric not in _SHOWN_ABOVE


def subject_of(metric: str) -> str:
    """The subject of a number.

    >>> subject_of("refusals_change"), subject_of("survey_similarity"), subject_of("new")
    ('answers', 'surveys', 'other')
    """
    starts: Mapping[str, tuple[str, ...]] = {
        "communities": _COMMUNITIES,
        "routing": _ROUTING,
        "answers": _ANSWERS,
        "surveys": ("survey", "cultural_alignment", "similarity"),
        "ability": ("ability",),
        "mixed": _MODES,
    }
    return next((subject for subject, own in starts.items() if metric.startswith(own)), "other")


def _row(run: Run, row: PolicyRow, say: Speech) -> dict[str, Any]:
    followed = row.steer in {*run.record.get("communities", ()), None, "joint"}
    return {
        "run": run.name,
        "subject": subject_of(row.metric),
        "metric": row.metric,
        "label": _label(row, say),
        "policy": policy_name(row, say) or None,
        "steer": row.steer,
        "steer_name": steer_name(row.steer, say) if followed else row.steer,
        "community": row.community,
        "name": say.place(row.community),
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "n": row.n,
    }


def _label(row: PolicyRow, say: Speech) -> str:
    """Name of a number, with the task or the strategy that it is about."""
    label = say(_LABELS.get(row.metric) or row.metric.replace("_", " "))
    about = row.task or row.strategy
    return label if about is None else f"{label} · {about}"


def _table(subject: str, rows: Rows, runs: Sequence[Run], say: Speech) -> Table:
    columns = [
        *([Column("run", say("Run"))] if len(aligned(runs)) > 1 else []),
        Column("metric", say("Number"), lambda r: r["label"]),
        Column("policy", say("Policy")),
        Column("steer", say("policy follows"), lambda r: r["steer_name"]),
        Column("community", say("Community"), lambda r: r["name"]),
        Column("value", say("Value"), lambda r: say.number(r["value"], 3), numeric=True),
        interval_column(lambda value: say.number(value, 3), say),
        Column("n", say("measured on"), lambda r: say.number(r["n"], 0), numeric=True),
    ]
    own = [row for row in rows if row["subject"] == subject]
    return Table(f"measured-{subject}", say(_TITLES[subject]), columns, own)


def _registered(run: Run, say: Speech) -> str:
    about = run.pass_file or {}
    return say(
        "{name}: registered on {when}, before answers had rewards (SHA-256 {digest}).",
        name=str(about.get("name", run.name)),
        when=str(about.get("registered", "?"))[:10],
        digest=str(about.get("digest", "?"))[:16],
    )


def _condition_rows(run: Run, say: Speech) -> Iterator[dict[str, Any]]:
    for policy in (run.pass_file or {}).get("policies", ()):
        about = PolicyRow(
            metric="",
            method=policy.get("method"),
            candidates=policy.get("candidates"),
            value=0.0,
            n=0,
        )
        name = f"{policy_name(about, say)} · {steer_name(policy.get('steer'), say)}"
        for one in policy.get("conditions", ()):
            verdict = str(one.get("verdict"))
            yield {
                "run": run.name,
                "policy": name,
                "condition": str(one.get("name") or one.get("metric")),
                "value": one.get("value"),
                "shown": _shown(one, say),
                "verdict": verdict,
                "verdict_shown": say(_STATUS.get(verdict, verdict)),
            }


def _shown(one: Mapping[str, Any], say: Speech) -> str:
    """The number that decided, with its interval."""
    if one.get("value") is None:
        return ""
    value = say.number(one["value"], 3)
    if one.get("low") is None or one.get("high") is None:
        return value
    low, high = say.number(one["low"], 3), say.number(one["high"], 3)
    return say("{value} [{low} to {high}]", value=value, low=low, high=high)
