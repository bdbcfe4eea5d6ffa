"""Preference pairs given in Python: a data frame, a data set or a list of rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources.pairs_files import JsonlPairs
from pluralign.sources.row_batches import RowBatch, batches_of
from pluralign.sources.typed_cells import BadRow, Row


class GivenRows:
    """Rows in the caller's memory; a run's record describes them in one sentence."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[object]:
        rows = self._rows
        if hasattr(rows, "to_dicts"):  # polars
            return iter(rows.to_dicts())
        if hasattr(rows, "to_pylist"):  # pyarrow
            return iter(rows.to_pylist())
        if hasattr(rows, "to_dict") and hasattr(rows, "columns"):  # pandas
            return iter(rows.to_dict(orient="records"))
        return iter(rows)

    def __deepcopy__(self, memo: object) -> str:
        return f"rows given in Python ({type(self._rows).__name__})"


@dataclass(frozen=True)
class RowPairs(JsonlPairs):
    """Pairs in rows of Python; see `pairs_from`.

    Attributes:
        rows: The rows.
    """

    name: ClassVar[str] = "rows"
    about: ClassVar[str] = "preference pairs in a data frame, a data set or a list, given in Python"

    rows: GivenRows = field(default_factory=lambda: GivenRows(()))

    def _batches(self, tally: Tally) -> Iterator[RowBatch]:
        batch = None
        for batch in batches_of(enumerate(map(_row_of, self.rows), start=1)):
            yield batch
        if batch is None:
            raise NotEnoughData("there are no rows", where=str(self.path))


def _row_of(given: object) -> Row | BadRow:
    if isinstance(given, Mapping):
        return {str(name): value for name, value in given.items()}
    return BadRow(f"a row must be a mapping, got {type(given).__name__}", reason="not a mapping")


def pairs_from(
    rows: Iterable[Row] | Any, *, columns: Mapping[str, str] | None = None, **settings: Any
) -> RowPairs:
    """Make a source of pairs from rows in memory.

    Args:
        rows: A pandas or polars data frame, a ``datasets.Dataset``, a pyarrow table, or a list of
            mappings, with the columns of `JsonlPairs`.
        columns: Our name of a column -> its name in the rows, as in ``{"rater": "user_id"}``.
        **settings: ``community``, ``license`` and ``skip_bad`` of `JsonlPairs`.

    Returns:
        A source, which ``resolve({"pairs": source, ...})`` takes as it is. Rows are numbered from 1
        in messages.

    Raises:
        InvalidInput: If the rows are several splits, or text.

    >>> rows = [{"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "country": "Mexico"}]
    >>> source = pairs_from(rows, columns={"community": "country"})
    >>> [(pair.id, pair.community) for pair in source.pairs()]
    [('rows:1', 'MEX')]
    """
    if isinstance(rows, Mapping):
        names = ", ".join(map(str, rows))
        raise InvalidInput(
            f"rows must be one table, got a mapping of {names[:80]}",
            hint="give one split, as in pairs_from(data['train'])",
        )
    if isinstance(rows, str | bytes | Path):
        raise InvalidInput("rows must be a table, got text", hint="a file is JsonlPairs(path)")
    # A pyarrow table has no iterator.
    if not hasattr(rows, "__iter__") and not hasattr(rows, "to_pylist"):
        raise InvalidInput(
            f"rows must be a table, got {type(rows).__name__}", hint="give a data frame or a list"
        )
    return RowPairs(Path("rows"), columns=columns or {}, rows=GivenRows(rows), **settings)
