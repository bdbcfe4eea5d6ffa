"""The tables of ``pluralign data``, and the counts of the rows of a source."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from pluralign.cli.output import Output
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable
from pluralign.cli.screen import console
from pluralign.core import Tally, count_of
from pluralign.encoders import CacheInfo
from pluralign.settings import SOURCES, names, source_named
from pluralign.sources import Account, Converted, PrivatePairs, SourceReport

_MOST = 25


def show_sources(output: Output) -> None:
    """Print the sources that settings can name."""
    found = []
    for name in names(SOURCES):
        cls = source_named(name)
        needs = [
            f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING
        ]
        offers = [f.name for f in fields(cls) if f.name not in needs]
        found.append({"name": name, "about": cls.about, "needs": needs, "takes": offers})
    if output.as_json:
        output.json(found)
        return
    table = PrintedTable(
        columns=[
            PrintedColumn(head="source"),
            PrintedColumn(head="needs"),
            PrintedColumn(head="reads", cut="end", least=30),
            PrintedColumn(head="also takes", cut="end", rank=1, least=30),
        ]
    )
    for row in found:
        settings = [", ".join(row[key]) or "-" for key in ("needs", "takes")]
        table.rows.append([row["name"], settings[0], row["about"], settings[1]])
    output.table(table)
    output.line("\nLook into one: pluralign data show NAME --set path=FILE")
    output.line("Write a settings file for a data file: pluralign init FILE")


def show_report(report: SourceReport, output: Output) -> None:
    """Print the rows, communities and people of a source."""
    if output.as_json:
        output.json(_columns(report) | {"tally": _columns(report.tally)})
        return
    tally = report.tally
    rows = _kept_and_dropped(tally.read, tally.kept, tally.dropped.total())
    output.line(f"{report.name}: {rows}; {count_of(tally.made, 'pair')} made of those kept")
    output.line(f"licence: {report.license}")
    counted = {
        "dropped": tally.dropped,
        "left out of kept rows": tally.left_out,
        "flagged": tally.flagged,
        "noted": tally.notes,
    }
    for title, counts in counted.items():
        for reason, n in counts.most_common():
            output.line(f"  {title}: {n:,} {reason}")
    for sentence in tally.advice:
        output.line(f"  {sentence}")
    output.table(_community_table(report, None if output.whole else _MOST))
    if len(report.pairs) > _MOST and not output.whole:
        output.line(f"... and {len(report.pairs) - _MOST} more communities; --wide lists all")
    languages = ", ".join(f"{name} {n:,}" for name, n in report.languages.items())
    output.line(f"languages: {languages}")


def _community_table(report: SourceReport, most: int | None) -> PrintedTable:
    questions = report.questions
    columns = [
        PrintedColumn(head="community", cut="middle", least=20),
        PrintedColumn(head="pairs", right=True),
        PrintedColumn(head="people", right=True),
    ]
    if questions:
        columns.append(PrintedColumn(head="questions", right=True))
    table = PrintedTable(columns=columns)
    for community in sorted(report.pairs, key=lambda c: -report.pairs[c])[:most]:
        people = report.people.get(community)
        cells = [
            community,
            f"{report.pairs[community]:,}",
            "not published" if people is None else f"{people:,}",
        ]
        if questions:
            cells.append(f"{questions[community]:,}")
        table.rows.append(cells)
    return table


def show_cache_info(info: CacheInfo, cleared: bool, output: Output) -> None:
    """Print the size of the cache, or what was deleted."""
    if output.as_json:
        output.json(asdict(info) | {"cleared": cleared})
        return
    verb = "cleared of" if cleared else "has"
    output.text(
        f"{info.folder} {verb} {info.bytes / 2**20:.1f} MiB: "
        f"{count_of(info.entries, 'embedding')} of {count_of(info.encoders, 'encoder')}, "
        f"{count_of(info.static_models, 'static or ONNX encoder')}"
    )


def show_converted(converted: Converted, output: Output) -> None:
    """Print how many pairs were written, and the rows that were dropped."""
    size = converted.path.stat().st_size
    if output.as_json:
        output.json(_columns(converted) | {"bytes": size, "tally": _columns(converted.tally)})
        return
    show_tally(converted.tally, "kept")
    output.text(
        f"{converted.path} has {count_of(converted.pairs, 'pair')} ({size / 1e6:,.1f} MB) in the "
        f"columns {', '.join(converted.columns)}"
    )


def show_written_reports(
    written: int, source: PrivatePairs, tally: Tally, path: Path, output: Output
) -> None:
    """Print how many reports were written, and how private they are."""
    if output.as_json:
        how = {"epsilon": source.epsilon, "flip": source.flip, "per": source.per}
        output.json({"path": str(path), "pairs": written, **how})
        return
    show_tally(tally, "kept")
    for reason, n in tally.left_out.items():
        output.line(f"not used: {n:,} {reason}")
    output.text(
        f"{path} has {count_of(written, 'pair')} with epsilon {source.epsilon:g}: a report is the "
        f"opposite of the choice with probability {source.flip:.1%}"
    )


def show_accounts(accounts: Sequence[Account], output: Output) -> None:
    """Print what people have spent: one account in words, several as a summary."""
    if output.as_json:
        output.json([asdict(account) for account in accounts])
        return
    people = [account for account in accounts if account.person is not None]
    withdrawn = sum(account.withdrawn for account in people)
    reports = sum(account.draws for account in accounts)
    output.text(
        f"{count_of(reports, 'report')} of {count_of(len(people), 'person', 'people')}, of whom "
        f"{withdrawn:,} withdrew"
    )
    if withdrawn and not reports:
        output.text("the ledger has no report of these people: check their ids")
    elif people:
        most = max(people, key=lambda account: account.epsilon)
        largest = max(account.largest for account in people)
        output.text(
            f"epsilon of one choice: at most {largest:g}; of all choices of a person: at most "
            f"{most.epsilon:g} ({count_of(most.draws, 'report')})"
        )


def show_tally(tally: Tally, verb: str) -> None:
    """Print what happened to the rows, on standard error."""
    dropped = "".join(f"; {n:,} dropped: {reason}" for reason, n in tally.dropped.most_common())
    flagged = "".join(f"; {n:,} x {reason}" for reason, n in tally.flagged.most_common())
    line = f"{count_of(tally.read, 'row')} read, {tally.kept:,} {verb}{dropped}{flagged}"
    console(stderr=True).print(line, markup=False, soft_wrap=True)


def source_lines(source: Mapping[str, Any]) -> list[str]:
    """Counts of the rows of a source in one line, of unused parts of kept rows in another.

    >>> rows = {"name": "prism", "read": 291, "kept": 281, "made": 486, "left_out": {}}
    >>> source_lines(rows | {"dropped": {"no score": 10}})
    ['prism: 291 rows read = 281 kept + 10 dropped (10 no score); 486 pairs made of those kept']
    """
    dropped = source["dropped"]
    rows = _kept_and_dropped(source["read"], source["kept"], sum(dropped.values()))
    line = f"{source['name']}: {rows}"
    if dropped:
        line += f" ({_reasons(dropped)})"
    if "made" in source:
        line += f"; {count_of(source['made'], 'pair')} made of those kept"
    left_out = source.get("left_out", {})
    if not left_out:
        return [line]
    return [line, f"{source['name']}: not used, from rows kept: {_reasons(left_out)}"]


def _reasons(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{n:,} {reason}" for reason, n in counts.items())


def _kept_and_dropped(read: int, kept: int, dropped: int) -> str:
    return f"{count_of(read, 'row')} read = {kept:,} kept + {dropped:,} dropped"


def _columns(value: Any) -> dict[str, Any]:
    """The fields of a dataclass; `asdict` would count the entries of a `Counter` again."""
    return {field.name: getattr(value, field.name) for field in fields(value)}
