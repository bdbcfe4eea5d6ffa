"""The common part of finished runs: a record, tables of typed rows, and how they are shown."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pluralign.core import InvalidInput
from pluralign.runs.finished import check_files
from pluralign.runs.folder import RECORD
from pluralign.runs.run_display import Glance, as_html, as_text
from pluralign.runs.typed_rows import numbered_lines, typed_rows

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Row = TypeVar("Row")


@dataclass(frozen=True, repr=False)
class FinishedRun(ABC):
    """A finished run, opened by `pluralign.open_run`.

    Tables are read from their files when they are first asked for, after a check against the
    folder's manifest; files of early versions, which kept none, are read without a check.

    Attributes:
        folder: Where it lies.
        record: ``record.json``, or ``audit.json`` of an audit.
    """

    folder: Path
    record: Mapping[str, Any] = field(repr=False)

    record_name: ClassVar[str] = RECORD
    tables: ClassVar[Mapping[str, type[Any]]] = {}
    """Name of each table -> the type of its rows."""

    @property
    def name(self) -> str:
        """Name of the run, or of its folder where it has none."""
        return str(self.record.get("name") or self.folder.name)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings as they were resolved."""
        found: Mapping[str, Any] = self.record.get("settings", {})
        return found

    def file(self, name: str) -> Path:
        """The path of a file in the folder, after a check that it is as it was written.

        Args:
            name: Its name from the folder, as in ``answers.jsonl``.

        Raises:
            DamagedFile: If it is missing, damaged or not listed.
        """
        check_files(self.folder / self.record_name, name)
        return self.folder / name

    def to_arrow(self, table: str = "results") -> "pyarrow.Table":
        """A table as a pyarrow table, a column for each field of its rows.

        Args:
            table: Its name; `tables` lists them.

        Raises:
            InvalidInput: If the run has no such table.
            DamagedFile: If its file is missing or damaged.
        """
        from pluralign.runs.data_frames import arrow_table

        if table not in self.tables:
            raise InvalidInput(
                f"{type(self).__name__} has no table {table!r}",
                where=str(self.folder),
                hint=f"it has {', '.join(self.tables)}",
            )
        return arrow_table(getattr(self, table), self.tables[table])

    def to_pandas(self, table: str = "results") -> "pandas.DataFrame":
        """A table as a pandas data frame; arguments and errors as for `to_arrow`.

        Raises:
            MissingExtra: If pandas is not installed.
        """
        from pluralign.runs.data_frames import pandas_frame

        return pandas_frame(self.to_arrow(table))

    def to_polars(self, table: str = "results") -> "polars.DataFrame":
        """A table as a polars data frame; arguments and errors as for `to_arrow`.

        Raises:
            MissingExtra: If polars is not installed.
        """
        from pluralign.runs.data_frames import polars_frame

        return polars_frame(self.to_arrow(table))

    def _rows(self, name: str, kind: type[Row]) -> tuple[Row, ...]:
        """The lines of a file as typed rows; none where the run has no such file."""
        path = self.file(name)
        return typed_rows(numbered_lines(path), kind, path)

    @abstractmethod
    def _glance(self) -> Glance:
        """The facts and numbers that readers see first."""

    def __repr__(self) -> str:
        return as_text(self._head(), self._glance)

    def _repr_html_(self) -> str:
        return as_html(self._head(), self._glance)

    def _head(self) -> list[str]:
        written = str(self.record.get("written", ""))[:10]
        version = self.record.get("versions", {}).get("pluralign")
        by = f", by pluralign {version}" if version else ""
        return [
            f"{type(self).__name__} {self.name!r} in {self.folder}",
            *([f"written {written}{by}"] if written else []),
            f"tables: {', '.join(self.tables)}",
        ]


def named_first(names: Sequence[str], wanted: str | None, preferred: Sequence[str]) -> str:
    """The name that is wanted, else the first preferred one that is there, else the last.

    >>> named_first(["reference", "full", "scpo"], None, ["adaptive", "scpo"])
    'scpo'
    """
    if wanted is not None:
        return wanted
    return next((name for name in preferred if name in names), names[-1])
