"""The tables of ``pluralign align --data task``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pluralign.cli.numbers import percent_number
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable
from pluralign.cli.routing_tables import routing_tables
from pluralign.core import count_of

Row = Mapping[str, Any]
_METRICS = {
    "letter_accuracy": "likeliest letter %",
    "words_accuracy": "likeliest words %",
    "generated_accuracy": "written %",
    "exact_match": "the same words %",
    "contained": "contained %",
    "invalid": "invalid %",
}
_BASELINES = {
    "random": "a random option",
    "longest": "the longest option",
    "most-frequent-position": "the most frequent position",
    "most-frequent-answer": "the most frequent answer",
}
_START, _TASK = "start", "task"


def task_tables(results: Sequence[Row]) -> Iterator[PrintedTable]:
    """Right answers of all policies, their change, the steer matrix, and routes."""
    metrics = [metric for metric in _METRICS if any(row["metric"] == metric for row in results)]
    yield _accuracy(results, metrics)
    main = metrics[0]
    if any(row["community"] is not None for row in results):
        yield _matrix(results, main)
    yield from routing_tables(results, unit="share of right answers")


def _accuracy(results: Sequence[Row], metrics: Sequence[str]) -> PrintedTable:
    """All test items: each metric of each policy, its change, and the baselines."""
    found = {
        (row["metric"], row["method"], row["steer"]): row
        for row in results
        if row["community"] is None
    }
    main = metrics[0]
    items = count_of(found[main, _START, None]["n"], "test item")
    table = PrintedTable(
        title=f"Right answers ({items})",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            *(
                PrintedColumn(head=_METRICS[m], rank=k, interval=True)
                for k, m in enumerate(metrics)
            ),
            PrintedColumn(head="change of the first", interval=True),
        ],
    )
    steers = [row["steer"] for row in results if row["method"] == _TASK and row["metric"] == main]
    for method, steer in [(_START, None), *((_TASK, steer) for steer in dict.fromkeys(steers))]:
        cells = [percent_number(found.get((metric, method, steer))) for metric in metrics]
        change = percent_number(found.get((f"{main}_change", method, steer)), signed=True)
        table.rows.append([f"adapter of {steer}" if steer else "start model", *cells, change])
    empty = [percent_number(None)] * len(metrics)
    for method, name in _BASELINES.items():
        row = found.get(("baseline_accuracy", method, None))
        if row is not None:
            table.rows.append([name, percent_number(row), *empty])
    return table


def _matrix(results: Sequence[Row], metric: str) -> PrintedTable:
    """For the items of each community: the change of each adapter, and the swap control."""
    found = {
        (row["metric"], row["steer"], row["community"]): row
        for row in results
        if row["method"] in (_START, _TASK)
    }
    names = [c for m, steer, c in found if m == metric and steer is None and c is not None]
    steers = [s for m, s, _ in found if m == f"{metric}_change"]
    table = PrintedTable(
        title="Steer matrix: change over the start model, in points of " + _METRICS[metric],
        columns=[
            PrintedColumn(head="items of", cut="middle"),
            PrintedColumn(head="items", rank=1),
            PrintedColumn(head="start %", interval=True),
            *(PrintedColumn(head=f"adapter of {s}", interval=True) for s in dict.fromkeys(steers)),
            PrintedColumn(head="own over the others'", rank=2, interval=True),
        ],
    )
    for community in dict.fromkeys(names):
        start = found[metric, None, community]
        changes = [
            percent_number(found.get((f"{metric}_change", steer, community)), signed=True)
            for steer in dict.fromkeys(steers)
        ]
        swap = found.get((f"{metric}_over_swap", community, community))
        cells = [percent_number(start), *changes, percent_number(swap, signed=True)]
        table.rows.append([community, f"{start['n']:,}", *cells])
    return table
