"""Where commands print: a terminal, a pipe, or JSON for machines."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pluralign.cli.printed_tables import GAP, Fitted, PrintedTable, fitted, tab_separated
from pluralign.cli.screen import console
from pluralign.core import isolated, printable, whole_file


class Output:
    """Prints tables and sentences.

    On a terminal both are printed on standard output, a table with one line a row. In a pipe
    standard output gets the tables alone, tab-separated, with an empty line between two of them;
    sentences go to standard error.

    Attributes:
        as_json: Whether the user asked for JSON; then nothing else is printed.
    """

    def __init__(self, *, as_json: bool = False, wide: bool = False) -> None:
        """Look where standard output leads.

        Args:
            as_json: Whether the user asked for JSON.
            wide: Whether tables keep all columns and whole texts on a terminal.
        """
        self.as_json = as_json
        self._wide = wide
        self._out = console()
        self._errors = console(stderr=True)
        self._printed_tables = 0

    @property
    def terminal(self) -> bool:
        """Whether standard output is a terminal."""
        return self._out.is_terminal

    @property
    def whole(self) -> bool:
        """Whether tables are printed with all their rows: in a pipe, and with ``--wide``."""
        return self._wide or not self.terminal

    def json(self, value: object) -> None:
        """Print JSON on standard output."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")

    def line(self, text: str = "", style: str = "") -> None:
        """Print a sentence; markup in it is text."""
        if self.terminal:
            self._out.print(Text(isolated(text), style=style))
        elif text:
            self._errors.print(Text(text.strip("\n")), soft_wrap=True)

    def paragraph(self, text: Text, indent: int = 0) -> None:
        """Print a text on a terminal, all of its lines moved to the right."""
        self._out.print(Padding(text, (0, 0, 0, indent)))

    def text(self, text: str, style: str = "") -> None:
        """Print a text on standard output, also in a pipe, where the text is what was asked for."""
        self._out.print(Text(text, style=style), soft_wrap=not self.terminal)

    def table(self, table: PrintedTable) -> None:
        """Print a table; one without rows is left out."""
        if not table.rows:
            return
        if self.terminal:
            self._draw(table)
        else:
            self._write(table)
        self._printed_tables += 1

    def _write(self, table: PrintedTable) -> None:
        if self._printed_tables:
            sys.stdout.write("\n")
        for line in tab_separated(table):
            cells = (printable(cell) for cell in line.split("\t"))
            sys.stdout.write("\t".join(cells) + "\n")

    def _draw(self, table: PrintedTable) -> None:
        found = fitted(table, None if self._wide else self._out.width)
        if self._printed_tables:
            self._out.print()
        if table.title:
            self._out.print(Text(table.title, style="bold"))
        drawn = _drawn(found)
        screen = self._out
        if self._wide:
            needed = screen.measure(drawn, options=screen.options.update(width=10_000)).maximum
            screen = console(width=max(needed, screen.width))
        screen.print(drawn, no_wrap=True, crop=False)
        if found.left_out:
            self._out.print(Text(f"--wide adds: {', '.join(found.left_out)}", style="dim"))
        elif found.cut:
            self._out.print(Text("--wide prints the texts that are cut here", style="dim"))


def _drawn(found: Fitted) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="underline")
    for head, right in zip(found.heads, found.right, strict=True):
        table.add_column(Text(head), no_wrap=True, justify="right" if right else "left")
    for row in found.rows:
        table.add_row(*map(_isolated, row))
    return table


def _isolated(cell: Text) -> Text:
    shown = isolated(cell.plain)
    return cell if shown == cell.plain else Text(shown, style=cell.style)


def write_lines(rows: Iterable[Mapping[str, Any]], out: Path | None) -> None:
    """Write JSON lines to a file, which appears whole or not at all, or to standard output."""
    if out is None:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    with whole_file(out) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
