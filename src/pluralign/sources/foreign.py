"""Base of the sources that read other programs' layouts: their rows become ours."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pluralign.core import Tally
from pluralign.sources.pairs_files import JsonlPairs
from pluralign.sources.row_batches import Result, RowBatch, batches_of
from pluralign.sources.row_files import file_stem, read_batches
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    listed_columns,
    near_columns,
    require_consent,
)
from pluralign.sources.unused_columns import offered

_INNER = ("data", "fields", "metadata")
"""Columns with an object of further columns: Label Studio's ``data``, Argilla's ``metadata``."""


@dataclass(frozen=True)
class ForeignPairs(JsonlPairs, ABC):
    """Pairs in rows of another program; a subclass converts one row in ``_converted``.

    The tally counts answers (one rater's judgement) as rows; a row without answers counts once.
    Columns of the file that ``columns`` names, such as ``{"community": "country"}``, are added to
    each answer; they may be in the objects ``data``, ``fields`` or ``metadata`` of a row.
    """

    @abstractmethod
    def _converted(self, row: Row) -> Iterable[Row | UnusableRow]:
        """The answers as rows with our columns; a reason for each answer that makes no row."""

    def _batches(self, tally: Tally) -> Iterator[RowBatch]:
        return batches_of(self._answers(tally))

    def _answers(self, tally: Tally) -> Iterator[tuple[int, Result]]:
        """The answers of each row, with its number."""
        is_first = True
        for batch in read_batches(self.path):
            for number, row in batch.results():
                if not isinstance(row, Mapping):
                    yield number, row
                    continue
                try:
                    require_consent(row)
                    named = self._named(row)
                    answers = list(self._converted(row)) or [UnusableRow("no answers")]
                except (UnusableRow, BadRow) as fault:
                    yield number, fault
                    continue
                for part, answer in enumerate(answers, start=1):
                    if isinstance(answer, UnusableRow):
                        yield number, answer
                        continue
                    if is_first:
                        tally.advice.extend(self._offer(row, answer))
                        is_first = False
                    id_ = f"{file_stem(self.path)}:{number}/{part}"
                    numbered = {"id": id_} if len(answers) > 1 else {}
                    yield number, named | numbered | dict(answer)

    def _named(self, row: Row) -> dict[str, object]:
        """The columns of a row that the settings name.

        Raises:
            BadRow: If there is no such column.
        """
        cells = _with_inner(row)
        for ours, name in self.columns.items():
            if name not in cells:
                near = near_columns(name, cells)
                raise BadRow(
                    f"there is no column {name!r}; found: {listed_columns(cells)}",
                    reason=f"no column {name}",
                    hint=f"did you mean {near[0]!r}?"
                    if near
                    else f"set columns.{ours} to one of these",
                )
        return {name: cells[name] for name in self.columns.values()}

    def _offer(self, row: Row, answer: Row) -> list[str]:
        """A column of the file that may name the community, where none is read."""
        if self.community is not None or "community" in {*self.columns, *answer}:
            return []
        offer = offered(["community"], _with_inner(row))
        return [f"no community is read from the file; {offer}"] if offer else []

    def _advice(self, row: Result) -> list[str]:
        """No advice: the columns here are those that a subclass made, not those of the file."""
        return []


def _with_inner(row: Row) -> dict[str, object]:
    """The columns of a row, and those of the objects in it."""
    cells: dict[str, object] = {}
    for name in _INNER:
        inner = row.get(name)
        if isinstance(inner, Mapping):
            cells |= inner
    return {**cells, **row}


def preferred(a: object, b: object, side: str) -> Row:
    """Columns ``chosen`` and ``rejected`` of a comparison.

    Raises:
        UnusableRow: If ``side`` is neither ``a`` nor ``b``.

    >>> preferred("yes", "no", "b")
    {'chosen': 'no', 'rejected': 'yes'}
    """
    if side not in ("a", "b"):
        raise UnusableRow(f"no preference: {side[:60] or 'empty'}")
    return {"chosen": a, "rejected": b} if side == "a" else {"chosen": b, "rejected": a}
