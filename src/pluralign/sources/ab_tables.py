"""Comparisons of two responses, A and B, with a column that names the preferred one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pluralign.core import InvalidInput, is_missing
from pluralign.sources.pairs_files import JsonlPairs
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, listed_columns, near_columns

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class AbPairs(JsonlPairs):
    """Pairs from a table of ``prompt, response_a, response_b, preference``.

    The preference is compared without case and blanks, and 1.0 is 1. A tie, and a cell without a
    preference, is counted and makes no pair; any other value is refused, for it may mean a side.
    Numbers mean no side by default; ``prefers_a = ["1"]`` gives them a side. All other columns are
    those of `JsonlPairs`.

    Attributes:
        a: Column of the first response.
        b: Column of the second response.
        preference: Column that names the preferred response.
        prefers_a: Values that prefer the first response.
        prefers_b: Values that prefer the second response.
        ties: Values that prefer neither.

    Raises:
        InvalidInput: If a value is listed twice.
    """

    name: ClassVar[str] = "ab"
    about: ClassVar[str] = "comparisons in a table: prompt, response_a, response_b, preference"

    by_rules: ClassVar[bool] = True  # a rule reads the preference

    a: str = "response_a"
    b: str = "response_b"
    preference: str = "preference"
    prefers_a: tuple[str, ...] = ("a", "model_a", "response_a", "left", "first")
    prefers_b: tuple[str, ...] = ("b", "model_b", "response_b", "right", "second")
    ties: tuple[str, ...] = (
        "tie",
        "both",
        "neither",
        "equal",
        "same",
        "draw",
        "tie (bothbad)",
        "both_bad",
        "bothbad",
    )

    def __post_init__(self) -> None:
        JsonlPairs.__post_init__(self)
        values = [_plain(value) for value in (*self.prefers_a, *self.prefers_b, *self.ties)]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise InvalidInput(
                f"{twice!r} must be listed once, got it twice", where="prefers_a, prefers_b, ties"
            )

    def _renamed(self, row: Row) -> Row:
        self._require(row)
        row = JsonlPairs._renamed(self, row)
        value = row[self.preference]
        if is_missing(value):
            raise UnusableRow("no preference")
        if _is_one_of(value, self.ties):
            raise UnusableRow("tie")
        if not _is_one_of(value, (*self.prefers_a, *self.prefers_b)):
            raise BadRow(
                f"{self.preference!r} must be a known value, got {str(value)[:_SHOWN]!r}",
                reason=f"unknown preference: {str(value)[:_SHOWN]}",
                hint="name the values that prefer a side: --set "
                f"'pairs.prefers_a=[\"{str(value)[:_SHOWN]}\"]' --set 'pairs.prefers_b=[...]'",
            )
        better, worse = (self.a, self.b) if _is_one_of(value, self.prefers_a) else (self.b, self.a)
        used = (self.a, self.b, self.preference)
        rest = {name: cell for name, cell in row.items() if name not in used}
        return rest | {"chosen": row[better], "rejected": row[worse]}

    def _require(self, row: Row) -> None:
        for key in ("a", "b", "preference"):
            name = getattr(self, key)
            if name not in row:
                usual = {"a": "answer_a", "b": "answer_b", "preference": "winner"}[key]
                near = [
                    *near_columns(name, row),
                    *near_columns(usual, row),
                    *near_columns(key, row),
                ]
                raise BadRow(
                    f"there is no column {name!r}; found: {listed_columns(row)}",
                    reason=f"no column {name}",
                    hint=f"name it: --set pairs.{key}={near[0] if near else '...'}",
                    whole_file=True,
                )

    def _used(self) -> set[str]:
        return JsonlPairs._used(self) | {self.a, self.b, self.preference}


def _is_one_of(value: object, names: Sequence[str]) -> bool:
    return _plain(value) in [_plain(name) for name in names]


def _plain(value: object) -> str:
    text = " ".join(str(value).split()).casefold()
    whole = text.removesuffix(".0")
    return whole if whole.lstrip("-").isdecimal() else text
