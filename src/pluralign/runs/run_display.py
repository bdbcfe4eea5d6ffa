"""How a finished run is shown: some lines of text in a terminal, a small table in a notebook."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO

from pluralign.core import PluralignError, count_of, html_table

MOST_ROWS = 9
_WIDTH, _WIDEST = 100, 28


@dataclass(frozen=True, slots=True)
class Glance:
    """The facts and numbers of a run that readers see first.

    Attributes:
        facts: Short sentences.
        heads: Heads of a table.
        rows: Its rows; the first nine are shown.
    """

    facts: Sequence[str]
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def as_text(head: Sequence[str], look: Callable[[], Glance]) -> str:
    """A run in at most 15 lines; where its files are damaged, the head and what is wrong."""
    from rich.console import Console
    from rich.table import Table

    glance = _glance_or_fault(look)
    text = StringIO()
    console = Console(file=text, width=_WIDTH, color_system=None, force_terminal=False)
    for line in (*head, *glance.facts):
        console.print(line, markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
    if glance.rows:
        table = Table(box=None, pad_edge=False)
        for k, name in enumerate(glance.heads):
            # A long last column is cut before any other.
            last = k == len(glance.heads) - 1
            widest = max(len(cell) for cell in (name, *(row[k] for row in glance.rows)))
            least = None if last else min(widest, _WIDEST)
            table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=least)
        for row in glance.rows[:MOST_ROWS]:
            table.add_row(*(_plain(cell) for cell in row))
        console.print(table)
        more = len(glance.rows) - MOST_ROWS
        if more > 0:
            console.print(f"... {count_of(more, 'more row')}", highlight=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def as_html(head: Sequence[str], look: Callable[[], Glance]) -> str:
    """A run as HTML for a notebook: its kind, some facts and a small table."""
    glance = _glance_or_fault(look)
    title, *facts = map(escape, (*head, *glance.facts))
    shown = f"<p><strong>{title}</strong><br>{'<br>'.join(facts)}</p>"
    if not glance.rows:
        return shown
    return shown + html_table(glance.heads, glance.rows[:MOST_ROWS])


def _glance_or_fault(look: Callable[[], Glance]) -> Glance:
    """A run must print even if its files are damaged."""
    try:
        return look()
    except PluralignError as error:
        return Glance(str(error).splitlines())


def _plain(cell: str) -> str:
    from rich.markup import escape as without_markup

    return without_markup(cell)
