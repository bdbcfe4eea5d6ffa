"""Check the rows of a file against the schema of its kind."""

from dataclasses import dataclass, field
from pathlib import Path

from pluralign.core import Tally, read_json_object
from pluralign.schemas.kinds import Kind
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import BadRow

_KINDS_OF_FILES = ("jsonl", "json", "parquet")


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that does not fit.

    Attributes:
        where: File and line; the file alone if it is one object.
        what: The first thing that does not fit.
    """

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A checked file.

    Attributes:
        rows: Rows that were read.
        faults: The rows that do not fit, in the order of the file.
    """

    rows: int
    faults: tuple[RowFault, ...]


@dataclass(frozen=True, slots=True)
class _Noting(RowPolicy):
    """Notes a broken line and reads on."""

    faults: list[RowFault] = field(default_factory=list)

    def refuse(self, bad: BadRow, where: str) -> None:
        self.faults.append(RowFault(where, bad.what))


def check_file(kind: Kind, path: Path) -> CheckedFile:
    """Check every row of a file.

    Args:
        kind: The kind of the file.
        path: JSON Lines (also with ``.gz``), JSON or Parquet; of a release its ``release.json``.

    Raises:
        InvalidInput: If the file is missing or of another kind.
        NotEnoughData: If it has no rows.
        DamagedFile: If a file that must be one JSON object is not one.
    """
    if kind.one_object:
        what = kind.fault(read_json_object(path))
        return CheckedFile(1, () if what is None else (RowFault(str(path), what),))
    policy = _Noting(Tally())
    for number, row in read_rows(path, policy, _KINDS_OF_FILES):
        what = kind.fault(row)
        if what is not None:
            policy.faults.append(RowFault(location(path, number), what))
    return CheckedFile(policy.tally.read, tuple(policy.faults))
