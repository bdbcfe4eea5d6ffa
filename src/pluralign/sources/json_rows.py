"""Rows of JSON Lines, and of JSON files that hold a list of rows or an object of columns."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pluralign.core import InvalidInput, parse_json
from pluralign.sources.fields import BadRow, Row
from pluralign.sources.limits import ReadLimits
from pluralign.sources.opening import read_lines

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LISTS = ("data", "rows", "examples", "instances", "items", "records", "train")


def json_line_rows(path: Path, limits: ReadLimits) -> Iterator[tuple[int, Row | BadRow | None]]:
    """Stream the objects of a JSON Lines file, each with its line; None for a blank line.

    Raises:
        InvalidInput: If the file cannot be read.
    """
    for number, line in enumerate(read_lines(path, limits), start=1):
        try:
            yield number, None if line.isspace() else _object_of(_parsed(line))
        except BadRow as bad:
            yield number, bad


def json_rows(path: Path, limits: ReadLimits) -> Iterator[tuple[int, Row | BadRow | None]]:
    """Read the rows of a JSON file, each with its number from 1.

    The file holds a list of objects; an object with such a list under ``data``; or an object of
    columns, each a list (``{"prompt": [...], "chosen": [...]}``) or an object by row (as pandas
    writes). JSON Lines under this name are read as such.

    Raises:
        InvalidInput: If the file cannot be read or is laid out in another way.
    """
    text = b"".join(read_lines(path, limits))
    limits.check_expanded(len(text), path)
    try:
        rows = _rows_of(_parsed(text))
    except BadRow as bad:
        if "Extra data" in bad.what:
            yield from json_line_rows(path, limits)
            return
        raise InvalidInput(bad.what, where=str(path), hint=bad.hint) from bad
    for number, row in enumerate(rows, start=1):
        try:
            yield number, _object_of(row)
        except BadRow as bad:
            yield number, bad


def _parsed(line: bytes) -> object:
    try:
        text = line.decode("utf-8")
        value = parse_json(text)
        if "\\u" in text and _SURROGATE.search(
            text
        ):  # half a character, written as an escape: no encoder can take it
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise BadRow(f"not UTF-8: {error}", reason="not UTF-8") from error
    except ValueError as error:
        raise BadRow(
            f"not JSON: {error}", reason="not JSON", hint="write one JSON object a line"
        ) from error
    return value


def _object_of(value: object) -> Row:
    if not isinstance(value, dict):
        raise BadRow(f"a JSON {type(value).__name__}, not an object", reason="not a JSON object")
    return value


def _rows_of(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        lists = [value[name] for name in _LISTS if isinstance(value.get(name), list)]
        if len(lists) == 1:
            return list(lists[0])
        columns = {name: _cells(cells) for name, cells in value.items()}
        whole = {name: cells for name, cells in columns.items() if cells is not None}
        if (
            whole
            and len(whole) == len(columns)
            and len({tuple(cells) for cells in whole.values()}) == 1
        ):
            keys = next(iter(whole.values()))
            return [{name: cells[key] for name, cells in whole.items()} for key in keys]
    raise BadRow(
        "the file must hold a list of rows or an object of columns of one length",
        reason="no rows",
        hint='write [{"prompt": ...}, ...], {"data": [...]}, or one JSON object a line in a .jsonl file',
    )


def _cells(column: object) -> Mapping[object, object] | None:
    """Cells of a column by row; None where it is not a column."""
    if isinstance(column, list):
        return dict(enumerate(column))
    return column if isinstance(column, Mapping) else None
