"""What the commands print: tables for people, JSON for machines."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Column, Table

from pluralign.cli.screen import console
from pluralign.cli.showing_communities import not_ranked, role_lines
from pluralign.core import Tally, count_of, whole_file
from pluralign.encoders import CacheInfo
from pluralign.evaluation import enough_people
from pluralign.experiments import Demonstration, Outcome
from pluralign.settings import SOURCES, names, source_named
from pluralign.sources import SourceReport

_BOX = box.SIMPLE_HEAD


def print_json(value: object) -> None:
    """Print JSON on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def write_lines(rows: Iterable[Mapping[str, Any]], out: Path | None) -> None:
    """Write JSON lines to a file, which appears whole or not at all, or to standard output."""
    if out is None:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    with whole_file(out) as partial, partial.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def show_tally(tally: Tally, verb: str) -> None:
    """Print what happened to the rows, on standard error."""
    dropped = "".join(f"; {n:,} dropped: {reason}" for reason, n in tally.dropped.most_common())
    flagged = "".join(f"; {n:,} x {reason}" for reason, n in tally.flagged.most_common())
    console(stderr=True).print(
        f"{count_of(tally.read, 'row')} read, {tally.kept:,} {verb}{dropped}{flagged}", markup=False
    )


def show_explained(lines: Sequence[tuple[str, str, str]], as_json: bool) -> None:
    """Print every setting, its value and where it came from."""
    if as_json:
        print_json([{"key": k, "value": v, "from": o} for k, v, o in lines])
        return
    table = Table("setting", "value", "from", box=None)
    for line in lines:
        table.add_row(*map(escape, line))
    console().print(table)


def show_outcome(outcome: Outcome, folder: Path, as_json: bool) -> None:
    """Print how well the communities are served by each method."""
    if as_json:
        print_json({"folder": str(folder), "record": outcome.record, "summary": outcome.summary})
        return
    screen = console()
    record = outcome.record
    steered, people = record["communities"]["steered"], record["people"]
    served = f"{len(steered)} of {len(people)} communities steered to"
    pairs = count_of(record["data"]["pairs"], "pair")
    screen.print(f"\n[bold]{escape(record['name'])}[/]: {served}, {pairs}", end="")
    raters = [people[c]["raters"] for c in steered if people[c]["raters"] is not None]
    behind = f"{count_of(sum(raters), 'rater')} in the communities steered to"
    screen.print(f", {behind if raters else 'answers of whole samples'}")
    screen.print(_method_table(outcome))
    for line in role_lines(record):
        screen.print(line, markup=False)
    if len(steered) > 1 and outcome.summary:
        _show_communities(outcome)
    for row in outcome.people:
        if row["community"] in steered:
            screen.print(
                f"people of {row['community']} agree with the majority of the others on {percent(row)} % of the "
                f"{row['n']:,} pairs that several judged",
                markup=False,
            )
    for source in record["data"]["sources"]:
        for line in source_lines(source):
            screen.print(line, markup=False, style="dim")
    for note in record["notes"]:
        screen.print(f"note: {note}", markup=False)
    screen.print(
        f"\nWritten to {folder}: results.jsonl, summary.jsonl, comparisons.jsonl, record.json, models/",
        markup=False,
    )


def source_lines(source: Mapping[str, Any]) -> list[str]:
    """What happened to the rows of a source: rows in one line, parts of kept rows in another.

    >>> rows = {"name": "prism", "read": 291, "kept": 281, "made": 486, "dropped": {"no score": 10}, "left_out": {}}
    >>> source_lines(rows)
    ['prism: 291 rows read = 281 kept + 10 dropped (10 no score); 486 pairs made of those kept']
    """
    dropped = source["dropped"]
    reasons = "; ".join(f"{n:,} {reason}" for reason, n in dropped.items())
    line = f"{source['name']}: {_kept_and_dropped(source['read'], source['kept'], sum(dropped.values()))}"
    line += f" ({reasons})" * bool(reasons)
    lines = [
        f"{line}; {count_of(source['made'], 'pair')} made of those kept"
        if "made" in source
        else line
    ]
    if left_out := "; ".join(f"{n:,} {reason}" for reason, n in source.get("left_out", {}).items()):
        lines.append(f"{source['name']}: not used, from rows kept: {left_out}")
    return lines


def _kept_and_dropped(read: int, kept: int, dropped: int) -> str:
    return f"{count_of(read, 'row')} read = {kept:,} kept + {dropped:,} dropped"


def _method_table(outcome: Outcome) -> Table:
    table = Table(
        Column("method", no_wrap=True), "average", "contested", "worst community",
        "difference to reference", "difference to full",
        title="Accuracy on held-out pairs, each community under the steer to itself, % [95 % interval]",
        title_justify="left", title_style="", box=_BOX,
    )  # fmt: skip
    by = {(r["method"], r["subset"], r["aggregate"]): r for r in outcome.summary}
    gain = {
        (r["method"], r["baseline"]): r
        for r in outcome.comparisons
        if r["steer"] == "own" and r["community"] is None and r["subset"] == "all"
    }
    for method in dict.fromkeys(r["method"] for r in outcome.summary):
        worst = by.get((method, "all", "worst"))
        table.add_row(
            method,
            percent(by.get((method, "all", "average"))),
            percent(by.get((method, "contested", "average"))),
            f"{worst['worst_community']} {percent(worst)}" if worst else "-",
            percent(gain.get((method, "reference")), signed=True),
            percent(gain.get((method, "full")), signed=True),
        )
    return table


def _show_communities(outcome: Outcome, most: int = 12) -> None:
    """Print the communities from the worst served down; those with too few people are named, not ranked."""
    methods = list(dict.fromkeys(r["method"] for r in outcome.summary))
    shown = [
        m for m in ("reference", "full", "scpo", "pooled", "adaptive") if m in methods
    ] or methods[:5]
    steered = outcome.record["communities"]["steered"]
    cell = {
        (r["community"], r["method"]): r
        for r in outcome.results
        if r["subset"] == "all" and r["steer"] in {None, r["community"]}
    }
    measured = [c for c in steered if (c, shown[-1]) in cell]
    few = [cell[c, shown[-1]] for c in measured if not enough_people(cell[c, shown[-1]])]
    measured = [c for c in measured if enough_people(cell[c, shown[-1]])]
    measured.sort(key=lambda c: float(cell[c, shown[-1]]["value"]))
    title = f"Worst served first (by {shown[-1]})"
    if len(measured) > most:
        title += f"; {len(measured) - most} more in results.jsonl"
    table = Table(
        "community",
        "pairs",
        "raters",
        *shown,
        title=title,
        title_justify="left",
        title_style="",
        box=_BOX,
    )
    for community in measured[:most]:
        first = cell[community, shown[-1]]
        raters = "-" if first["n_raters"] is None else f"{first['n_raters']:,}"
        table.add_row(
            community,
            f"{first['n']:,}",
            raters,
            *(percent(cell.get((community, m))) for m in shown),
        )
    screen = console()
    if measured:
        screen.print(table)
    if line := not_ranked(few):
        screen.print(line, markup=False)


def percent(row: Mapping[str, Any] | None, signed: bool = False) -> str:
    """A fraction with its interval, in per cent.

    >>> percent({"value": 0.615, "low": 0.58, "high": 0.65})
    '61.5 [58.0, 65.0]'
    """
    if row is None:
        return "-"
    form = "{:+.1f}" if signed else "{:.1f}"
    value = form.format(100 * row["value"])
    if row["low"] is None:
        return value
    return f"{value} [{form.format(100 * row['low'])}, {form.format(100 * row['high'])}]"


def show_demonstration(found: Demonstration, out: Path | None, as_json: bool) -> None:
    """Print recovered against planted taste."""
    if as_json:
        print_json({
            "simulated": True, "best_possible": found.best, "planted": found.planted, "recovered": found.recovered,
            "correlation": found.correlation, "summary": found.outcome.summary,
        })  # fmt: skip
        return
    screen = console()
    screen.print(
        "\n[bold]A planted society.[/] Everybody here is simulated: five fictional communities whose tastes we wrote.\n"
        "The reference learns from the ~world panel, in which ~river is the majority; then it is steered to each."
    )
    screen.print(_method_table(found.outcome))
    _show_communities(found.outcome)
    best = ", ".join(f"{c} {100 * v:.1f}" for c, v in found.best.items())
    screen.print(
        f"The best that can be expected of any model (raters are not always of one mind): {best} %",
        markup=False,
    )
    for note in found.outcome.record["notes"]:
        screen.print(f"note: {note}", markup=False)
    screen.print()
    methods = list(found.correlation)
    table = Table(
        "community", *methods,
        title="Recovered against planted taste: correlation over ten traits (1 is perfect)",
        title_justify="left", title_style="", box=_BOX,
    )  # fmt: skip
    for community in found.planted:
        table.add_row(community, *(f"{found.correlation[m][community]:+.2f}" for m in methods))
    screen.print(table)
    minority = "~hill"
    table = Table(
        "trait", "planted", *methods, title=f"The minority's taste, {minority}: sign and size (logits between a reply"
        " that shows the trait and one that shows its opposite)", title_justify="left", title_style="", box=_BOX,
    )  # fmt: skip
    for trait in found.recovered[methods[0]][minority]:
        weights = [found.recovered[m][minority][trait] for m in methods]
        table.add_row(
            trait,
            f"{found.planted[minority].get(trait, 0.0):+.1f}",
            *(f"{w:+.2f}" for w in weights),
        )
    screen.print(table)
    screen.print(f"Kept in {out}" if out else "Add --out DIR to keep the run.", markup=False)


def show_sources(as_json: bool) -> None:
    """Print the sources that settings can name."""
    found = []
    for name in names(SOURCES):
        cls = source_named(name)
        needs = [
            f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING
        ]
        offers = [f.name for f in fields(cls) if f.name not in needs]
        found.append({"name": name, "about": cls.about, "needs": needs, "takes": offers})
    if as_json:
        print_json(found)
        return
    table = Table("source", "what", "needs", "takes", box=None)
    for row in found:
        table.add_row(
            row["name"],
            row["about"],
            ", ".join(row["needs"]) or "-",
            ", ".join(row["takes"]) or "-",
        )
    console().print(table)
    console().print("\nLook into one: pluralign data show NAME --set path=FILE", markup=False)


def show_report(report: SourceReport, as_json: bool, most: int = 25) -> None:
    """Print what a source holds."""
    if as_json:
        print_json(_columns(report) | {"tally": _columns(report.tally)})
        return
    screen, tally = console(), report.tally
    rows = _kept_and_dropped(tally.read, tally.kept, tally.dropped.total())
    screen.print(
        f"{report.name}: {rows}; {count_of(tally.made, 'pair')} made of those kept", markup=False
    )
    screen.print(f"licence: {report.license}", markup=False)
    counted = {"dropped": tally.dropped, "left out of kept rows": tally.left_out}
    for title, counts in (counted | {"flagged": tally.flagged, "noted": tally.notes}).items():
        for reason, n in counts.most_common():
            screen.print(f"  {title}: {n:,} {reason}", markup=False)
    for sentence in tally.advice:
        screen.print(f"  {sentence}", markup=False, soft_wrap=True)
    table = Table(
        "community", "pairs", "people", *(["questions"] if report.questions else []), box=None
    )
    for community in sorted(report.pairs, key=lambda c: -report.pairs[c])[:most]:
        people = report.people.get(community)
        row = [
            community,
            f"{report.pairs[community]:,}",
            "not published" if people is None else f"{people:,}",
        ]
        table.add_row(*row, *([f"{report.questions[community]:,}"] if report.questions else []))
    screen.print(table)
    if len(report.pairs) > most:
        screen.print(
            f"... and {len(report.pairs) - most} more communities (--json lists all)", markup=False
        )
    languages = ", ".join(f"{name} {n:,}" for name, n in report.languages.items())
    screen.print(f"languages: {languages}", markup=False)


def _columns(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as they are; `asdict` would count the entries of a `Counter` anew."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def show_cache_info(info: CacheInfo, cleared: bool, as_json: bool) -> None:
    """Print how much room the cache takes, or took."""
    if as_json:
        print_json(asdict(info) | {"cleared": cleared})
        return
    verb = "cleared" if cleared else "holds"
    console().print(
        f"{info.folder} {verb} {info.bytes / 2**20:.1f} MiB: {count_of(info.entries, 'embedding')} of "
        f"{count_of(info.encoders, 'encoder')}, {count_of(info.static_models, 'distilled encoder')}",
        markup=False,
    )
