"""The tables of ``pluralign pluralise``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pluralign.cli.numbers import scaled
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import NOTHING, Number, PrintedColumn, PrintedTable
from pluralign.core import count_of
from pluralign.evaluation import enough_people
from pluralign.pluralising import PluraliseOutcome

Row = Mapping[str, Any]
Metric = tuple[str, str, int]
_START = "start"
_CAS = "cultural_alignment_score"
_SCORES: tuple[Metric, ...] = (
    (_CAS, "CAS", 1),
    ("answer_closeness", "closeness %", 100),
    ("exact_accuracy", "exact %", 100),
    ("similarity", "similarity %", 100),
    ("refusal_rate", "refused %", 100),
    ("unfinished_rate", "unfinished %", 100),
)
_VARIETY: tuple[Metric, ...] = (
    ("pairwise_diversity", "pairwise diversity", 1),
    ("structural_diversity", "structural diversity", 1),
    ("majority_choice_rate", "majority choice %", 100),
    ("spread_ratio", "spread against people's", 1),
    ("target_rank", "target rank", 1),
)


def show_pluralise(outcome: PluraliseOutcome, folder: Path, output: Output) -> None:
    """Print what each stage did, and what tuning changed."""
    if output.as_json:
        output.json({"folder": str(folder), "stages": outcome.stages, "results": outcome.results})
        return
    for name, summary in outcome.stages.items():
        if name != "evaluate":
            show_stage(name, summary, output)
    output.line()
    if not outcome.results:
        last = list(outcome.stages)[-1]
        output.line(
            f"Stopped after {last}. To go on, give the same command without --until: {folder}"
        )
        return
    for strategy in dict.fromkeys(r["strategy"] for r in outcome.results if r["strategy"]):
        for metrics, about in ((_SCORES, "on average over communities"), (_VARIETY, "variety")):
            output.table(_change_table(outcome, strategy, metrics, f"{strategy}: {about}"))
        output.table(_community_table(outcome, strategy))
    output.table(_ability_table(outcome.results))
    output.line()
    output.line(
        "Intervals resample questions (95 %); they do not cover the draws of the training. "
        "A score is the closeness to the answers of the people surveyed.",
        style="dim",
    )
    output.line(
        f"Written to {folder}: results.jsonl, comparisons.jsonl, record.json, "
        "a folder for each stage"
    )


def show_stage(name: str, summary: Row, output: Output) -> None:
    """Print what a stage did."""
    if output.as_json:
        output.json({"stage": name} | dict(summary))
        return
    seconds = f" ({summary['seconds']:,.1f} s)" if "seconds" in summary else ""
    output.line()
    output.line(f"{name}{seconds}", style="bold")
    for line in _LINES.get(name, _counts)(summary):
        output.line(f"  {line}")
    if name == "collect":
        output.table(_shifted_table(summary))
    for title in ("dropped", "flagged", "notes"):
        for reason, n in summary.get(title, {}).items():
            output.line(f"  {title}: {n:,} {reason}", style="dim")


def _questions(summary: Row) -> list[str]:
    lines = [
        f"{summary['questions']:,} questions written by {summary['written by']} "
        f"for {len(summary['by_topic'])} topics"
    ]
    if summary["texts without a question"]:
        lines.append(f"{count_of(summary['texts without a question'], 'text')} had none")
    return lines


def _counts(summary: Row) -> list[str]:
    return [f"{summary['kept']:,} of {summary['read']:,} kept"] if "read" in summary else []


def _answer(summary: Row) -> list[str]:
    failed = f", {summary['failed']:,} of them failed" if summary["failed"] else ""
    return [f"{count_of(summary['asked'], 'ask')}{failed}"]


def _collect(summary: Row) -> list[str]:
    lines = [f"{summary.get('kept', 0):,} answers shift when the culture is named"]
    drawn = summary["map"]
    if "nearest" in drawn:
        near = ", ".join(f"{a}: {b}" for a, b in drawn["nearest"].items())
        lines.append(f"most alike to the model: {near}")
    if "agreement_with_people" in drawn:
        e = scaled(drawn["agreement_with_people"], digits=2)
        rank = f"{e.value} {e.interval}".rstrip()
        lines.append(f"the map against the people's own: rank correlation {rank}")
    return lines


def _tune(summary: Row) -> list[str]:
    lines = []
    for name, facts in summary["trained"].items():
        line = f"{name}: {facts['rows']:,} answers, {facts['steps']:,} steps"
        line += f", {facts['seconds']:,.0f} s"
        if facts["rows_too_long"]:
            line += f"; {facts['rows_too_long']:,} too long"
        lines.append(line)
    return lines


_LINES = {"questions": _questions, "answer": _answer, "collect": _collect, "tune": _tune}


def _shifted_table(summary: Row) -> PrintedTable:
    """How often the answer of each community shifts when its culture is named, rarest first."""
    table = PrintedTable(
        columns=[
            PrintedColumn(head="community", cut="middle", least=9),
            PrintedColumn(head="shifted %", interval=True),
            PrintedColumn(head="questions", right=True),
            PrintedColumn(head="collected", right=True),
        ]
    )
    for community, rate in sorted(summary["shifted"].items(), key=lambda item: item[1]["value"]):
        collected = summary["collected"].get(community, 0)
        shifted = scaled(rate, scale=100)
        table.rows.append([community, shifted, f"{rate['n']:,}", f"{collected:,}"])
    return table


def _change_table(
    outcome: PluraliseOutcome, strategy: str, metrics: Sequence[Metric], title: str
) -> PrintedTable:
    """The start, each tuned model, the people, and the paired differences to the start."""
    averages = [r for r in outcome.results if r["community"] is None and r["strategy"] == strategy]
    present = {r["metric"] for r in averages}
    there = [m for m in metrics if m[0] in present]
    columns = [PrintedColumn(head="model", cut="middle", least=20)]
    columns += [
        PrintedColumn(head=head, rank=k, interval=True) for k, (_, head, _) in enumerate(there)
    ]
    table = PrintedTable(title=title, columns=columns)
    for name, rows, signed in _compared_series(outcome, averages, strategy):
        by_metric = {r["metric"]: r for r in reversed(rows)}
        cells = [_cell(by_metric.get(metric), scale, signed) for metric, _, scale in there]
        if any(cell != NOTHING for cell in cells):
            table.rows.append([name, *cells])
    return table


def _compared_series(
    outcome: PluraliseOutcome, averages: Sequence[Row], strategy: str
) -> list[tuple[str, Sequence[Row], bool]]:
    """Name, rows, and whether they are differences: models, people, then models less the start."""
    names = dict.fromkeys(r["model"] for r in averages)
    models = [m for m in names if not m.startswith("people")]
    series: list[tuple[str, Sequence[Row], bool]] = []
    for model in models:
        series.append((model, _of_model(averages, model), False))
    series.append(("people", _of_model(averages, f"people: {_START}"), False))
    differences = [
        r for r in outcome.comparisons if r["community"] is None and _against_the_start(r, strategy)
    ]
    for model in models:
        series.append((f"{model} against {_START}", _of_model(differences, model), True))
    return series


def _of_model(rows: Sequence[Row], model: str) -> list[Row]:
    return [r for r in rows if r["model"] == model]


def _against_the_start(row: Row, strategy: str) -> bool:
    return bool(
        row["strategy"] == strategy
        and row["baseline_strategy"] == strategy
        and row["baseline_model"] == _START
    )


def _community_table(outcome: PluraliseOutcome, strategy: str) -> PrintedTable:
    """CAS of each community before and after; worst first, and last those with few questions."""
    scores = [r for r in outcome.results if r["metric"] == _CAS and r["community"]]
    found = _by_cell([r for r in scores if r["strategy"] == strategy])
    models = list(dict.fromkeys(model for model, _ in found))
    differences = [r for r in outcome.comparisons if r["metric"] == _CAS]
    changed = _by_cell([r for r in differences if _against_the_start(r, strategy)])
    title = f"{strategy}: CAS by community, worst first"
    table = PrintedTable(title=title, columns=_model_columns(models))
    start = {community: r for (model, community), r in found.items() if model == _START}
    for community in sorted(start, key=lambda c: (not enough_people(start[c]), start[c]["value"])):
        cells = _model_cells(community, models, found, changed)
        table.rows.append([community, *cells])
    return table


def _model_columns(models: Sequence[str]) -> list[PrintedColumn]:
    """The community, then each model, and its difference from the start."""
    columns = [PrintedColumn(head="community", cut="middle", least=9)]
    for k, model in enumerate(models):
        columns.append(PrintedColumn(head=model, rank=2 * k, interval=True))
        if model != _START:
            against = f"{model} against {_START}"
            columns.append(PrintedColumn(head=against, rank=2 * k + 1, interval=True))
    return columns


def _model_cells(
    community: str,
    models: Sequence[str],
    found: Mapping[tuple[str, str], Row],
    changed: Mapping[tuple[str, str], Row],
) -> list[Number]:
    """The number of each model, and its difference from the start."""
    cells = []
    for model in models:
        cells.append(_cell(found.get((model, community)), 1))
        if model != _START:
            cells.append(_cell(changed.get((model, community)), 1, signed=True))
    return cells


def _by_cell(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """(Model, community) -> its row."""
    return {(r["model"], r["community"]): r for r in rows}


def _ability_table(results: Sequence[Row]) -> PrintedTable:
    table = PrintedTable(
        title="General ability (lm-eval)",
        columns=[
            PrintedColumn(head="task", cut="middle"),
            PrintedColumn(head="model", cut="middle"),
            PrintedColumn(head="value", interval=True),
            PrintedColumn(head="items", right=True),
        ],
    )
    for r in results:
        if r["method"] == "lm_eval":
            model = r["model"] + (f" ({r['community']})" if r["community"] else "")
            value = scaled(r, digits=3)
            table.rows.append([r["metric"], model, value, f"{r['n']:,}" if r["n"] else ""])
    return table


def _cell(row: Row | None, scale: float, signed: bool = False) -> Number:
    if row is None:
        return NOTHING
    digits = 2 if scale == 1 and abs(row["value"]) < 5 else 1
    return scaled(row, scale=scale, digits=digits, signed=signed)
