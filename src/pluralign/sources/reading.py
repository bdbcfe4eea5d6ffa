"""Streaming rows out of files, each with its line number: JSONL, CSV and Parquet, plain or gzipped."""

import codecs
import csv
import gzip
import itertools
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, cast

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources.fields import BadRow, Row

NumberedRows = Iterator[tuple[int, Row]]

SKIP_HINT = "mend the row, or drop and count such rows with --skip-bad (skip_bad = true in the settings)"
_LONGEST_CELL = 100_000_000
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson.gz": "jsonl",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
}


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """What to do with a bad row: stop and name it, or drop and count it.

    Attributes:
        tally: Where rows are counted.
        skip_bad: Whether bad rows are dropped and counted.
    """

    tally: Tally
    skip_bad: bool = False

    def refuse(self, bad: BadRow, where: str) -> None:
        """Count a bad row, or stop at it.

        Raises:
            InvalidInput: Unless bad rows are skipped.
        """
        if not self.skip_bad:
            raise InvalidInput(bad.what, where=where, hint="; ".join(filter(None, (bad.hint, SKIP_HINT)))) from bad
        self.tally.drop(bad.reason)


def place(path: Path | str, number: int) -> str:
    """Write where a row stands.

    >>> place("pairs.jsonl", 12)
    'pairs.jsonl:12'
    """
    return f"{path}:{number}"


def file_kind(path: Path) -> str | None:
    """Which of ``jsonl``, ``csv`` and ``parquet`` a file name says it is; None where it says none of them.

    >>> file_kind(Path("votes.csv.gz"))
    'csv'
    """
    return next((kind for suffix, kind in _SUFFIXES.items() if path.name.lower().endswith(suffix)), None)


def file_stem(path: Path) -> str:
    """A file's name without the suffix that says how it is written.

    >>> file_stem(Path("gd6.uk.csv.gz"))
    'gd6.uk'
    """
    suffix = max((suffix for suffix in _SUFFIXES if path.name.lower().endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(suffix)]


def read_rows(path: Path, policy: RowPolicy, kinds: tuple[str, ...] = ("jsonl", "csv", "parquet")) -> NumberedRows:
    """Stream the rows of a file in bounded memory; every row read is counted.

    Args:
        path: The file; its suffix says how it is written.
        policy: What to do with rows that cannot be read, and where to count them.
        kinds: Which ways of writing are welcome.

    Yields:
        The line where the row starts (for Parquet: the row), from 1, and the row. CSV values are text.

    Raises:
        InvalidInput: If the file is missing, of another kind or damaged, or a row is bad and not to be skipped.
        NotEnoughData: If there is no row at all.
    """
    _check_file(path)
    kind = file_kind(path)
    if kind is None or kind not in kinds:
        names = ", ".join(suffix for suffix, name in _SUFFIXES.items() if name in kinds)
        raise InvalidInput("files of this kind cannot be read here", where=str(path), hint=f"name it one of: {names}")
    before = policy.tally.read
    yield from {"jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet}[kind](path, policy)
    if policy.tally.read == before:
        raise NotEnoughData("the file has no rows", where=str(path), hint="check that it was written to the end")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InvalidInput("this is a folder, not a file", where=str(path), hint="name the file in it")
    if not path.is_file():
        near = (
            get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=1) if path.parent.is_dir() else []
        )
        raise InvalidInput(
            "no such file", where=str(path), hint=f"did you mean {near[0]!r}?" if near else "check the path"
        )


def _open_binary(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.name.lower().endswith(".gz") else path.open("rb")


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with _open_binary(path) as file:
            first = next(file, b"")
            yield from itertools.chain([first.removeprefix(codecs.BOM_UTF8)] if first else [], file)
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidInput(f"the file cannot be read: {error}", where=str(path), hint="fetch it again") from error


def _read_jsonl(path: Path, policy: RowPolicy) -> NumberedRows:
    for number, line in enumerate(_lines(path), start=1):
        if line.isspace():
            policy.tally.note("blank line")
            continue
        policy.tally.read += 1
        try:
            yield number, _parse_object(line)
        except BadRow as bad:
            policy.refuse(bad, place(path, number))


def _parse_object(line: bytes) -> Row:
    try:
        text = line.decode("utf-8")
        value = json.loads(text)
        if "\\u" in text and _SURROGATE.search(text):  # half a character, written as an escape: no encoder can take it
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise BadRow(f"not UTF-8: {error}", reason="not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadRow(f"not JSON: {error}", reason="not JSON", hint="write one JSON object a line") from error
    if not isinstance(value, dict):
        raise BadRow(f"a JSON {type(value).__name__}, not an object", reason="not a JSON object")
    return value


def _read_csv(path: Path, policy: RowPolicy) -> NumberedRows:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    lines = _decoded(path)
    first = next(lines, "")
    reader = csv.reader(itertools.chain([first], lines), delimiter=_delimiter(first), strict=True)
    header = _header(reader, path) if first.strip() else []
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
            if cells is None:
                return
            if not cells:
                policy.tally.note("blank line")
                continue
            policy.tally.read += 1
            yield number, _csv_row(header, cells)
        except csv.Error as error:
            policy.tally.read += 1
            policy.refuse(BadRow(f"not CSV: {error}", reason="not CSV"), place(path, number))
        except BadRow as bad:
            policy.refuse(bad, place(path, number))


def _decoded(path: Path) -> Iterator[str]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"not UTF-8: {error}", where=place(path, number), hint="save it as UTF-8") from error


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    try:
        header = next(reader)
    except csv.Error as error:
        raise InvalidInput(f"the header is not CSV: {error}", where=place(path, 1)) from error
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InvalidInput(f"two columns are named {twice[0]!r}", where=place(path, 1), hint="rename one of them")
    return header


def _csv_row(header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        raise BadRow(f"{len(cells)} cells under {len(header)} columns", reason="wrong number of cells")
    return dict(zip(header, cells, strict=True))


def _read_parquet(path: Path, policy: RowPolicy) -> NumberedRows:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    policy.tally.read += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidInput(f"not a sound Parquet file: {error}", where=str(path), hint="fetch it again") from error
