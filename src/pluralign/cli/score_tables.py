"""The table of ``pluralign score`` on a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from pluralign.cli.output import Output
from pluralign.cli.printed_tables import NOTHING, Number, PrintedColumn, PrintedTable

_MOST = 50
_LAST = 10_000
"""Rank of columns that leave a narrow terminal before those of any community."""


def show_scores(
    rows: Iterable[Mapping[str, Any]], communities: Sequence[str], output: Output
) -> None:
    """Print the first rows of results; all are scored, so that all are counted.

    Args:
        rows: The results, as `pluralign.models.score_file` yields them.
        communities: The communities that were scored for.
        output: Where they are printed.
    """
    scored = iter(rows)
    first = list(islice(scored, None if output.whole else _MOST))
    more = sum(1 for _ in scored)
    output.table(_score_table(first, communities))
    if more:
        output.line(f"... and {more:,} more rows; --wide prints all, --out writes them to a file")


def _score_table(rows: Sequence[Mapping[str, Any]], communities: Sequence[str]) -> PrintedTable:
    pairs = any("margins" in row for row in rows)
    only_pairs = all("margins" in row for row in rows)
    columns = [
        PrintedColumn(head="line", right=True),
        PrintedColumn(head="id", cut="middle", least=8, rank=2 * _LAST),
    ]
    if pairs:
        columns += _columns("margin", communities, 0 if only_pairs else _LAST)
    columns += _columns("reward", communities, _LAST if only_pairs else 0)
    table = PrintedTable(title="In logits", columns=columns)
    for row in rows:
        cells: list[str | Number] = [str(row["line"]), "-" if row["id"] is None else str(row["id"])]
        if pairs:
            cells += [_number(row.get("margins"), c) for c in communities]
        cells += [_number(row["rewards"], c) for c in communities]
        table.rows.append(cells)
    return table


def _columns(what: str, communities: Sequence[str], rank: int) -> list[PrintedColumn]:
    return [PrintedColumn(head=f"{what}\n{c}", rank=rank + k) for k, c in enumerate(communities)]


def _number(values: Mapping[str, float | None] | None, community: str) -> Number:
    value = values.get(community) if values is not None else None
    return NOTHING if value is None else Number(f"{value:+.3f}")
