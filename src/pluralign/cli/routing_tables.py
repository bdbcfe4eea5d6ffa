"""The tables of routing of ``pluralign align``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pluralign.cli.numbers import scaled
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable
from pluralign.core import count_of

Row = Mapping[str, Any]
_ROUTERS = {
    "declared": "the declared community",
    "centroid": "nearest centroid",
    "logistic": "logistic regression",
    "most-frequent": "always the most frequent",
    "start": "always the start model",
}
_COLUMNS = {
    "routing_accuracy": "right",
    "abstained": "abstained",
    "regret": "regret",
    "judged_regret": "regret by the judge",
}


def routing_tables(
    results: Sequence[Row], unit: str = "spreads of rewards"
) -> Iterator[PrintedTable]:
    """For each method: its routers on the test prompts, and the cost of a wrong route.

    Args:
        results: Rows of results.
        unit: Unit of regrets and costs.
    """
    routed = [row for row in results if row["metric"] in _COLUMNS]
    for method in dict.fromkeys(row["method"] for row in routed):
        yield _routers([row for row in routed if row["method"] == method])
        yield _costs([row for row in results if row["method"] == method], unit)


def _routers(rows: Sequence[Row]) -> PrintedTable:
    found = {(row["steer"], row["metric"]): row for row in rows if row["community"] is None}
    metrics = [metric for metric in _COLUMNS if ("start", metric) in found]
    prompts = count_of(found["start", "regret"]["n"], "prompt")
    table = PrintedTable(
        title=f"Routes of {rows[0]['method']}: regret against the declared community ({prompts})",
        columns=[
            PrintedColumn(head="router", cut="middle"),
            *(PrintedColumn(head=_COLUMNS[metric], interval=True) for metric in metrics),
        ],
    )
    for router, name in _ROUTERS.items():
        if (router, "regret") in found:
            cells = [scaled(found[router, metric], digits=2) for metric in metrics]
            table.rows.append([name, *cells])
    return table


def _costs(rows: Sequence[Row], unit: str) -> PrintedTable:
    found = {
        (row["community"], row["steer"]): row
        for row in rows
        if row["metric"] == "cost_of_wrong_route"
    }
    communities = list(dict.fromkeys(community for community, _ in found))
    steers = sorted({steer for _, steer in found}, key=[*communities, "start"].index)
    table = PrintedTable(
        title=f"Routes of {rows[0]['method']}: cost of a wrong route, in {unit}",
        columns=[
            PrintedColumn(head="prompts of", cut="middle"),
            *(PrintedColumn(head=f"sent to {steer}", interval=True) for steer in steers),
        ],
    )
    for community in communities:
        cells = [scaled(found.get((community, s)), digits=2, signed=True) for s in steers]
        table.rows.append([community, *cells])
    return table
