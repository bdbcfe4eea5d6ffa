"""What ``pluralign pluralise`` prints."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from pluralign.cli.screen import console
from pluralign.cli.showing import print_json
from pluralign.core import count_of
from pluralign.evaluation import enough_people
from pluralign.pluralising import PluraliseOutcome

_START = "start"
_SCORES = (
    ("cultural_alignment_score", "CAS", 1),
    ("answer_closeness", "closeness %", 100),
    ("exact_accuracy", "exact %", 100),
    ("similarity", "similarity %", 100),
    ("refusal_rate", "refused %", 100),
    ("unfinished_rate", "unfinished %", 100),
)
_VARIETY = (
    ("pairwise_diversity", "pairwise diversity", 1),
    ("structural_diversity", "structural diversity", 1),
    ("majority_choice_rate", "majority choice %", 100),
    ("spread_ratio", "spread against people's", 1),
    ("target_rank", "target rank", 1),
)


def show_pluralise(outcome: PluraliseOutcome, folder: Path, as_json: bool) -> None:
    """Print what each stage did, and what tuning changed."""
    if as_json:
        print_json({"folder": str(folder), "stages": outcome.stages, "results": outcome.results})
        return
    for name, summary in outcome.stages.items():
        if name != "evaluate":
            show_stage(name, summary, False)
    screen = console()
    if not outcome.results:
        screen.print(
            f"\nStopped after {list(outcome.stages)[-1]}; the same command without --until goes on: {folder}"
        )
        return
    strategies = list(dict.fromkeys(r["strategy"] for r in outcome.results if r["strategy"]))
    for strategy in strategies:
        for columns, title in ((_SCORES, "on average over communities"), (_VARIETY, "variety")):
            table = _change_table(outcome, strategy, columns, f"\n{strategy}: {title}")
            if table.row_count:
                screen.print(table)
        screen.print(_community_table(outcome, strategy))
    _show_ability(outcome.results)
    screen.print(
        "\nIntervals resample questions (95 %); they do not cover the draws of the training. "
        "A score says how near answers are to those of the people surveyed.",
        style="dim",
    )
    screen.print(
        f"Written to {folder}: results.jsonl, comparisons.jsonl, record.json, a folder for each stage"
    )


def show_stage(name: str, summary: Mapping[str, Any], as_json: bool) -> None:
    """Print what a stage did."""
    if as_json:
        print_json({"stage": name} | dict(summary))
        return
    screen = console()
    seconds = f" ({summary['seconds']:,.1f} s)" if "seconds" in summary else ""
    screen.print(f"\n[bold]{name}[/]{seconds}", highlight=False)
    for line in _LINES.get(name, _counts)(summary):
        screen.print(f"  {line}", markup=False)
    for title in ("dropped", "flagged", "notes"):
        for reason, n in summary.get(title, {}).items():
            screen.print(f"  {title}: {n:,} {reason}", markup=False, style="dim")


def _questions(summary: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{summary['questions']:,} questions written by {summary['written by']} for {len(summary['by_topic'])} topics"
    ]
    if summary["texts without a question"]:
        lines.append(f"{count_of(summary['texts without a question'], 'text')} had none")
    return lines


def _counts(summary: Mapping[str, Any]) -> list[str]:
    return [f"{summary['kept']:,} of {summary['read']:,} kept"] if "read" in summary else []


def _answer(summary: Mapping[str, Any]) -> list[str]:
    failed = f", {summary['failed']:,} of them failed" if summary["failed"] else ""
    return [f"{count_of(summary['asked'], 'ask')}{failed}"]


def _collect(summary: Mapping[str, Any]) -> list[str]:
    lines = [f"{summary.get('kept', 0):,} answers shift when the culture is named"]
    for community, rate in sorted(summary["shifted"].items(), key=lambda item: item[1]["value"]):
        lines.append(
            f"{community}: {100 * rate['value']:.1f} % [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}] of "
            f"{rate['n']:,} questions, {summary['collected'].get(community, 0):,} collected"
        )
    drawn = summary["map"]
    if "nearest" in drawn:
        near = ", ".join(f"{a}: {b}" for a, b in drawn["nearest"].items())
        lines.append(f"most alike to the model: {near}")
    if "agreement_with_people" in drawn:
        e = drawn["agreement_with_people"]
        interval = f" [{e['low']:.2f}, {e['high']:.2f}]" if e["low"] is not None else ""
        lines.append(
            f"the map against the people's own: rank correlation {e['value']:.2f}{interval}"
        )
    return lines


def _tune(summary: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {facts['rows']:,} answers, {facts['steps']:,} steps, {facts['seconds']:,.0f} s"
        + (f"; {facts['rows_too_long']:,} too long" if facts["rows_too_long"] else "")
        for name, facts in summary["trained"].items()
    ]


_LINES = {"questions": _questions, "answer": _answer, "collect": _collect, "tune": _tune}


def _change_table(
    outcome: PluraliseOutcome, strategy: str, columns: Sequence[tuple[str, str, int]], title: str
) -> Table:
    """The start, the people, each tuned model, and the paired difference to the start."""
    averages = [r for r in outcome.results if r["community"] is None and r["strategy"] == strategy]
    there = [c for c in columns if any(r["metric"] == c[0] for r in averages)]
    table = Table("", *(name for _, name, _ in there), box=None, title=title, title_justify="left")
    models = [m for m in dict.fromkeys(r["model"] for r in averages) if not m.startswith("people")]
    rows = {m: [r for r in averages if r["model"] == m] for m in models}
    rows["people"] = [r for r in averages if r["model"] == f"people: {_START}"]
    differences = [
        r
        for r in outcome.comparisons
        if r["community"] is None and r["strategy"] == strategy and r["baseline_strategy"] == strategy
        and r["baseline_model"] == _START
    ]  # fmt: skip
    for model in models:
        if own := [r for r in differences if r["model"] == model]:
            rows[f"{model} against {_START}"] = own
    for name, found in rows.items():
        cells = [
            _cell(next((r for r in found if r["metric"] == m), None), scale, "against" in name)
            for m, _, scale in there
        ]
        if any(cells):
            table.add_row(escape(name), *cells)
    return table


def _community_table(outcome: PluraliseOutcome, strategy: str) -> Table:
    """CAS of each community before and after; worst first, and last those with few questions."""
    metric = "cultural_alignment_score"
    own = [
        r
        for r in outcome.results
        if r["metric"] == metric and r["community"] and r["strategy"] == strategy
    ]
    models = list(dict.fromkeys(r["model"] for r in own))
    changed = {
        (r["model"], r["community"]): r
        for r in outcome.comparisons
        if r["metric"] == metric and r["baseline_model"] == _START and r["baseline_strategy"] == strategy
        and r["strategy"] == strategy
    }  # fmt: skip
    headers = [h for m in models for h in ([m] if m == _START else [m, f"{m} against {_START}"])]
    table = Table(
        "community",
        *headers,
        box=None,
        title=f"\n{strategy}: CAS by community",
        title_justify="left",
    )
    found = {(r["model"], r["community"]): r for r in own}
    start = {r["community"]: r for r in own if r["model"] == _START}
    for community in sorted(start, key=lambda c: (not enough_people(start[c]), start[c]["value"])):
        cells = []
        for model in models:
            cells.append(_cell(found.get((model, community)), 1))
            if model != _START:
                cells.append(_cell(changed.get((model, community)), 1, True))
        table.add_row(community, *cells)
    return table


def _show_ability(results: Sequence[Mapping[str, Any]]) -> None:
    own = [r for r in results if r["method"] == "lm_eval"]
    if not own:
        return
    table = Table(
        "task",
        "model",
        "value",
        "items",
        box=None,
        title="\ngeneral ability (lm-eval)",
        title_justify="left",
    )
    for r in own:
        who = r["model"] + (f" ({r['community']})" if r["community"] else "")
        table.add_row(
            escape(r["metric"]), who, _cell(r, 1, digits=3), f"{r['n']:,}" if r["n"] else ""
        )
    console().print(table)


def _cell(
    row: Mapping[str, Any] | None, scale: float, signed: bool = False, digits: int | None = None
) -> str:
    if row is None:
        return ""
    value, low, high = (
        None if row[k] is None else row[k] * scale for k in ("value", "low", "high")
    )
    assert value is not None
    digits = digits or (2 if scale == 1 and abs(value) < 5 else 1)
    sign = "+" if signed else ""
    text = f"{value:{sign}.{digits}f}"
    return text if low is None else f"{text} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"
