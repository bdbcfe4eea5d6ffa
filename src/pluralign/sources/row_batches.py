"""Some rows of a file together, read column by column where they have the same columns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

from pluralign.sources.typed_cells import BadRow, Row, UnusableRow

Item = TypeVar("Item")
Result = Row | BadRow | UnusableRow | None
"""A row, the fault of a row, the reason why a valid row is not used, or None for a blank line."""

_ROWS, _BYTES = 256, 256_000
"""Most rows of a batch, and the bytes after which it ends."""


@dataclass(frozen=True, slots=True)
class ColumnRows:
    """Rows of a batch with the same columns.

    Attributes:
        names: Names of the columns.
        positions: Position of each row in its batch.
        columns: The cells of each column, aligned with ``positions``.
    """

    names: tuple[str, ...]
    positions: Sequence[int]
    columns: Sequence[Sequence[object]]


class RowBatch(ABC):
    """Consecutive rows of a file.

    Attributes:
        numbers: Line where each row starts, or its number, from 1.
    """

    numbers: Sequence[int]

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows, sound or not, without blank lines."""

    @abstractmethod
    def result(self, position: int) -> Result:
        """The row at a position from 0, or what was found instead."""

    @abstractmethod
    def tables(self) -> Iterable[ColumnRows]:
        """The rows by column; each row is in one table at most, and nothing else is in any."""

    def results(self) -> Iterator[tuple[int, Result]]:
        """All that was found, with the numbers."""
        for position, number in enumerate(self.numbers):
            yield number, self.result(position)


class GivenBatch(RowBatch):
    """Rows that were made one after another and may have different columns.

    >>> batch = GivenBatch([1, 2, 3], [{"a": 1}, {"b": 2}, {"a": 3}])
    >>> [(table.names, table.positions, table.columns) for table in batch.tables()]
    [(('a',), [0, 2], [[1, 3]]), (('b',), [1], [[2]])]
    """

    def __init__(self, numbers: Sequence[int], results: Sequence[Result]) -> None:
        self.numbers, self._results = numbers, results

    @property
    def n_rows(self) -> int:
        """Number of rows, without blank lines."""
        return sum(result is not None for result in self._results)

    def result(self, position: int) -> Result:
        """The row at a position, or what was found instead."""
        return self._results[position]

    def tables(self) -> Iterator[ColumnRows]:
        """The rows that are dictionaries, by their columns."""
        results: Sequence[Any] = self._results
        for names, positions in self._positions().items():
            rows = [results[position] for position in positions]
            yield ColumnRows(names, positions, [[*map(itemgetter(name), rows)] for name in names])

    def _positions(self) -> Mapping[tuple[str, ...], Sequence[int]]:
        """Names of columns -> positions of the rows with these columns."""
        results: Sequence[Any] = self._results
        if {*map(type, results)} == {dict} and len(names := {*map(tuple, results)}) == 1:
            return dict.fromkeys(filter(None, names), range(len(results)))
        found: dict[tuple[str, ...], list[int]] = {}
        for position, row in enumerate(results):
            if type(row) is dict and row:
                found.setdefault(tuple(row), []).append(position)
        return found


class CellBatch(RowBatch):
    """Rows with the same columns, as lists of cells, between faults and blank lines.

    >>> batch = CellBatch([2, 3], ("a", "b"), [["1", "2"], None], dict)
    >>> batch.result(0), batch.result(1), [table.columns for table in batch.tables()]
    ({'a': '1', 'b': '2'}, None, [[('1',), ('2',)]])
    """

    def __init__(
        self,
        numbers: Sequence[int],
        names: tuple[str, ...],
        found: Sequence[list[str] | BadRow | None],
        row_type: Callable[[Iterable[tuple[str, str]]], Row],
    ) -> None:
        self.numbers, self._names, self._found, self._row_type = numbers, names, found, row_type

    @property
    def n_rows(self) -> int:
        """Number of rows, without blank lines."""
        return sum(cells is not None for cells in self._found)

    def result(self, position: int) -> Result:
        """The row at a position, or what was found instead."""
        cells = self._found[position]
        if not isinstance(cells, list):
            return cells
        return self._row_type(zip(self._names, cells, strict=True))

    def tables(self) -> Iterator[ColumnRows]:
        """The sound rows."""
        found = enumerate(self._found)
        rows = {position: cells for position, cells in found if isinstance(cells, list)}
        if rows:
            yield ColumnRows(self._names, [*rows], list(zip(*rows.values(), strict=True)))


class ColumnBatch(RowBatch):
    """Sound rows with the same columns, as columns.

    >>> batch = ColumnBatch(range(1, 3), ("a", "b"), [[1, 2], ["x", "y"]])
    >>> batch.result(1)
    {'a': 2, 'b': 'y'}
    """

    def __init__(
        self, numbers: Sequence[int], names: tuple[str, ...], columns: Sequence[Sequence[object]]
    ) -> None:
        self.numbers, self._names, self._columns = numbers, names, columns

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.numbers)

    def result(self, position: int) -> Result:
        """The row at a position, as a dictionary."""
        return {
            name: cells[position] for name, cells in zip(self._names, self._columns, strict=True)
        }

    def tables(self) -> Iterator[ColumnRows]:
        """All rows."""
        yield ColumnRows(self._names, range(len(self.numbers)), self._columns)


def batches_of(results: Iterable[tuple[int, Result]]) -> Iterator[RowBatch]:
    """Batches of results that come one after another, each with its number."""
    for some in in_batches(results):
        yield GivenBatch([number for number, _ in some], [result for _, result in some])


def in_batches(
    items: Iterable[Item], size_of: Callable[[Item], int] | None = None
) -> Iterator[list[Item]]:
    """Some items together; where the items end with an error, those before it come first.

    Args:
        items: The items.
        size_of: Bytes of an item; of no account where it is not given.

    >>> [len(batch) for batch in in_batches(range(600))]
    [256, 256, 88]
    """
    batch: list[Item] = []
    n_bytes = 0
    try:
        for item in items:
            batch.append(item)
            if size_of is not None:
                n_bytes += size_of(item)
            if len(batch) == _ROWS or n_bytes > _BYTES:
                yield batch
                batch, n_bytes = [], 0
    except Exception:
        yield batch
        raise
    if batch:
        yield batch
