"""The tables and the text of a page as files: CSV, and Markdown for model cards."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pluralign.languages.speech import Speech
from pluralign.reports.data import Page
from pluralign.reports.page_tables import Column, Table


def tables_of(page: Page) -> Iterator[Table]:
    """Every table of a page that is written as a file, those of charts too."""
    for section in page.sections:
        found = [figure.table for figure in section.figures]
        yield from (table for table in [*found, *section.tables] if table.saved)


def csv_of(table: Table) -> str:
    """All rows of a table, raw; a cell that a spreadsheet takes for a formula is quoted.

    A cell of several values is there as the page shows it, or not at all.
    """
    shown = {column.key: column for column in table.columns}
    keys: dict[str, None] = {}
    for row in table.rows:
        for key, value in row.items():
            if key in shown or not isinstance(value, Mapping):
                keys[key] = None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(keys)
    for row in table.rows:
        writer.writerow([_raw(row, key, shown.get(key)) for key in keys])
    return text.getvalue()


def _raw(row: Mapping[str, Any], key: str, column: Column | None) -> object:
    """A cell without format; several values as the page shows them."""
    value = row.get(key)
    if not isinstance(value, Mapping):
        return _cell(value)
    return None if column is None else column.text(row)


def markdown_of(page: Page, most: int = 12) -> str:
    """The page in short, for a model card."""
    say = page.say
    lines = [f"## {_plain(page.title)}", "", *(f"{_paragraph(text)}\n" for text in page.summary)]
    for section in page.sections:
        grave = [c for c in section.claims if c.severity != "note"]
        if grave:
            lines += [f"### {_plain(section.title)}", ""]
            lines += [f"- **{c.label}.** {_plain(c.text)}" for c in grave[:most]]
            found = sum(
                r.get("severity") not in {None, "note"} for t in section.tables for r in t.rows
            )
            lines += ["", *_left_out("The first {count} of {total} are shown.", most, found, say)]
        for figure in section.figures:
            lines += [
                f"### {_plain(figure.title)}",
                "",
                _paragraph(figure.about),
                "",
                *_markdown_rows(figure.table, most, say),
            ]
    return "\n".join([*lines, f"_{_plain(page.written)}_", say("Interval: 95 %."), ""])


def _left_out(text: str, most: int, total: int, say: Speech) -> list[str]:
    return (
        [say(text, count=say.number(most, 0), total=say.number(total, 0)), ""]
        if total > most
        else []
    )


def _markdown_rows(table: Table, most: int, say: Speech) -> Iterator[str]:
    yield "| " + " | ".join(_plain(c.label) for c in table.columns) + " |"
    yield "|" + "|".join(" ---: " if c.numeric else " --- " for c in table.columns) + "|"
    for row in table.rows[:most]:
        yield "| " + " | ".join(_plain(c.text(row)) for c in table.columns) + " |"
    yield ""
    cut = "{count} of {total} rows are shown; `pluralign report --csv` writes them all."
    yield from _left_out(cut, most, len(table.rows), say)


def _plain(text: str) -> str:
    """Text without what Markdown or HTML would read as markup."""
    safe = re.sub(r"([\\|\[\]`*_~$])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
    return " ".join(safe.split())


def _paragraph(text: str) -> str:
    """The same where a line begins, so that it begins no list, heading or quotation."""
    return re.sub(r"^(\d*)([.)](?=\s)|[#>+-])", r"\1\\\2", _plain(text))


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        return _cell("; ".join(map(str, value)))
    if not isinstance(value, str):
        return value
    text = f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
    # A lone return would end the row for some readers.
    return text.replace("\r\n", "\n").replace("\r", "\n")
