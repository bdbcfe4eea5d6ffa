"""Rows of JSON Lines, and of JSON files with a list of rows or an object of columns."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from pluralign.core import InvalidInput, parse_json
from pluralign.sources.file_opening import read_lines
from pluralign.sources.limits import ReadLimits
from pluralign.sources.row_batches import GivenBatch, RowBatch, batches_of, in_batches
from pluralign.sources.typed_cells import BadRow, Row

try:
    import orjson
except ImportError:  # not CPython: the standard library reads every line
    orjson = None  # type: ignore[assignment]

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_LONG = 2.0**63  # orjson reads longer whole numbers as floats
_WHOLE = {str, int, bool, type(None)}
_LISTS = ("data", "rows", "examples", "instances", "items", "records", "train")


def json_line_batches(path: Path, limits: ReadLimits) -> Iterator[RowBatch]:
    """Stream the objects of a JSON Lines file, each with its line; None for a blank line.

    Raises:
        InvalidInput: If the file cannot be read.
    """
    number = 1
    for lines in in_batches(read_lines(path, limits), len):
        results: Sequence[Row | BadRow | None] = _flat_rows(lines) or [
            _flat_row(line) or _any_row(line) for line in lines
        ]
        yield GivenBatch(range(number, number + len(lines)), results)
        number += len(lines)


def json_batches(path: Path, limits: ReadLimits) -> Iterator[RowBatch]:
    """Read the rows of a JSON file, each with its number from 1.

    The file is a list of objects, an object with such a list under ``data``, or an object of
    columns, each a list (``{"prompt": [...], "chosen": [...]}``) or an object by row (as pandas
    writes). A file of JSON Lines with this suffix is read as such.

    Raises:
        InvalidInput: If the file cannot be read or has another layout.
    """
    text = b"".join(read_lines(path, limits))
    limits.check_expanded(len(text), path)
    try:
        rows = _rows_of(_parsed(text))
    except BadRow as bad:
        if "Extra data" in bad.what:
            yield from json_line_batches(path, limits)
            return
        raise InvalidInput(bad.what, where=str(path), hint=bad.hint) from bad
    yield from batches_of(enumerate(map(_object_or_fault, rows), start=1))


def _any_row(line: bytes) -> Row | BadRow | None:
    """The object in a line, its fault, or None for a blank line."""
    try:
        return None if line.isspace() else _object_or_fault(_parsed(line))
    except BadRow as bad:
        return bad


def _flat_rows(lines: list[bytes]) -> Sequence[Row] | None:
    """The objects in lines, where all have only texts and whole numbers; None for other lines."""
    if orjson is None:
        return None
    try:
        rows = list(map(orjson.loads, lines))
    except ValueError:
        return None
    if {*map(type, rows)} != {dict}:
        return None
    kinds = {*map(type, chain.from_iterable(map(dict.values, rows)))}
    return rows if kinds <= _WHOLE else None


def _flat_row(line: bytes) -> Row | None:
    """The object of texts and short numbers in a line, as orjson reads it; None for any other line.

    orjson reads these as the standard library does, in a quarter of the time. It is not used for
    the rest: it refuses "NaN" and half characters, and rounds whole numbers of more than 64 bits.
    """
    if orjson is None:
        return None
    try:
        row = orjson.loads(line)
    except ValueError:
        return None
    if type(row) is not dict:
        return None
    for value in row.values():
        if type(value) is not str and not _is_short(value):
            return None
    return row


def _is_short(value: object) -> bool:
    """Whether a value has nothing in it, and is not a number that may have been rounded."""
    if type(value) is float:
        return abs(value) < _TOO_LONG
    return value is None or type(value) in (int, bool)


def _parsed(line: bytes) -> object:
    try:
        text = line.decode("utf-8")
        value = parse_json(text)
        if "\\u" in text and _SURROGATE.search(text):
            # Half a character, written as an escape, fails here instead of in an encoder.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise BadRow(f"not UTF-8: {error}", reason="not UTF-8") from error
    except ValueError as error:
        raise BadRow(
            f"not JSON: {error}", reason="not JSON", hint="write one JSON object on each line"
        ) from error
    return value


def _object_or_fault(value: object) -> Row | BadRow:
    if isinstance(value, dict):
        return value
    return BadRow(
        f"must be a JSON object, got a {type(value).__name__}", reason="not a JSON object"
    )


def _rows_of(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        lists = [value[name] for name in _LISTS if isinstance(value.get(name), list)]
        if len(lists) == 1:
            return list(lists[0])
        rows = _rows_of_columns(value)
        if rows is not None:
            return rows
    raise BadRow(
        "the file must be a list of rows or an object of columns of one length",
        reason="no rows",
        hint='write [{"prompt": ...}, ...], {"data": [...]}, or one JSON object on each line of a '
        ".jsonl file",
    )


def _rows_of_columns(value: Mapping[str, object]) -> list[object] | None:
    """The rows of an object of columns; None where a value is not a column or lengths differ."""
    columns: dict[str, Mapping[object, object]] = {}
    for name, column in value.items():
        cells = _cells(column)
        if cells is None:
            return None
        columns[name] = cells
    if len({tuple(cells) for cells in columns.values()}) != 1:
        return None
    keys = next(iter(columns.values()))
    return [{name: cells[key] for name, cells in columns.items()} for key in keys]


def _cells(column: object) -> Mapping[object, object] | None:
    """Cells of a column by row; None where it is not a column."""
    if isinstance(column, list):
        return dict(enumerate(column))
    return column if isinstance(column, Mapping) else None
