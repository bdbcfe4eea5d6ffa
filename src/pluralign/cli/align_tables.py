"""The tables of ``pluralign align``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pluralign.aligning import AlignOutcome
from pluralign.cli.numbers import scaled
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable
from pluralign.cli.routing_tables import routing_tables
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
    for metric, about in _METRICS.items():
        rows = [row for row in outcome.results if row["metric"] == metric]
        chosen = [row for row in rows if row["candidates"] is not None]
        if chosen:
            output.table(_matrix(chosen, about))
            output.table(_growth(chosen, about))
        tuned = [row for row in rows if row["candidates"] is None]
        if tuned:
            output.table(_policies(tuned, outcome.results, about))
        steered = _steering(outcome.results, metric, about)
        if steered.rows:
            output.table(steered)
    for table in (_answers(outcome.results), _distances(outcome.results)):
        if table.rows:
            output.table(table)
    for table in routing_tables(outcome.results):
        output.table(table)
    if outcome.judged is not None:
        output.table(_conditions(outcome.judged))
    output.line()
    output.line(
        "A gain is the reward of an answer less that of the start model's answers, in spreads of "
        "these. KL is the divergence from the start model, in nats. Intervals are over prompts "
        "(95 %).",
        style="dim",
    )
    output.line(f"Written to {folder}: results.jsonl, record.json, a folder for each stage")


def show_align_stage(name: str, summary: Row, output: Output) -> None:
    """Print what a stage did."""
    if output.as_json:
        output.json({"stage": name} | dict(summary))
        return
    seconds = f" ({summary['seconds']:,.1f} s)" if "seconds" in summary else ""
    output.line()
    output.line(f"{name}{seconds}", style="bold")
    for label, value in summary.items():
        if label != "seconds" and value not in (None, 0):
            output.line(f"  {label}: {_value(value)}")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(own)}" for key, own in value.items())
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


def _steering(results: Sequence[Row], metric: str, about: str) -> PrintedTable:
    """The gain of steering, against other reward models and against other policies."""
    heads = {
        f"{metric}_over_others": "over the gain for others",
        f"{metric}_over_swap": "over the others' policies (swap control)",
    }
    table = PrintedTable(
        title=f"Steering: gain for the community that is followed {about}",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            *(PrintedColumn(head=head, interval=True) for head in heads.values()),
            PrintedColumn(head="prompts", rank=1),
        ],
    )
    most = max((row["candidates"] or 0 for row in results), default=0)
    found = {
        (_policy(row), row["metric"]): row
        for row in results
        if row["metric"] in heads and row["candidates"] in (None, most)
    }
    for policy in dict.fromkeys(policy for policy, _ in found):
        cells = [scaled(found.get((policy, m)), digits=2, signed=True) for m in heads]
        n = max(row["n"] for (own, _), row in found.items() if own == policy)
        table.rows.append([policy, *cells, f"{n:,}"])
    return table


_ANSWERS = {
    "refusals": "refuse",
    "invalid": "invalid",
    "repetition": "repeat themselves",
    "distinct_n": "distinct-2",
    "within_variety": "variety",
    "within_variety_words": "variety of words",
}
_DISTANCES = {
    "between_distance": "beyond chance",
    "between_distance_words": "beyond chance, in words",
}


def _answers(results: Sequence[Row]) -> PrintedTable:
    """Properties of the answers of the start model and of each tuned policy."""
    heads = {m: h for m, h in _ANSWERS.items() if any(r["metric"] == m for r in results)}
    rows = [r for r in results if r["metric"] in heads and r["candidates"] is None]
    table = PrintedTable(
        title="Answers to the test prompts",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            *(PrintedColumn(head=h, rank=k, interval=True) for k, h in enumerate(heads.values())),
        ],
    )
    found = {(_policy(row), row["metric"]): row for row in rows}
    for policy in dict.fromkeys(policy for policy, _ in found):
        table.rows.append([policy, *(scaled(found.get((policy, m)), digits=2) for m in heads)])
    return table


def _distances(results: Sequence[Row]) -> PrintedTable:
    """How far apart the answers of two communities' policies to the same prompt are."""
    heads = {m: h for m, h in _DISTANCES.items() if any(r["metric"] == m for r in results)}
    table = PrintedTable(
        title="Distance of two communities' answers beyond that of two answers of one (0: flat)",
        columns=[
            PrintedColumn(head="policies", cut="middle"),
            *(PrintedColumn(head=h, interval=True) for h in heads.values()),
            PrintedColumn(head="prompts", rank=1),
        ],
    )
    found: dict[tuple[str, str], Row] = {}
    for row in results:
        if row["metric"] in heads:
            pair = f"{row['steer']} and {row['community']}" if row["steer"] else "mean over pairs"
            found[f"{row['method']}, {pair}", row["metric"]] = row
    for pair in dict.fromkeys(pair for pair, _ in found):
        cells = [scaled(found.get((pair, m)), digits=3, signed=True) for m in heads]
        n = max(row["n"] for (own, _), row in found.items() if own == pair)
        table.rows.append([pair, *cells, f"{n:,}"])
    return table


def _conditions(judged: Row) -> PrintedTable:
    """The verdict on every condition that was registered before."""
    table = PrintedTable(
        title=f"Conditions {judged['name']}, registered {judged['registered']}, "
        f"SHA-256 {judged['digest'][:12]}...",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            PrintedColumn(head="condition"),
            PrintedColumn(head="value", rank=1, interval=True),
            PrintedColumn(head="verdict"),
        ],
    )
    for policy in judged["policies"]:
        name = _policy(policy)
        for one in policy["conditions"]:
            verdict = one["verdict"] + (f": {one['reason']}" if one["reason"] else "")
            value = scaled(None if one["value"] is None else one, digits=3, signed=True)
            table.rows.append([name, one["name"], value, verdict])
        table.rows.append([name, "all conditions", "", policy["verdict"]])
    return table


def _policy(row: Row) -> str:
    """The policy of a row, as tables name it."""
    if row["steer"] is None:
        return f"the {row['method']} model" if row["method"] == "start" else str(row["method"])
    return f"{row['method']} for {row['steer']}"


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
