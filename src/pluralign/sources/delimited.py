"""CSV files: find their delimiter and encoding, and stream their rows."""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, count_of, stripped
from pluralign.sources.file_opening import encoding_of, read_text_lines
from pluralign.sources.limits import ReadLimits
from pluralign.sources.row_batches import CellBatch, RowBatch, in_batches
from pluralign.sources.typed_cells import BadRow, SemicolonRow

_DELIMITERS = ",\t;|"
_SAMPLE = 20
_LONG_LINE = 100_000
_SEP_LINE = re.compile(r'"?sep=(?P<delimiter>.)"?[,;\t|]*\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """The format of a CSV file.

    Attributes:
        encoding: Python's name of its encoding.
        delimiter: The character between two cells.
        lines_before_header: 1 where Excel's line ``sep=;`` comes first, else 0.
    """

    encoding: str
    delimiter: str
    lines_before_header: int = 0


def csv_format(path: Path, limits: ReadLimits | None = None) -> CsvFormat:
    """Find the format of a CSV file.

    The delimiter is the one that the line ``sep=`` names. Otherwise it is the one of comma, tab,
    semicolon and bar with which the first rows have most often as many cells as the header; of
    several such ones, the one with the most columns.

    Raises:
        InvalidInput: If the file cannot be read.
    """
    limits = limits or ReadLimits.from_environment()
    encoding = encoding_of(path)
    lines = _sample(read_text_lines(path, encoding, limits))
    sep_line = _SEP_LINE.fullmatch(lines[0]) if lines else None
    if sep_line:
        return CsvFormat(encoding, sep_line["delimiter"], lines_before_header=1)
    return CsvFormat(encoding, max(_DELIMITERS, key=lambda delimiter: _fit(lines, delimiter)))


def lines_from_header(path: Path, form: CsvFormat, limits: ReadLimits) -> Iterator[str]:
    """Stream the lines of a CSV file from its header on, without byte-order marks in the header.

    Raises:
        InvalidInput: If the file cannot be read.
    """
    lines = itertools.islice(
        read_text_lines(path, form.encoding, limits), form.lines_before_header, None
    )
    for header in itertools.islice(lines, 1):
        yield header.replace("\ufeff", "")
    yield from lines


def csv_batches(path: Path, limits: ReadLimits) -> Iterator[RowBatch]:
    """Stream the rows of a CSV file, each with the line where it starts; None for a blank one.

    Values are text, as written. Blanks and invisible characters around a column's name are cut off,
    a column without a name is called ``column 3``, and trailing delimiters do not count.

    Raises:
        InvalidInput: If the file or its header cannot be read.
    """
    csv.field_size_limit(limits.row_bytes)
    form = csv_format(path, limits)
    lines = lines_from_header(path, form, limits)
    reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
    header = _header(reader, f"{path}:{form.lines_before_header + 1}")
    row_type = SemicolonRow if form.delimiter == ";" else dict
    if not header:
        return
    for some in in_batches(_cells(reader, len(header), path, form, limits), _letters):
        numbers = [number for number, _ in some]
        yield CellBatch(numbers, tuple(header), [cells for _, cells in some], row_type)


def _cells(
    reader: Any, n_columns: int, path: Path, form: CsvFormat, limits: ReadLimits
) -> Iterator[tuple[int, list[str] | BadRow | None]]:
    """The cells of each row after the header, with the line where it starts."""
    while True:
        number = form.lines_before_header + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if "field larger" in str(error):
                limits.check_row(limits.row_bytes + 1, f"{path}:{number}")
            yield number, BadRow(f"not CSV: {error}", reason="not CSV")
            continue
        if cells is None:
            return
        if not _filled(cells):
            yield number, None
        elif len(cells) == n_columns:
            yield number, cells
        else:
            yield number, _of_columns(cells, n_columns)


def _letters(found: tuple[int, list[str] | BadRow | None]) -> int:
    """Number of letters in the cells of a row."""
    _, cells = found
    return sum(map(len, cells)) if isinstance(cells, list) else 0


def _sample(lines: Iterator[str]) -> list[str]:
    """The first lines; fewer where they are very long."""
    found: list[str] = []
    for line in itertools.islice(lines, _SAMPLE):
        found.append(line)
        if len(line) > _LONG_LINE:
            break
    return found


def _fit(lines: list[str], delimiter: str) -> tuple[bool, float, int]:
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return False, 0.0, 0
    if len(lines) == _SAMPLE:  # the last row may continue after the sample
        rows = rows[:-1] or rows
    columns = len(_without_blank_end(rows[0])) if rows else 0
    fitting = sum(len(_without_blank_end(row)) <= columns <= len(row) for row in rows)
    return columns > 1, fitting / max(len(rows), 1), columns


def _header(reader: Iterator[list[str]], where: str) -> list[str]:
    try:
        cells = _without_blank_end([stripped(cell) for cell in next(filter(None, reader), [])])
    except csv.Error as error:
        raise InvalidInput(f"the header is not CSV: {error}", where=where) from error
    header = [cell or f"column {number}" for number, cell in enumerate(cells, start=1)]
    name, times = Counter(header).most_common(1)[0] if header else ("", 1)
    if times > 1:
        raise InvalidInput(
            f"two columns are named {name[:60]!r}", where=where, hint="rename one of them"
        )
    return header


def _without_blank_end(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _filled(cells: list[str]) -> bool:
    return len(cells) == 1 or any(map(str.strip, cells))


def _of_columns(cells: list[str], n_columns: int) -> list[str] | BadRow:
    """The cells of the columns, where those after them are blank and none is missing."""
    if len(cells) < n_columns or any(map(str.strip, cells[n_columns:])):
        what = f"{count_of(len(cells), 'cell')} under {count_of(n_columns, 'column')}"
        return BadRow(what, reason="wrong number of cells")
    return cells[:n_columns]
