"""The tables of ``pluralign run`` and ``pluralign demo``."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pluralign.cli.community_lines import left_out_table, not_ranked, role_lines
from pluralign.cli.numbers import percent_number
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import Number, PrintedColumn, PrintedTable
from pluralign.cli.source_tables import source_lines
from pluralign.core import count_of
from pluralign.evaluation import enough_people
from pluralign.evaluation.reward_rows import STRENGTH
from pluralign.experiments import Demonstration, Outcome
from pluralign.settings.registry import ranked_methods

_MOST = 12
"""Methods whose numbers are printed for each community; communities are ranked by the last."""
_MINORITY = "~hill"


def show_outcome(outcome: Outcome, folder: Path, output: Output) -> None:
    """Print the accuracy of each method for the communities."""
    record = outcome.record
    if output.as_json:
        output.json({"folder": str(folder), "record": record, "summary": outcome.summary})
        return
    output.line()
    output.line(_headline(record), style="bold")
    output.table(_method_table(outcome))
    if len(record["communities"]["steered"]) > 1 and outcome.summary:
        _show_communities(outcome, output)
    output.table(_agreement_table(outcome))
    output.line()
    for line in role_lines(record):
        output.line(line)
    output.table(left_out_table(record, None if output.whole else _MOST))
    output.line()
    for source in record["data"]["sources"]:
        for line in source_lines(source):
            output.line(line, style="dim")
    for note in record["notes"]:
        output.line(f"note: {note}")
    output.line(
        f"\nWritten to {folder}: "
        "results.jsonl, summary.jsonl, comparisons.jsonl, record.json, models/"
    )


def _headline(record: Mapping[str, Any]) -> str:
    steered, people = record["communities"]["steered"], record["people"]
    pairs = count_of(record["data"]["pairs"], "pair")
    raters = [people[c]["raters"] for c in steered if people[c]["raters"] is not None]
    behind = (
        f"{count_of(sum(raters), 'rater')} in the communities steered to"
        if raters
        else "answers of whole samples"
    )
    served = f"{len(steered)} of {len(people)} communities steered to"
    return f"{record['name']}: {served}, {pairs}, {behind}"


def _method_table(outcome: Outcome) -> PrintedTable:
    by = {(r["method"], r["subset"], r["aggregate"]): r for r in outcome.summary}
    gain = {
        (r["method"], r["baseline"]): r
        for r in outcome.comparisons
        if r["steer"] == "own" and r["community"] is None and r["subset"] == "all"
    }
    # All pairs of methods are compared on average; only baselines also in each community.
    baselines = _in_order(
        {r["baseline"] for r in outcome.comparisons if r["steer"] == "own" and r["community"]}
    )
    several = any(aggregate == "worst" for _, _, aggregate in by)
    known = any(r.get("strength_weighted") is not None for r in outcome.summary)
    strength_column = [PrintedColumn(head="weighted by strength", rank=4, interval=True)]
    worst_columns = [
        PrintedColumn(head="worst", rank=1, interval=True),
        PrintedColumn(head="of", cut="middle", least=8, rank=1),
    ]
    table = PrintedTable(
        title="Accuracy on held-out pairs, each community under the steer to itself, % [95 %]",
        columns=[
            PrintedColumn(head="method", cut="middle", least=9),
            PrintedColumn(head="average", interval=True),
            *(worst_columns if several else []),
            *_baseline_columns(baselines),
            PrintedColumn(head="contested", rank=2, interval=True),
            *(strength_column if known else []),
        ],
    )
    for method in dict.fromkeys(r["method"] for r in outcome.summary):
        worst = by.get((method, "all", "worst"))
        worst_cells = [percent_number(worst), worst["worst_community"] if worst else "-"]
        table.rows.append([
            method,
            percent_number(by.get((method, "all", "average"))),
            *(worst_cells if several else []),
            *(percent_number(gain.get((method, b)), signed=True) for b in baselines),
            percent_number(by.get((method, "contested", "average"))),
            *([_weighted(by.get((method, "all", "average")))] if known else []),
        ])  # fmt: skip
    return table


def _weighted(row: Mapping[str, Any] | None) -> Number:
    """The strength-weighted accuracy of a row of the summary."""
    if row is None or row.get("strength_weighted") is None:
        return percent_number(None)
    value, low, high = (row.get(column) for column in STRENGTH)
    return percent_number({"value": value, "low": low, "high": high})


def _in_order(methods: Collection[str]) -> list[str]:
    """Methods from the simplest to the one to ship, then those without a rank."""
    known = [method for method in ranked_methods() if method in methods]
    return [*known, *sorted(set(methods) - set(known))]


def _baseline_columns(baselines: Sequence[str]) -> list[PrintedColumn]:
    """A column for the difference to each baseline; a narrow terminal keeps the first of them."""
    columns = []
    for k, baseline in enumerate(baselines):
        columns.append(PrintedColumn(head=f"against {baseline}", rank=3 * k, interval=True))
    return columns


def _show_communities(outcome: Outcome, output: Output) -> None:
    """Print the communities, the lowest accuracy first; a community with few people has no rank."""
    methods = list(dict.fromkeys(r["method"] for r in outcome.summary))
    compared = [m for m in ranked_methods() if m in methods] or methods[:5]
    shown = [compared[-1], *compared[:-1]]
    cell = _own_results(outcome)
    ranked, few = [], []
    for community in outcome.record["communities"]["steered"]:
        first = cell.get((community, shown[0]))
        if first is not None and enough_people(first):
            ranked.append(community)
        elif first is not None:
            few.append(first)
    ranked.sort(key=lambda c: float(cell[c, shown[0]]["value"]))
    output.table(_community_table(ranked, shown, cell, None if output.whole else _MOST))
    if line := not_ranked(few):
        output.line(line)


def _own_results(outcome: Outcome) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(Community, method) -> its result on all pairs, under the steer to itself or to nobody."""
    results = [r for r in outcome.results if r["subset"] == "all"]
    own = [r for r in results if r["steer"] in {None, r["community"]}]
    return {(r["community"], r["method"]): r for r in own}


def _community_table(
    communities: Sequence[str],
    methods: Sequence[str],
    cell: Mapping[tuple[str, str], Mapping[str, Any]],
    most: int | None,
) -> PrintedTable:
    title = f"Lowest accuracy first (by {methods[0]}), % [95 %]"
    if most is not None and len(communities) > most:
        title += f"; {len(communities) - most} more with --wide"
    table = PrintedTable(
        title=title,
        columns=[
            PrintedColumn(head="community", cut="middle", least=9),
            PrintedColumn(head="pairs", right=True),
            PrintedColumn(head="raters", right=True),
            *(
                PrintedColumn(head=method, rank=k, interval=True)
                for k, method in enumerate(methods)
            ),
        ],
    )
    for community in communities[:most]:
        first = cell[community, methods[0]]
        raters = "-" if first["n_raters"] is None else f"{first['n_raters']:,}"
        numbers = [percent_number(cell.get((community, m))) for m in methods]
        table.rows.append([community, f"{first['n']:,}", raters, *numbers])
    return table


def _agreement_table(outcome: Outcome) -> PrintedTable:
    table = PrintedTable(
        title="People who agree with the majority of the others, % [95 %]",
        columns=[
            PrintedColumn(head="community", cut="middle", least=9),
            PrintedColumn(head="agreement", interval=True),
            PrintedColumn(head="pairs that several people judged", right=True),
        ],
    )
    steered = outcome.record["communities"]["steered"]
    for row in outcome.people:
        if row["community"] in steered:
            table.rows.append([row["community"], percent_number(row), f"{row['n']:,}"])
    return table


def show_demonstration(found: Demonstration, out: Path | None, output: Output) -> None:
    """Print recovered against planted taste."""
    if output.as_json:
        output.json({
            "simulated": True, "best_possible": found.best, "planted": found.planted,
            "recovered": found.recovered, "correlation": found.correlation,
            "summary": found.outcome.summary,
        })  # fmt: skip
        return
    output.line()
    output.line("A planted society", style="bold")
    output.line(
        "Everybody here is simulated: five fictional communities whose tastes we wrote. The "
        "reference learns from the ~world panel, in which ~river is the majority; then it is "
        "steered to each community."
    )
    output.line()
    output.table(_method_table(found.outcome))
    _show_communities(found.outcome, output)
    best = ", ".join(f"{c} {100 * v:.1f}" for c, v in found.best.items())
    output.line(
        f"The best that any model can reach, since raters are not always consistent: {best} %"
    )
    for note in found.outcome.record["notes"]:
        output.line(f"note: {note}")
    output.table(_correlation_table(found))
    output.table(_taste_table(found, _MINORITY))
    output.line(f"\nKept in {out}" if out else "\nAdd --out DIR to keep the run.")


def _correlation_table(found: Demonstration) -> PrintedTable:
    table = PrintedTable(
        title="Recovered against planted taste: correlation over ten traits (1 is perfect)",
        columns=[
            PrintedColumn(head="community"),
            *(PrintedColumn(head=m) for m in found.correlation),
        ],
    )
    for community in found.planted:
        correlations = [found.correlation[m][community] for m in found.correlation]
        table.rows.append([community, *(Number(f"{r:+.2f}") for r in correlations)])
    return table


def _taste_table(found: Demonstration, community: str) -> PrintedTable:
    methods = list(found.correlation)
    table = PrintedTable(
        title=f"The taste of the minority {community}: logits by which a trait raises a reward",
        columns=[
            PrintedColumn(head="trait", cut="middle"),
            PrintedColumn(head="planted"),
            *(PrintedColumn(head=m) for m in methods),
        ],
    )
    planted = found.planted[community]
    for trait in found.recovered[methods[0]][community]:
        weights = [found.recovered[m][community][trait] for m in methods]
        numbers = [Number(f"{w:+.2f}") for w in weights]
        table.rows.append([trait, Number(f"{planted.get(trait, 0.0):+.1f}"), *numbers])
    return table
