"""A file that grows by whole lines: what was written stays, whatever stops the process."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pluralign.core import (
    InvalidInput,
    cut_torn_line,
    is_sealed,
    is_sound,
    parse_json,
    sealed,
    whole_file,
)


class GrowingFile:
    """JSON objects, one a line, each on disk before the next.

    Each line has a checksum. When the file is opened again, a line that a kill left half written is
    cut off, and lines that are not as they were written are taken out: what they held is missing,
    and can be made again.

    Args:
        path: The file; its folder is made.
        owner: What the rows belong to; a file of another owner is refused. It is kept beside the
            file.

    Attributes:
        damaged: How many damaged lines were taken out.

    Raises:
        InvalidInput: If the file belongs to another owner.
    """

    def __init__(self, path: Path, owner: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._claim(owner)
        self.damaged = self._drop_damaged()
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace")

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one object; a lone surrogate, which UTF-8 does not have, is written as JSON escapes it."""
        self._file.write(json.dumps(sealed(row), ensure_ascii=False) + "\n")
        self._file.flush()

    def rows(self) -> Iterator[dict[str, Any]]:
        """All objects written so far, as they were written."""
        with self.path.open("rb") as file:
            yield from filter(None, map(_row, file))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _claim(self, owner: str) -> None:
        beside = self.path.with_name(f"{self.path.name}.owner")
        if not self.path.exists() or self.path.stat().st_size == 0:
            with whole_file(beside) as partial:
                partial.write_text(owner + "\n", encoding="utf-8")
        elif not beside.is_file() or beside.read_text(encoding="utf-8").strip() != owner:
            raise InvalidInput(
                "the file holds answers of another model or of other settings, or its .owner file "
                "is damaged",
                where=str(self.path),
                hint="name another folder, or begin anew with --fresh",
            )

    def _drop_damaged(self) -> int:
        """Take lines that are not as they were written out of the file; how many."""
        cut_torn_line(self.path)
        if not self.path.exists():
            return 0
        lines = self.path.read_bytes().splitlines(keepends=True)
        sound = [line for line in lines if _row(line) is not None]
        if len(sound) < len(lines):
            with whole_file(self.path) as partial:
                partial.write_bytes(b"".join(sound))
        return len(lines) - len(sound)


def _row(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None where the line is damaged. Lines of early versions have no checksum."""
    try:
        row = parse_json(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or (is_sealed(row) and not is_sound(row)):
        return None
    return row
