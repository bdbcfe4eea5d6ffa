"""A file that grows by whole lines, which stay if the process is stopped or killed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pluralign.core import (
    OtherWork,
    cut_torn_line,
    is_sealed,
    is_sound,
    parse_json,
    sealed,
    whole_file,
)


class GrowingFile:
    """JSON objects, one on each line, each on disk before the next.

    Each line has a checksum. When the file is opened again, an unfinished last line is cut off, and
    altered lines are removed. Their rows are missing then, and the caller can make them again.

    Args:
        path: The file; its folder is created.
        owner: A text that identifies the owner of the rows, in a file next to it. The file of
            another owner is refused.

    Attributes:
        damaged: Number of damaged lines that were removed.

    Raises:
        OtherWork: If the file belongs to another owner.
    """

    def __init__(self, path: Path, owner: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._claim(owner)
        self.damaged = self._drop_damaged()
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n")

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one object; a lone surrogate, which is not in UTF-8, becomes a JSON escape."""
        self._file.write(json.dumps(sealed(row), ensure_ascii=False) + "\n")
        self._file.flush()

    def rows(self) -> Iterator[dict[str, Any]]:
        """All objects written so far."""
        with self.path.open("rb") as file:
            yield from filter(None, map(_row, file))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _claim(self, owner: str) -> None:
        owner_file = self.path.with_name(f"{self.path.name}.owner")
        if not self.path.exists() or self.path.stat().st_size == 0:
            with whole_file(owner_file) as partial:
                partial.write_text(owner + "\n", encoding="utf-8", newline="\n")
        elif not owner_file.is_file() or owner_file.read_text(encoding="utf-8").strip() != owner:
            raise OtherWork(
                "the file has answers of another model or of other settings, or its .owner file is "
                "damaged",
                where=str(self.path),
                hint="name another folder, or start again with --fresh",
            )

    def _drop_damaged(self) -> int:
        """Remove altered lines from the file, and return their number."""
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
    """The object of a line; None for a damaged line. Lines of early versions have no checksum."""
    try:
        row = parse_json(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or (is_sealed(row) and not is_sound(row)):
        return None
    return row
