"""Recognise plain rows of pairs, which need none of the rules for cells.

A row is plain if the rules of `JsonlPairs` take each of its cells as it is: texts that are neither
messages nor marks of missing values, ids of letters and digits, known communities, numbers in
range. Most rows of most files are plain. This module decides only that. The meaning of every other
row is decided by the rules alone, and they make the same pair of a plain row.

Cells are read column by column: one check for all cells of a column costs less than one for each.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress
from operator import eq
from sys import intern
from typing import Any

from pluralign.core import CONSENT_COLUMNS, PreferencePair, is_missing
from pluralign.core.pairs import MOST_WEIGHT, checked_pairs
from pluralign.sources.community_labels import community_id
from pluralign.sources.row_batches import ColumnRows, RowBatch

_TEXTS = ("prompt", "chosen", "rejected")
_PLAIN_STARTS = frozenset(string.ascii_letters + string.digits) - {"H", "n", "N"}
_PLAIN_TEXT = re.compile(r"""(?!Human:|nan|NaN|NAN|NaT|NULL|null)[\w"'(*¿¡«“‘-]""")
_PLAIN_ID = re.compile(r"[A-Za-z_:/-]*(\d[\w:/-]*)?", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_LONGEST_MARK = 80
_REPEATED = ("community", "rater", "language", "source", "license")
_MOST_REMEMBERED = 4096
Cells = Sequence[Any]
"""The cells of one column, or what was read from them."""


class _NotPlainError(Exception):
    """A cell that the rules must read."""


def _text(cell: object) -> str:
    """A text, kept in memory once, without messages or turns in it, and not missing."""
    if type(cell) is str and (cell[:1] in _PLAIN_STARTS or _PLAIN_TEXT.match(cell)):
        return intern(cell)
    raise _NotPlainError


def _community(cell: object) -> str:
    """Id of a known community."""
    found = community_id(cell) if type(cell) is str else None
    if found is None:
        raise _NotPlainError
    return found


def _id(cell: object) -> str | None:
    """An id that is written as it is; None where there is none."""
    if type(cell) is str:
        if not (cell.isascii() and cell.isalnum() and not cell.isalpha()):
            found = _PLAIN_ID.fullmatch(cell)
            # No mark of a missing value has letters and a digit.
            if not found or (not found[1] and is_missing(cell)):
                raise _NotPlainError
        return cell
    if cell is None:
        return None
    if type(cell) is int:
        return str(cell)
    raise _NotPlainError


def _rater(cell: object) -> str | None:
    """The same for a rater, kept in memory once."""
    found = _id(cell)
    return None if found is None else intern(found)


def _optional_text(cell: object) -> str | None:
    """A text, or None where it is missing."""
    if cell is None:
        return None
    if type(cell) is not str:
        raise _NotPlainError
    return cell if len(cell) > _LONGEST_MARK else _short_text(cell)


@lru_cache(maxsize=1024)
def _short_text(text: str) -> str | None:
    """The text, kept in memory once; None where it is a mark of a missing value."""
    return None if is_missing(text) else intern(text)


def _number(cell: object, is_in_range: Callable[[float], bool]) -> float | None:
    """A number in a range, or the text of one; None where there is none."""
    if cell is None:
        return None
    if type(cell) is str and _PLAIN_NUMBER.fullmatch(cell):
        cell = float(cell)
    if not isinstance(cell, int | float) or type(cell) is bool or not is_in_range(cell):
        raise _NotPlainError
    return float(cell)


def _strength(cell: object) -> float | None:
    return _number(cell, lambda strength: 0 < strength <= MOST_WEIGHT)


def _weight(cell: object) -> float:
    weight = _number(cell, lambda weight: 0 <= weight <= MOST_WEIGHT)
    return 1.0 if weight is None else weight


def _flip(cell: object) -> float:
    return _number(cell, lambda flip: 0 <= flip < 0.5) or 0.0


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **{"prompt": _text, "chosen": _text, "rejected": _text, "community": _community},
    **{"id": _id, "rater": _rater, "strength": _strength, "weight": _weight, "flip": _flip},
    **dict.fromkeys(
        ("question", "stem", "context", "language", "source", "license"), _optional_text
    ),
}
"""Our name of a column -> what reads one of its cells, or raises `_NotPlainError`."""


class _Remembered(dict[str, Any]):
    """Text of a cell -> what was read from it, of the last few thousand short texts."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read

    def __missing__(self, text: str) -> Any:
        value = self._read(text)
        if len(self) == _MOST_REMEMBERED:
            self.clear()
        if len(text) <= _LONGEST_MARK:
            self[text] = value
        return value


@dataclass(frozen=True, slots=True)
class PlainPairs:
    """The pairs of the plain rows of a batch.

    Attributes:
        pairs: Position of each plain row -> its pair.
        own_ids: Positions of pairs whose ids were given, and may have been used before.
    """

    pairs: dict[int, PreferencePair] = field(default_factory=dict)
    own_ids: set[int] = field(default_factory=set)


class PlainRows:
    """Makes the pairs of plain rows of one file.

    Args:
        columns: Our name of a column -> the file's name of it.
        known: All columns that are read; the values of others are kept in ``extra``.
        community: Label of the community of rows without one.
        source: Name of the file, from which ids are made, too.
        terms: Licence of rows without one.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        known: frozenset[str],
        community: str,
        source: str,
        terms: str,
    ) -> None:
        self._columns, self._known = columns, known
        self._community, self._source, self._terms = community_id(community), source, terms
        self._nothing: Mapping[str, object] = {}  # shared by all pairs without other columns
        self._remembered = {name: _Remembered(_READERS[name]) for name in _REPEATED}

    def pairs(self, batch: RowBatch) -> PlainPairs:
        """The pairs of the rows of a batch that are plain."""
        found = PlainPairs()
        for table in batch.tables():
            ours = self._ours(table.names)
            if ours is not None:
                self._add(found, batch, table, ours)
        return found

    def _ours(self, names: tuple[str, ...]) -> Mapping[str, int] | None:
        """Our name of each column, or its own, -> its index; None where a rule must read each row.

        Columns that the settings rename come last, as where the rules rename them.
        """
        theirs = self._columns.values()
        index = {name: k for k, name in enumerate(names)}
        if not CONSENT_COLUMNS.isdisjoint(name.casefold() for name in names):
            return None
        if not index.keys() >= {*theirs}:
            return None
        ours = {name: k for name, k in index.items() if name not in theirs}
        ours |= {name: index[their] for name, their in self._columns.items()}
        if not ours.keys() >= {*_TEXTS} or ("community" not in ours and self._community is None):
            return None
        return ours

    def _add(
        self, found: PlainPairs, batch: RowBatch, table: ColumnRows, ours: Mapping[str, int]
    ) -> None:
        """Add the pairs of the plain rows of one table."""
        refused: set[int] = set()
        columns = {name: table.columns[k] for name, k in ours.items()}
        cells = {name: self._read(name, column, refused) for name, column in columns.items()}
        is_same = list(map(eq, cells["chosen"], cells["rejected"]))
        if True in is_same:
            refused.update(compress(range(len(is_same)), is_same))
        positions: Sequence[int] = table.positions
        if refused:
            kept = [k for k in range(len(positions)) if k not in refused]
            positions = [positions[k] for k in kept]
            cells = {name: [column[k] for k in kept] for name, column in cells.items()}
        numbers = [batch.numbers[position] for position in positions]
        pairs = checked_pairs(self._fields(cells, numbers))
        found.pairs.update(zip(positions, pairs, strict=True))
        if "id" in cells:
            found.own_ids.update(compress(positions, (id_ is not None for id_ in cells["id"])))

    def _read(self, name: str, cells: Cells, refused: set[int]) -> Cells:
        """The values of the cells of a column; rows with other cells are refused."""
        if name not in self._known:
            return cells
        if name in self._remembered and _are_texts(cells):
            return _each(self._remembered[name].__getitem__, cells, refused)
        if name in _TEXTS and _are_texts(cells) and {cell[:1] for cell in cells} <= _PLAIN_STARTS:
            return list(map(intern, cells))
        return _each(_READERS[name], cells, refused)

    def _fields(self, cells: Mapping[str, Cells], numbers: Sequence[int]) -> dict[str, Cells]:
        """The values of every field of the pairs."""
        nothing: Cells = [None] * len(numbers)
        made_ids = [f"{self._source}:{number}" for number in numbers]
        question = _filled(cells.get("question"), cells["prompt"])
        return {
            "id": _filled(cells.get("id"), made_ids),
            **{name: cells[name] for name in _TEXTS},
            "community": cells.get("community") or [self._community] * len(numbers),
            "rater": cells.get("rater", nothing),
            "strength": cells.get("strength", nothing),
            "weight": cells.get("weight") or [1.0] * len(numbers),
            "question": question,
            "stem": _filled(cells.get("stem"), question),
            "context": cells.get("context", nothing),
            "language": cells.get("language", nothing),
            "source": _filled(cells.get("source"), [self._source] * len(numbers)),
            "license": _filled(cells.get("license"), [self._terms] * len(numbers)),
            "extra": self._extra(cells, len(numbers)),
            "flip": cells.get("flip") or [0.0] * len(numbers),
        }

    def _extra(self, cells: Mapping[str, Cells], count: int) -> Cells:
        """Name -> value of the columns that are not read, for each row."""
        names = [name for name in cells if name not in self._known]
        if not names:
            return [self._nothing] * count
        rows = zip(*(cells[name] for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]


def _filled(values: Cells | None, defaults: Cells) -> Cells:
    """The values, with the default of the same row where there is none."""
    if values is None:
        return defaults
    return [value or default for value, default in zip(values, defaults, strict=True)]


def _are_texts(cells: Cells) -> bool:
    return {*map(type, cells)} == {str}


def _each(read: Callable[[Any], Any], cells: Cells, refused: set[int]) -> Cells:
    """The value of each cell; positions of cells that are not plain are added to a set."""
    try:
        return list(map(read, cells))
    except _NotPlainError:
        return [_one(read, cell, k, refused) for k, cell in enumerate(cells)]


def _one(read: Callable[[Any], Any], cell: object, position: int, refused: set[int]) -> Any:
    try:
        return read(cell)
    except _NotPlainError:
        refused.add(position)
        return None
