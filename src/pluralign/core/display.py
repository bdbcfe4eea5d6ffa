"""Small tables and numbers: how results show themselves in a terminal and in a notebook."""

from collections.abc import Sequence
from html import escape

from pluralign.core.printable import direction

Cells = Sequence[str]


def text_table(heads: Cells, rows: Sequence[Cells], left: Sequence[int] = (0,)) -> str:
    """A table as lines of text.

    Args:
        heads: Heads of the columns.
        rows: Cells of each row.
        left: Positions of the columns that are aligned to the left; the others are to the right.

    >>> print(text_table(["", "pairs"], [["Mexico", "1,204"], ["Peru", "80"]]))
            pairs
    Mexico  1,204
    Peru       80
    """
    cells = [list(heads), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        shown = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            shown.append(cell.ljust(width) if column in left else cell.rjust(width))
        lines.append("  ".join(shown).rstrip())
    return "\n".join(lines)


def html_table(heads: Cells, rows: Sequence[Cells]) -> str:
    """A table as HTML; texts in it are no markup, and have the direction of their words.

    >>> html_table(["a"], [["<b>"]])
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    head = _html_row(heads, "th")
    body = "".join(_html_row(row, "td") for row in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def with_interval(
    value: float,
    low: float | None,
    high: float | None,
    *,
    scale: float = 1,
    digits: int = 1,
    signed: bool = False,
) -> str:
    """A number with its 95 % interval, where it has one.

    Args:
        value: The number.
        low: The lower end of its interval.
        high: The upper end.
        scale: Factor of all three, 100 for per cent.
        digits: Digits after the point.
        signed: Whether a plus stands before positive numbers, as in differences.

    >>> with_interval(0.615, 0.58, 0.65, scale=100)
    '61.5 [58.0, 65.0]'
    >>> with_interval(2, None, None, signed=True)
    '+2.0'
    """
    form = f"{'+' if signed else ''}.{digits}f"
    shown = f"{value * scale:{form}}"
    if low is None or high is None:
        return shown
    return f"{shown} [{low * scale:{form}}, {high * scale:{form}}]"


def shortened(text: str, most: int) -> str:
    r"""A text on one line, its end cut where it is longer than ``most`` characters.

    >>> shortened("What matters\nmost to you?", 16)
    'What matters mo…'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _html_row(cells: Cells, tag: str) -> str:
    shown = ""
    for cell in cells:
        turned = ' dir="rtl"' if direction(cell) == "rtl" else ""
        shown += f"<{tag}{turned}>{escape(cell)}</{tag}>"
    return f"<tr>{shown}</tr>"
