"""Recognise plain rows of pairs, which need none of the rules for cells.

A row is plain if the rules of `JsonlPairs` take each of its cells as it is: texts that are neither
messages nor marks of missing values, ids of letters and digits, known communities, numbers in
range. Most rows of most files are plain. This module decides only that. The meaning of every other
row is decided by the rules alone, and they make the same pair of a plain row.
"""

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from sys import intern
from typing import Any

from pluralign.core import CONSENT_COLUMNS, PreferencePair, is_missing
from pluralign.core.pairs import MOST_WEIGHT, checked_pair
from pluralign.sources.community_labels import community_id
from pluralign.sources.seen import SeenIds
from pluralign.sources.typed_cells import Row

_TEXTS = ("prompt", "chosen", "rejected")
_PLAIN_STARTS = frozenset(string.ascii_letters + string.digits) - {"H", "n", "N"}
_PLAIN_TEXT = re.compile(r"""(?!Human:|nan|NaN|NAN|NaT|NULL|null)[\w"'(*¿¡«“‘-]""")
_PLAIN_ID = re.compile(r"[A-Za-z_:/-]*(\d[\w:/-]*)?", re.ASCII)
_OPTIONAL_TEXTS = ("question", "stem", "context", "language", "source", "license")
_RANGES: Mapping[str, Callable[[float], bool]] = {
    "strength": lambda strength: 0 < strength <= MOST_WEIGHT,
    "weight": lambda weight: 0 <= weight <= MOST_WEIGHT,
    "flip": lambda flip: 0 <= flip < 0.5,
}
_OTHERS = ("id", *_OPTIONAL_TEXTS, *_RANGES)
_LONGEST_MARK = 80
_MOST_LAYOUTS, _MOST_COLUMNS = 64, 1000


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the values of a plain row are, for rows with the same columns.

    Attributes:
        texts: Takes prompt, chosen and rejected from a row.
        community: Column of the community; None where there is none.
        rater: The same for the rater.
        others: Our name -> the file's, of the id and of optional texts and numbers.
        extra: Columns that we do not read, whose values are kept.
    """

    texts: Callable[[Row], tuple[Any, Any, Any]]
    community: str | None
    rater: str | None
    others: Mapping[str, str]
    extra: tuple[str, ...]


class PlainRows:
    """Makes the pairs of plain rows of one file.

    Args:
        columns: Our name of a column -> the file's name of it.
        known: All columns that are read; the values of others are kept in ``extra``.
        community: Label of the community of rows without one.
        source: Name of the file, from which ids are made, too.
        terms: Licence of rows without one.
        seen: The ids so far.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        known: frozenset[str],
        community: str,
        source: str,
        terms: str,
        seen: SeenIds,
    ) -> None:
        self._columns, self._known, self._seen = columns, known, seen
        self._community, self._source, self._terms = community_id(community), source, terms
        self._nothing: Mapping[str, object] = {}  # shared by all pairs without other columns
        self._layouts: dict[tuple[str, ...], _Layout | None] = {}
        self._names: tuple[str, ...] = ()
        self._layout: _Layout | None = None

    def pair(self, row: Row, number: int) -> PreferencePair | None:
        """The pair of a plain row, whose id is seen from now on; None for any other row."""
        names = tuple(row)
        if names != self._names:
            self._names, self._layout = names, self._layout_of(names)
        layout = self._layout
        if layout is None:
            return None
        prompt, chosen, rejected = layout.texts(row)
        if not (_is_plain(prompt) and _is_plain(chosen) and _is_plain(rejected)):
            return None
        community, rater = self._community, None
        if layout.community is not None:
            label = row[layout.community]
            community = community_id(label) if type(label) is str else None
        if layout.rater is not None:
            rater = _plain_id(row[layout.rater])
        if chosen == rejected or community is None or rater == "":
            return None
        id_, source, terms = f"{self._source}:{number}", self._source, self._terms
        if not layout.others and not layout.extra:
            return checked_pair(
                id_, prompt, chosen, rejected, community, rater, source, terms, self._nothing
            )
        others = _others(row, layout.others)
        if others is None or ("id" in others and self._seen.again(others["id"])):
            return None
        return checked_pair(
            others.pop("id", id_),
            prompt,
            chosen,
            rejected,
            community,
            rater,
            others.pop("source", source),
            others.pop("license", terms),
            {name: row[name] for name in layout.extra} if layout.extra else self._nothing,
            **others,
        )

    def _layout_of(self, names: tuple[str, ...]) -> _Layout | None:
        """The layout of rows with these columns; it is remembered, in bounded memory."""
        if names in self._layouts:
            return self._layouts[names]
        layout = self._new_layout(names)
        if len(self._layouts) < _MOST_LAYOUTS and len(names) <= _MOST_COLUMNS:
            self._layouts[names] = layout
        return layout

    def _new_layout(self, names: tuple[str, ...]) -> _Layout | None:
        """The layout of rows with these columns; None where a rule must read each of them."""
        theirs = self._columns.values()
        ours = {name: name for name in names if name not in theirs} | dict(self._columns)
        if not CONSENT_COLUMNS.isdisjoint(name.casefold() for name in names):
            return None
        if not {*ours.values()} <= {*names} or not {*_TEXTS} <= {*ours}:
            return None
        return _Layout(
            texts=itemgetter(*(ours[name] for name in _TEXTS)),
            community=ours.get("community"),
            rater=ours.get("rater"),
            others={name: ours[name] for name in _OTHERS if name in ours},
            extra=tuple(name for name in ours if name not in self._known),
        )


def _is_plain(text: object) -> bool:
    """Whether a value is a text, without messages or turns in it, and not missing."""
    return type(text) is str and (text[:1] in _PLAIN_STARTS or _PLAIN_TEXT.match(text) is not None)


def _plain_id(value: object) -> str | None:
    """An id that is written as it is; None where there is none; empty for any other value."""
    if type(value) is not str:
        return str(value) if type(value) is int else None if value is None else ""
    if value.isascii() and value.isalnum() and not value.isalpha():
        return value
    found = _PLAIN_ID.fullmatch(value)
    # No mark of a missing value has letters and a digit.
    return value if found and (found[1] or not is_missing(value)) else ""


def _others(row: Row, columns: Mapping[str, str]) -> dict[str, Any] | None:
    """Our name -> value, of the columns that have one; None where one is not plain."""
    found: dict[str, Any] = {}
    for ours, theirs in columns.items():
        value = row[theirs]
        if value is None:
            continue
        if type(value) is str and ours in _OPTIONAL_TEXTS:
            text = value if len(value) > _LONGEST_MARK else _short_text(value)
            if text is not None:
                found[ours] = text
        elif ours == "id":
            found[ours] = _plain_id(value)
        elif ours in _RANGES:
            if not isinstance(value, int | float) or type(value) is bool:
                return None
            if not _RANGES[ours](value):
                return None
            found[ours] = float(value)
        else:
            return None
    return None if found.get("id") == "" else found


@lru_cache(maxsize=1024)
def _short_text(text: str) -> str | None:
    """The text, kept in memory once; None where it is a mark of a missing value."""
    return None if is_missing(text) else intern(text)
