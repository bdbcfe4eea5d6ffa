"""Limits on the size of a data file, so that a small hostile file cannot fill the memory."""

import os
from dataclasses import dataclass
from pathlib import Path

from pluralign.core import InvalidInput, count_of

MAX_ROWS = "PLURALIGN_MAX_ROWS"
MAX_ROW_MB = "PLURALIGN_MAX_ROW_MB"
MAX_EXPANDED_MB = "PLURALIGN_MAX_EXPANDED_MB"

_MEGABYTE = 1_000_000
_USUAL_COMPRESSION = 50


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits on one data file; each has an environment variable that raises it.

    Attributes:
        rows: Largest number of rows (``PLURALIGN_MAX_ROWS``, default 5,000,000).
        row_bytes: Largest size of one row (``PLURALIGN_MAX_ROW_MB``, default 16 MB).
        expanded_bytes: Largest size of a file after decompression (``PLURALIGN_MAX_EXPANDED_MB``,
            default 256 MB). A file may always expand to 50 times its own size, which ordinary text
            does not reach.
    """

    rows: int = 5_000_000
    row_bytes: int = 16 * _MEGABYTE
    expanded_bytes: int = 256 * _MEGABYTE

    @classmethod
    def from_environment(cls) -> "ReadLimits":
        """The limits that the environment sets, else the defaults.

        Raises:
            InvalidInput: If a variable is not a whole number above 0.
        """
        return cls(
            _variable(MAX_ROWS, cls().rows, 1),
            _variable(MAX_ROW_MB, cls().row_bytes, _MEGABYTE),
            _variable(MAX_EXPANDED_MB, cls().expanded_bytes, _MEGABYTE),
        )

    def expanded(self, path: Path) -> int:
        """Largest size of this file after decompression, in bytes."""
        return max(self.expanded_bytes, _USUAL_COMPRESSION * path.stat().st_size)

    def check_rows(self, n_rows: int, where: Path) -> None:
        """Refuse a file of too many rows.

        Raises:
            InvalidInput: If there are more than ``rows``.
        """
        if n_rows > self.rows:
            raise InvalidInput(
                f"the file must have at most {count_of(self.rows, 'row')}, got more",
                where=str(where),
                hint=f"if you trust the file, set {MAX_ROWS}=... to more rows in the environment",
            )

    def check_row(self, n_bytes: int, where: str) -> None:
        """Refuse a row that is too large.

        Raises:
            InvalidInput: If it is larger than ``row_bytes``.
        """
        if n_bytes > self.row_bytes:
            raise InvalidInput(
                f"one row must have at most {_megabytes(self.row_bytes)}, got more",
                where=where,
                hint=f"if you trust the file, set {MAX_ROW_MB}=... to more megabytes in the "
                "environment",
            )

    def check_expanded(self, n_bytes: int, path: Path) -> None:
        """Refuse a file that expands to more than its limit.

        Raises:
            InvalidInput: If it is larger than `expanded`.
        """
        if n_bytes > self.expanded(path):
            raise InvalidInput(
                f"the file must expand to at most {_megabytes(self.expanded(path))}, got more from "
                f"{count_of(path.stat().st_size, 'byte')}",
                where=str(path),
                hint=f"if you trust the file, set {MAX_EXPANDED_MB}=... to more megabytes in the "
                "environment",
            )


def _variable(name: str, default: int, unit: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) == 0:
        raise InvalidInput(
            f"{name} must be a whole number above 0, got {text[:40]!r}", where="environment"
        )
    return int(text) * unit


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / _MEGABYTE:,.0f} MB"
