"""Recognise the source that reads a file or a folder, with its settings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, Tally, in_one_order, is_missing
from pluralign.sources.ab_tables import AbPairs
from pluralign.sources.arrow_rows import is_saved_dataset
from pluralign.sources.foreign_headers import source_of_columns
from pluralign.sources.layouts import LIST_COLUMNS
from pluralign.sources.row_files import RowPolicy, file_kind, read_rows
from pluralign.sources.typed_cells import Row, listed_columns
from pluralign.sources.unused_columns import meant_as

_SAMPLE = 200
_FOLDERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("shares", ("questions.json", "country_proportions.json")),
    ("shares", ("wvs_questions.json", "proportions_group_by_country.json")),
    ("prism", ("survey.jsonl", "utterances.jsonl")),
    ("prism", ("survey.jsonl.gz", "utterances.jsonl.gz")),
    ("polis", ("comments.csv",)),
    ("opinion_qa", ("info.csv", "responses.csv")),
)
"""Source -> the files that a folder of its layout has."""
_OF_FOLDERS = ("prism", "polis", "opinion_qa")
"""Sources whose ``path`` is the folder, also if the user names one of its files."""
_WITH_COLUMNS = ("arena", "label_studio", "argilla", "potato")
"""Foreign layouts in which a further column may name the community."""
_INNER = ("data", "fields", "metadata")
_VOTES = frozenset({"thought_a", "thought_b", "vote"})
_TEXTS = frozenset({"thought_id", "thought"})
_ANSWERS = frozenset({"model", "question_id", "answer"})
_SIDES = ("response", "answer", "output", "completion", "text", "assistant")
_CHOICES = ("preference", "winner", "preferred", "choice", "better", "label", "vote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The source that reads a file or a folder.

    Attributes:
        source: Name of the source.
        settings: Its settings, ``path`` first.
        columns: Columns of the file; empty for folders.
        reasons: Setting -> why it has its value, where that was derived from the data.
    """

    source: str
    settings: dict[str, object]
    columns: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def recognise(path: Path) -> Recognised:
    """Find the source that reads a file or a folder, by its columns and by the files in it.

    Args:
        path: A file of rows, or a folder of one of the layouts that are read.

    Raises:
        InvalidInput: If it cannot be read, or no source reads it; the hint names a source like it.
        NotEnoughData: If the file has no rows.
    """
    if path.is_dir() and not is_saved_dataset(path):
        return _of_folder(path)
    rows = _sample(path)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    if set(columns) >= _VOTES:
        return _votes(path, columns)
    if set(columns) >= _ANSWERS and "chosen" not in columns:
        raise InvalidInput(
            "these are answers of language models to a survey, not pairs",
            where=str(path),
            hint=f"measure them: pluralign survey evaluate {path} --survey SURVEY --out "
            "runs/answers",
        )
    named = source_of_columns(columns)
    if named is not None:
        return _foreign(named, path, columns, rows)
    return _ab_table(path, columns, rows) or _own_pairs(path, columns)


def _sample(path: Path) -> list[Row]:
    if path.suffix == ".json" and any(path.name in names for _, names in _FOLDERS):
        return []
    return [row for _, row in islice(read_rows(path, RowPolicy(Tally(), skip_bad=True)), _SAMPLE)]


def _of_folder(path: Path) -> Recognised:
    for source, names in _FOLDERS:
        if all((path / name).is_file() for name in names):
            return Recognised(
                source=source,
                settings={"path": path, **_further(source, path)},
                reasons={"path": f"a folder with {' and '.join(names)}"},
            )
    files = sorted(p.name for p in path.iterdir() if file_kind(p) is not None)
    raise InvalidInput(
        "no source reads this folder as a whole",
        where=str(path),
        hint=f"name a file in it: {listed_columns(files)}" if files else "name a file",
    )


def _further(source: str, folder: Path) -> dict[str, object]:
    """Further settings of a layout, from its files."""
    summary = folder / "summary.csv"
    if source != "polis" or not summary.is_file():
        return {}
    for line in summary.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(",")
        if name.strip() == "topic" and value.strip(' "'):
            return {"topic": value.strip(' "')}
    return {}


def _votes(path: Path, columns: tuple[str, ...]) -> Recognised:
    """Votes between texts, with the file of texts in the same folder whose name is nearest."""
    tables = [p for p in in_one_order(path.parent.iterdir()) if p != path and file_kind(p) == "csv"]
    texts = [p for p in tables if {*_header(p)} >= _TEXTS]
    if not texts:
        return Recognised(source="votes", settings={"path": path}, columns=columns)
    wanted = path.name.replace("votes", "thoughts")
    nearest = next((p for p in texts if p.name == wanted), texts[0])
    return Recognised(
        source="votes",
        settings={"path": path, "texts": nearest},
        columns=columns,
        reasons={"texts": "the texts that were voted on"},
    )


def _header(path: Path) -> tuple[str, ...]:
    try:
        rows = read_rows(path, RowPolicy(Tally(), skip_bad=True))
        return tuple(next(({**row} for _, row in rows), {}))
    except (InvalidInput, ValueError):
        return ()


def _foreign(source: str, path: Path, columns: tuple[str, ...], rows: Sequence[Row]) -> Recognised:
    if source in _OF_FOLDERS:
        return _of_folder(path.parent)
    settings: dict[str, object] = {"path": path}
    reasons: dict[str, str] = {}
    if source == "wvs" and (path.parent / "questions.json").is_file():
        settings["questions"] = path.parent / "questions.json"
        reasons["questions"] = "the wordings, found in the folder of the file"
    if source in _WITH_COLUMNS:
        inner = _inner_columns(rows)
        community = "community" if "community" in inner else meant_as("community", inner)
        if community is not None:
            settings["columns"] = {"community": community}
            reasons["columns"] = "our column, then the file's: the name looks like a community"
    return Recognised(source=source, settings=settings, columns=columns, reasons=reasons)


def _inner_columns(rows: Sequence[Row]) -> list[str]:
    names: dict[str, None] = {}
    for row in rows[:1]:
        names |= dict.fromkeys(row)
        for part in (row.get(name) for name in _INNER):
            if isinstance(part, Mapping):
                names |= dict.fromkeys(map(str, part))
    return list(names)


def _ab_table(path: Path, columns: tuple[str, ...], rows: Sequence[Row]) -> Recognised | None:
    """A table with two responses and a choice in each row; None for any other table."""
    sides = max(_two_sides(columns), key=lambda side: _length(rows, side[0]), default=None)
    if sides is None or {"chosen", "rejected"} <= set(columns):
        return None
    rest = [name for name in columns if name not in sides]
    choice = _choice(rest, rows)
    if choice is None:
        return None
    first, second = sides
    settings: dict[str, object] = {"path": path, "a": first, "b": second, "preference": choice}
    columns_of = _renamed(("prompt",), rest)
    optional = _renamed(("community", "rater", "language"), rest)
    if columns_of or optional:
        settings["columns"] = columns_of | optional
    reasons = {"preference": "the column with the choice", "columns": _ASSUMED}
    return Recognised(source="ab", settings=settings, columns=columns, reasons=reasons)


_ASSUMED = "our name = the file's name; guessed from the names, so check it"


def _two_sides(columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Columns that differ only in a last "a" and "b" (or 1 and 2)."""
    by_plain = {re.sub(r"[\s_-]+", "_", name.casefold().strip()): name for name in columns}
    for plain, name in by_plain.items():
        for first, second in (("a", "b"), ("1", "2")):
            other = by_plain.get(plain[:-1] + second)
            if plain.endswith(first) and other is not None and _is_side(plain):
                yield name, other


def _is_side(plain: str) -> bool:
    return any(word in plain for word in _SIDES)


def _length(rows: Sequence[Row], column: str) -> int:
    return sum(len(str(row.get(column, ""))) for row in rows)


def _choice(columns: Sequence[str], rows: Sequence[Row]) -> str | None:
    """The column that names the preferred response, by its values or else by its name."""
    default: dict[str, Any] = {f.name: f.default for f in fields(AbPairs)}
    listed = (*default["prefers_a"], *default["prefers_b"], *default["ties"])
    known = {str(value).casefold() for value in listed}
    for column in columns:
        cells = [row.get(column) for row in rows]
        values = {str(cell).strip().casefold() for cell in cells if not is_missing(cell)}
        if values and values <= known:
            return column
    plain = {name.casefold().strip(): name for name in columns}
    return next((plain[name] for name in _CHOICES if name in plain), None)


def _own_pairs(path: Path, columns: tuple[str, ...]) -> Recognised:
    required = ("prompt",) if set(columns) & LIST_COLUMNS else ("prompt", "chosen", "rejected")
    renamed = _renamed((*required, "community", "rater", "language"), columns)
    lacking = [name for name in required if name not in columns and name not in renamed]
    if lacking:
        raise InvalidInput(
            f"no source of pairs is recognised: there is no column {lacking[0]!r}; "
            f"found: {listed_columns(columns)}",
            where=str(path),
            hint="see pluralign data list, and name the columns in a settings file of your own",
        )
    settings: dict[str, object] = {"path": path}
    if renamed:
        settings["columns"] = renamed
    return Recognised(
        source="jsonl", settings=settings, columns=columns, reasons={"columns": _ASSUMED}
    )


def _renamed(ours: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Our column -> the file's column, where their names differ."""
    found: dict[str, str] = {}
    for name in ours:
        unused = [c for c in columns if c not in ours and c not in found.values()]
        theirs = meant_as(name, unused) if name not in columns else None
        if theirs is not None:
            found[name] = theirs
    return found
