"""Stream the rows of JSON Lines, JSON, CSV and Parquet files, each with its line number."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources.arrow_rows import is_saved_dataset, saved_batches
from pluralign.sources.delimited import csv_batches
from pluralign.sources.json_rows import json_batches, json_line_batches
from pluralign.sources.limits import ReadLimits
from pluralign.sources.parquet_rows import parquet_batches
from pluralign.sources.row_batches import Result, RowBatch
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, require_columns

NumberedRows = Iterator[tuple[int, Row]]

BLANK_LINE = "blank line"
"""The remark by which a tally counts empty lines."""
ALL_KINDS = ("jsonl", "json", "csv", "parquet")
SKIP_HINT = (
    "mend the row, or drop and count such rows with --skip-bad (skip_bad = true in the settings)"
)
_READERS = {
    "jsonl": json_line_batches,
    "json": json_batches,
    "csv": csv_batches,
    "parquet": parquet_batches,
}
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson.gz": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".csv.gz": "csv",
    ".tsv.gz": "csv",
    ".parquet": "parquet",
}
_OTHER_KINDS = {
    (".xlsx", ".xls", ".ods"): "save the sheet as 'CSV UTF-8'",
    (
        ".zip",
        ".zst",
        ".bz2",
        ".xz",
        ".7z",
        ".tar",
        ".tgz",
        ".tar.gz",
    ): "unpack it; only .gz is read as it is",
    (".sav", ".dta", ".rds", ".rdata", ".sas7bdat"): "export it as CSV",
    (
        ".arrow",
        ".feather",
    ): "write it as Parquet; a folder of datasets' save_to_disk is read as it is",
}


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """Policy for bad rows: stop and name the row, or drop and count it.

    Attributes:
        tally: The tally that counts the rows.
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
            hints = [bad.hint, None if bad.whole_file else SKIP_HINT]
            hint = "; ".join(filter(None, hints)) or None
            raise InvalidInput(bad.what, where=where, hint=hint) from bad
        self.tally.drop(bad.reason)

    def row_of(self, result: Result, where: str) -> Row | None:
        """The row that was read, which is counted; None where there is none to use.

        Raises:
            InvalidInput: If it is bad, unless bad rows are skipped.
        """
        if result is None:
            self.tally.note(BLANK_LINE)
            return None
        self.tally.read += 1
        if isinstance(result, BadRow):
            self.refuse(result, where)
            return None
        if isinstance(result, UnusableRow):
            self.tally.drop(str(result))
            return None
        return result


def location(path: Path | str, number: int) -> str:
    """File and line of a row, for messages.

    >>> location("pairs.jsonl", 12)
    'pairs.jsonl:12'
    """
    return f"{path}:{number}"


@contextmanager
def refused_at(path: Path, number: int) -> Iterator[None]:
    """Stop at a bad row with its file and line, where skipping rows would not help.

    Raises:
        InvalidInput: Instead of a `BadRow`.
    """
    with refused_as(location(path, number)):
        yield


@contextmanager
def refused_as(where: str) -> Iterator[None]:
    """Report a fault of a value that the user gave, such as an option, with its name.

    Raises:
        InvalidInput: Instead of a `BadRow`.
    """
    try:
        yield
    except BadRow as bad:
        raise InvalidInput(bad.what, where=where, hint=bad.hint) from bad


def file_kind(path: Path) -> str | None:
    """The kind of a file by its suffix: ``jsonl``, ``json``, ``csv`` or ``parquet``, else None.

    >>> file_kind(Path("votes.csv.gz"))
    'csv'
    """
    for suffix, kind in _SUFFIXES.items():
        if path.name.lower().endswith(suffix):
            return kind
    return None


@lru_cache(maxsize=16)
def file_stem(path: Path) -> str:
    """A file's name without the suffix of its kind.

    >>> file_stem(Path("gd6.uk.csv.gz"))
    'gd6.uk'
    """
    suffixes = [suffix for suffix in _SUFFIXES if path.name.lower().endswith(suffix)]
    suffix = max(suffixes, key=len, default="")
    return path.name[: len(path.name) - len(suffix)]


def read_rows(path: Path, policy: RowPolicy, kinds: tuple[str, ...] = ALL_KINDS) -> NumberedRows:
    """Stream the rows of a file in bounded memory; every row read is counted.

    The size of a file is limited, see `ReadLimits`. A ``.json`` file is a list of rows, an object
    with such a list under ``data``, or an object of columns; unlike the others it is read as a
    whole.

    Args:
        path: The file; its suffix names its kind.
        policy: The policy for rows that cannot be read, with the tally.
        kinds: The kinds of files that are accepted.

    Yields:
        The line where the row starts (for JSON and Parquet: the row), from 1, and the row. CSV
        values are text.

    Raises:
        InvalidInput: If the file is missing, of another kind, too large or damaged, or a row is bad
            and the policy does not skip it.
        NotEnoughData: If there are no rows.
    """
    for batch in read_batches(path, kinds):
        for number, result in batch.results():
            row = policy.row_of(result, location(path, number))
            if row is not None:
                yield number, row


def read_batches(path: Path, kinds: tuple[str, ...] = ALL_KINDS) -> Iterator[RowBatch]:
    """Stream what `read_rows` reads in batches, which are not counted yet.

    Raises:
        InvalidInput: If the file is missing, of another kind, too large or damaged.
        NotEnoughData: If there are no rows.
    """
    limits = ReadLimits.from_environment()
    n_rows = 0
    for batch in _reader(path, kinds)(path, limits):
        n_rows += batch.n_rows
        limits.check_rows(n_rows, path)
        yield batch
    if n_rows == 0:
        raise NotEnoughData(
            "the file has no rows", where=str(path), hint="check that it was written to the end"
        )


def csv_rows_with(path: Path, policy: RowPolicy, columns: tuple[str, ...]) -> NumberedRows:
    """Stream the rows of a CSV file that must have these columns.

    Raises:
        InvalidInput: As for `read_rows`, and if a column is missing.
        NotEnoughData: If there are no rows.
    """
    for number, row in read_rows(path, policy, kinds=("csv",)):
        with refused_at(path, number):
            require_columns(row, columns)
        yield number, row


def _reader(path: Path, kinds: tuple[str, ...]) -> Callable[[Path, ReadLimits], Iterator[RowBatch]]:
    if "parquet" in kinds and is_saved_dataset(path):
        return saved_batches
    _check_file(path)
    return _READERS[_accepted_kind(path, kinds)]


def _accepted_kind(path: Path, kinds: tuple[str, ...]) -> str:
    kind = file_kind(path)
    if kind is not None and kind in kinds:
        return kind
    name = path.name.lower()
    how = [f"{hint}, or " for suffixes, hint in _OTHER_KINDS.items() if name.endswith(suffixes)]
    accepted = ", ".join(suffix for suffix, kind in _SUFFIXES.items() if kind in kinds)
    raise InvalidInput(
        "files of this kind cannot be read here",
        where=str(path),
        hint=f"{how[0] if how else ''}give one of: {accepted}",
    )


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InvalidInput(
            "this is a folder, not a file", where=str(path), hint="name the file in it"
        )
    if not path.is_file():
        names = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        near = get_close_matches(path.name, names, n=1)
        raise InvalidInput(
            "no such file",
            where=str(path),
            hint=f"did you mean {near[0]!r}?" if near else "check the path",
        )
