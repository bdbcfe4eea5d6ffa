"""Tables: one line a row on a terminal, tab-separated values in a pipe."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len, chop_cells
from rich.text import Text

GAP = 2
"""Blanks between two columns."""
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is printed.

    Attributes:
        value: The number; empty where there is none.
        low: Lower end of its interval; None where it has none.
        high: Upper end of its interval; None where it has none.
    """

    value: str
    low: str | None = None
    high: str | None = None

    @property
    def interval(self) -> str:
        """The interval in brackets; empty where there is none."""
        return "" if self.low is None else f"[{self.low}, {self.high}]"


Cell = str | Text | Number
NOTHING = Number("")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedColumn:
    """How a column is printed.

    Attributes:
        head: Its heading; may have several lines.
        rank: In a narrow terminal columns of the highest rank are left out first; rank 0 stays.
        cut: Where long texts are cut: names in the middle, sentences at the end, None not at all.
        least: Width down to which texts are cut, in characters.
        right: Whether texts stand at the right, as counts do; numbers always do.
        cut_head: Whether the heading is cut to the width of the cells.
        interval: Whether its numbers may have intervals; it then has three columns in a pipe.
    """

    head: str
    rank: int = 0
    cut: Literal["middle", "end"] | None = None
    least: int = 12
    right: bool = False
    cut_head: bool = False
    interval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTable:
    """Columns and rows, the cells of a row in the order of the columns."""

    columns: Sequence[PrintedColumn]
    title: str = ""
    rows: list[Sequence[Cell]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A table that fits a width.

    Attributes:
        heads: Headings of the columns that are left.
        rows: Their cells, cut and padded.
        right: Whether a column's cells stand at the right.
        left_out: Headings of the columns that did not fit.
        cut: Whether a text was cut.
    """

    heads: list[str]
    rows: list[list[Text]]
    right: list[bool]
    left_out: list[str]
    cut: bool


def fitted(table: PrintedTable, width: int | None) -> Fitted:
    """Make a table fit: long texts are cut, then columns are left out, the highest rank first.

    Args:
        table: The table.
        width: Characters in a line; None for as many as it takes.
    """
    texts = [_column_texts(table, k) for k in range(len(table.columns))]
    left = list(range(len(table.columns)))
    while True:
        columns = [table.columns[k] for k in left]
        natural = [_natural_width(table.columns[k], texts[k], width is None) for k in left]
        widths = natural if width is None else _shortened(columns, natural, width)
        if width is None or _total(widths) <= width or not _may_leave(columns):
            break
        left.remove(max(left, key=lambda k: (table.columns[k].rank, k)))
    cut_columns = []
    for k, w in zip(left, widths, strict=True):
        cut_columns.append(_cut_column(texts[k], w, table.columns[k].cut))
    return Fitted(
        heads=[_cut_head(column, w) for column, w in zip(columns, widths, strict=True)],
        rows=[list(row) for row in zip(*cut_columns, strict=True)],
        right=[_stands_right(table, k) for k in left],
        left_out=_left_out(table, left),
        cut=any(w < n for w, n in zip(widths, natural, strict=True)),
    )


def tab_separated(table: PrintedTable) -> Iterable[str]:
    r"""The lines of a table for other programs, the heading first; an interval takes two columns.

    >>> exact = PrintedColumn(head="exact %", interval=True)
    >>> table = PrintedTable(columns=[PrintedColumn(head="method"), exact])
    >>> table.rows.append(["scpo", Number("61.5", "58.0", "65.0")])
    >>> for line in tab_separated(table):
    ...     print(line.replace("\t", " | "))
    method | exact_percent | exact_percent_low | exact_percent_high
    scpo | 61.5 | 58.0 | 65.0
    """
    heads: list[str] = []
    for column in table.columns:
        name = _name(column.head)
        heads += [name, f"{name}_low", f"{name}_high"] if column.interval else [name]
    yield "\t".join(heads)
    for row in table.rows:
        cells: list[str] = []
        for column, cell in zip(table.columns, row, strict=True):
            number = cell if isinstance(cell, Number) else Number(" ".join(str(cell).split()))
            cells.append(number.value)
            if column.interval:
                cells += [number.low or "", number.high or ""]
        yield "\t".join(cells)


def cut_middle(text: str, width: int) -> str:
    """A text cut in the middle to a width in characters of a terminal.

    >>> cut_middle("cross_culture_thinking_self_alignment", 21)
    'cross_cult…_alignment'
    """
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return _ELLIPSIS[:width]
    head = (width - 1 + 1) // 2
    return f"{_first(text, head)}{_ELLIPSIS}{_last(text, width - 1 - head)}"


def cut_end(text: str, width: int) -> str:
    """A text cut at its end to a width in characters of a terminal.

    >>> cut_end("answer shares by country", 14)
    'answer shares…'
    """
    if cell_len(text) <= width:
        return text
    return _first(text, max(width - 1, 0)).rstrip() + _ELLIPSIS[:width]


def _first(text: str, width: int) -> str:
    return chop_cells(text, width)[0] if width > 0 and text else ""


def _last(text: str, width: int) -> str:
    return _first(text[::-1], width)[::-1]


def _name(head: str) -> str:
    return re.sub(r"\W+", "_", head.replace("%", "percent")).strip("_").lower()


def _stands_right(table: PrintedTable, k: int) -> bool:
    column = table.columns[k]
    numeric = any(isinstance(row[k], Number) for row in table.rows)
    return column.right or (numeric and not column.interval)


def _column_texts(table: PrintedTable, k: int) -> list[Text]:
    """The cells of a column as texts; values and intervals are aligned."""
    cells = [row[k] for row in table.rows]
    numbers = [cell for cell in cells if isinstance(cell, Number)]
    value_width = max((len(n.value) for n in numbers), default=0)
    interval_width = max((len(n.interval) for n in numbers), default=0)
    texts = []
    for cell in cells:
        if isinstance(cell, Number):
            text = f"{cell.value:>{value_width}} {cell.interval:<{interval_width}}".rstrip()
            texts.append(Text(text))
        else:
            texts.append(cell if isinstance(cell, Text) else Text(cell))
    return texts


def _natural_width(column: PrintedColumn, texts: Sequence[Text], whole_head: bool) -> int:
    cells = max((text.cell_len for text in texts), default=0)
    if column.cut_head and not whole_head:
        return cells
    return max(cells, _head_width(column))


def _head_width(column: PrintedColumn) -> int:
    return max(cell_len(line) for line in column.head.split("\n"))


def _cut_head(column: PrintedColumn, width: int) -> str:
    return "\n".join(cut_middle(line, width) for line in column.head.split("\n"))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _shortened(columns: Sequence[PrintedColumn], natural: Sequence[int], width: int) -> list[int]:
    """Widths after the widest columns that may be cut gave way, each down to its least."""
    widths = list(natural)
    while _total(widths) > width:
        able = [
            k
            for k, (column, w) in enumerate(zip(columns, widths, strict=True))
            if column.cut is not None and w > max(column.least, _head_width(column))
        ]
        if not able:
            break
        widths[max(able, key=lambda k: widths[k])] -= 1
    return widths


def _left_out(table: PrintedTable, left: Sequence[int]) -> list[str]:
    """Headings, each on one line, of the columns that are not left."""
    gone = [column for k, column in enumerate(table.columns) if k not in left]
    return [" ".join(column.head.split()) for column in gone]


def _may_leave(columns: Sequence[PrintedColumn]) -> bool:
    """Whether a column may be left out; columns of rank 0 stay, however wide the table then is."""
    return any(column.rank for column in columns)


def _cut_column(
    texts: Sequence[Text], width: int, how: Literal["middle", "end"] | None
) -> list[Text]:
    return [_cut(text, width, how) for text in texts]


def _cut(text: Text, width: int, how: Literal["middle", "end"] | None) -> Text:
    if how is None or text.cell_len <= width:
        return text
    shortened = cut_middle(text.plain, width) if how == "middle" else cut_end(text.plain, width)
    return Text(shortened, style=text.style)
