"""A file that grows by whole lines: what was written stays, whatever stops the process."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pluralign.core import DamagedFile, InvalidInput


class GrowingFile:
    """JSON objects, one a line, each on disk before the next.

    A line that a kill left half written is cut off when the file is opened again.

    Args:
        path: The file; its folder is made.
        owner: What the rows belong to; a file of another owner is refused. It is kept beside the file.

    Raises:
        InvalidInput: If the file belongs to another owner.
    """

    def __init__(self, path: Path, owner: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._claim(owner)
        self._mend()
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace")

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one object; a lone surrogate, which UTF-8 does not have, is written as JSON escapes it."""
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()

    def rows(self) -> Iterator[dict[str, Any]]:
        """All objects written so far.

        Raises:
            DamagedFile: If a line is no JSON object.
        """
        with self.path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise DamagedFile("not JSON", where=f"{self.path}:{number}", hint="delete that line") from error
                yield row

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _claim(self, owner: str) -> None:
        beside = self.path.with_name(f"{self.path.name}.owner")
        if not self.path.exists() or self.path.stat().st_size == 0:
            beside.write_text(owner + "\n", encoding="utf-8")
        elif not beside.is_file() or beside.read_text(encoding="utf-8").strip() != owner:
            raise InvalidInput(
                "the file holds what another model, or the same with other settings, said",
                where=str(self.path),
                hint="name another folder, or begin anew with --fresh",
            )

    def _mend(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            keep = size
            while keep > 0:
                start = max(0, keep - 65536)
                file.seek(start)
                block = file.read(keep - start)
                if (end := block.rfind(b"\n")) >= 0:
                    keep = start + end + 1
                    break
                keep = start
            if keep < size:
                file.truncate(keep)
