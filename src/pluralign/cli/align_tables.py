"""The tables of ``pluralign align``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pluralign.aligning import AlignOutcome, DryRun
from pluralign.aligning.task_data import TaskOutcome
from pluralign.cli.evaluation_tables import (
    conditions_table,
    evaluation_tables,
    people_table,
    steering_table,
)
from pluralign.cli.numbers import scaled
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable
from pluralign.cli.routing_tables import routing_tables
from pluralign.cli.task_tables import task_tables
from pluralign.core import count_of

Row = Mapping[str, Any]
_BEST = "best-of-n"
_METRICS = {
    "reward_gain": "by the reward model that chose",
    "judged_gain": "by the judge, of other people",
}


def show_align(outcome: AlignOutcome, folder: Path, output: Output) -> None:
    """Print what each stage did, and what choosing gains for whom."""
    if output.as_json:
        shown = {"stages": outcome.stages, "results": outcome.results, "pass": outcome.judged}
        output.json({"folder": str(folder)} | shown)
        return
    for name, summary in outcome.stages.items():
        if name != "evaluate":
            show_align_stage(name, summary, output)
    output.line()
    if not outcome.results:
        last = list(outcome.stages)[-1]
        output.line(
            f"Stopped after {last}. To go on, give the same command without --until: {folder}"
        )
        return
    for table in _tables(outcome.results):
        output.table(table)
    if outcome.judged is not None:
        output.table(conditions_table(outcome.judged))
    output.line()
    output.line(
        "A gain is the reward of an answer less that of the start model's answers, in spreads of "
        "these. KL is the divergence from the start model, in nats. Intervals (95 %) are over "
        "prompts; of surveys over questions, of general ability over items.",
        style="dim",
    )
    if judge := outcome.record.get("judge"):
        about = judge["intervals_over_people"]
        output.line(f"Intervals of the judge's gains over its people, too: {about}.", style="dim")
    output.line(f"Written to {folder}: results.jsonl, record.json, a folder for each stage")


def _tables(results: Sequence[Row]) -> Iterator[PrintedTable]:
    """The tables of a run that have rows."""
    for metric, about in _METRICS.items():
        rows = [row for row in results if row["metric"] == metric]
        chosen = [row for row in rows if row["candidates"] is not None]
        if chosen:
            yield _matrix(chosen, about)
            yield _growth(chosen, about)
        tuned = [row for row in rows if row["candidates"] is None]
        if tuned:
            yield _policies(tuned, results, about)
        steered = steering_table(results, metric, about)
        if steered.rows:
            yield steered
    judged = people_table(results)
    if judged.rows:
        yield judged
    yield from evaluation_tables(results)
    yield from routing_tables(results)


def show_task(outcome: TaskOutcome, folder: Path, output: Output) -> None:
    """Print what each stage of a run on a task did, and how often test items are answered right."""
    if output.as_json:
        shown = {"stages": outcome.stages, "results": outcome.results}
        output.json({"folder": str(folder)} | shown)
        return
    for name, summary in outcome.stages.items():
        show_align_stage(name, summary, output)
    output.line()
    if outcome.results:
        for table in task_tables(outcome.results):
            output.table(table)
        output.line()
        output.line(
            "An invalid reply is a wrong answer. A change is paired by item. Intervals are over "
            "items (95 %).",
            style="dim",
        )
    if outcome.record:
        files = "results.jsonl, record.json" if outcome.results else "record.json"
        output.line(f"Written to {folder}: {files}, a folder for each stage, adapters in tune")
        return
    last = list(outcome.stages)[-1]
    output.line(f"Stopped after {last}. To go on, give the same command without --until: {folder}")


def show_dry_run(planned: DryRun, folder: Path, output: Output) -> None:
    """Print what a run will do."""
    if output.as_json:
        output.json({"folder": str(folder)} | asdict(planned))
        return
    output.line("Checked", style="bold")
    for label, found in planned.checked.items():
        output.line(f"  {label}: {found}")
    if planned.policies:
        output.table(_planned(planned.policies))
    output.line()
    output.line(f"{folder} will have: {', '.join(planned.files)}")
    for line in planned.resumed or ["nothing: the run begins"]:
        output.line(f"Kept from earlier: {line}")
    output.line()
    output.line("Nothing was loaded, sampled or written.", style="dim")


def _planned(policies: Sequence[Row]) -> PrintedTable:
    table = PrintedTable(
        title="Trainings, at most: selection may leave fewer rows",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            PrintedColumn(head="rows"),
            PrintedColumn(head="steps"),
            PrintedColumn(head="peak learning rate"),
            PrintedColumn(head="trained parameters"),
        ],
    )
    for row in policies:
        trained = row["trained_parameters"]
        cells = [f"{row['rows']:,}", f"{row['steps']:,}", f"{row['learning_rate']:g}"]
        table.rows.append([row["policy"], *cells, "unknown" if trained is None else f"{trained:,}"])
    return table


def show_align_stage(name: str, summary: Row, output: Output) -> None:
    """Print what a stage did."""
    if output.as_json:
        output.json({"stage": name} | dict(summary))
        return
    seconds = f" ({summary['seconds']:,.1f} s)" if "seconds" in summary else ""
    output.line()
    output.line(f"{name}{seconds}", style="bold")
    for label, value in summary.items():
        if label == "seconds" or _is_nothing(value):
            continue
        if not _has_parts(value):
            output.line(f"  {label}: {_value(value)}")
            continue
        output.line(f"  {label}:")
        for part, own in value.items():
            output.line(f"    {part}: {_value(own)}")


def _is_nothing(value: Any) -> bool:
    """Whether a value is missing, or has counts of 0 alone.

    >>> _is_nothing({"train": 0, "test": 0}), _is_nothing({"train": 3, "test": 0})
    (True, False)
    """
    if isinstance(value, Mapping):
        return all(one in (None, 0) for one in value.values())
    return value in (None, 0)


def _has_parts(value: Any) -> bool:
    """Whether a value has several numbers for each of several policies or communities."""
    return isinstance(value, Mapping) and any(isinstance(v, Mapping) for v in value.values())


def _value(value: Any) -> str:
    """A value in words; counts of 0 are left out.

    >>> _value({"rows": 1200, "rows_too_long": 0, "steps": 7})
    'rows 1,200, steps 7'
    """
    if isinstance(value, Mapping):
        counted = {key: own for key, own in value.items() if own != 0}
        return ", ".join(f"{key.replace('_', ' ')} {_value(own)}" for key, own in counted.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _matrix(rows: Sequence[Row], about: str) -> PrintedTable:
    """For the largest n: the gain of each choice for each community."""
    most = max(row["candidates"] for row in rows)
    communities = list(dict.fromkeys(row["community"] for row in rows))
    table = PrintedTable(
        title=f"Best of {most}: gain over chance {about}",
        columns=[
            PrintedColumn(head="chosen by", cut="middle"),
            *(PrintedColumn(head=f"for {c}", interval=True) for c in communities),
        ],
    )
    found = {(_chooser(r), r["community"]): r for r in rows if r["candidates"] == most}
    for chooser in dict.fromkeys(_chooser(row) for row in rows):
        cells = [scaled(found.get((chooser, c)), digits=2, signed=True) for c in communities]
        table.rows.append([chooser, *cells])
    return table


def _policies(rows: Sequence[Row], results: Sequence[Row], about: str) -> PrintedTable:
    """For each tuned policy: its gain for each community, and how far it moved."""
    communities = list(dict.fromkeys(row["community"] for row in rows))
    table = PrintedTable(
        title=f"Tuned policies: gain over the start model {about}",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            *(PrintedColumn(head=f"for {c}", interval=True) for c in communities),
            PrintedColumn(head="KL", rank=1, interval=True),
            PrintedColumn(head="length ratio", rank=2, interval=True),
        ],
    )
    found = {(row["method"], row["steer"], row["community"]): row for row in rows}
    about_all = {(r["method"], r["steer"], r["metric"]): r for r in results if not r["community"]}
    for method, steer in dict.fromkeys((row["method"], row["steer"]) for row in rows):
        cells = [scaled(found.get((method, steer, c)), digits=2, signed=True) for c in communities]
        moved = [
            scaled(about_all.get((method, steer, metric)), digits=2)
            for metric in ("kl", "length_ratio")
        ]
        table.rows.append([f"{method} for {steer}", *cells, *moved])
    return table


def _growth(rows: Sequence[Row], about: str) -> PrintedTable:
    """For each community its own choice, over n."""
    sizes = sorted({row["candidates"] for row in rows})
    prompts = count_of(max(row["n"] for row in rows), "prompt")
    table = PrintedTable(
        title=f"Best of n for the community that chooses: gain over chance {about} ({prompts})",
        columns=[
            PrintedColumn(head="community", cut="middle"),
            *(PrintedColumn(head=f"n = {n}", interval=True) for n in sizes),
        ],
    )
    own = [row for row in rows if row["steer"] == row["community"]]
    for community in dict.fromkeys(row["community"] for row in own):
        by_size = {row["candidates"]: row for row in own if row["community"] == community}
        cells = [scaled(by_size.get(n), digits=2, signed=True) for n in sizes]
        table.rows.append([community, *cells])
    return table


def _chooser(row: Row) -> str:
    return f"reward of {row['steer']}" if row["method"] == _BEST else f"the {row['method']} answer"
