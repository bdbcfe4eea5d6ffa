"""What a folder holds, as it was written: digests by which damage to a file is noticed.

A manifest is a file of lines, one more for each file that was written: its name from the folder,
its size and its SHA-256. The last line of a name counts. A line vouches for itself, so damage to
the manifest is noticed too, and nothing in it depends on where the folder lies.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core.errors import DamagedFile
from pluralign.core.files import cut_torn_line, whole_file
from pluralign.core.parsing import parse_json

MANIFEST = "manifest.jsonl"
_CHECK = "line_sha256"
_SHOWN = 5


def sealed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object with a checksum over itself under ``line_sha256``.

    >>> is_sound(sealed({"a": 1})), is_sound(sealed({"a": 1}) | {"a": 2})
    (True, False)
    """
    plain = json.loads(json.dumps(row))
    return {**plain, _CHECK: _check(plain)}


def is_sound(row: Mapping[str, Any]) -> bool:
    """Whether an object is as it was sealed; one that was never sealed is not."""
    return row.get(_CHECK) == _check({key: value for key, value in row.items() if key != _CHECK})


def is_sealed(row: Mapping[str, Any]) -> bool:
    """Whether an object has a checksum."""
    return _CHECK in row


@dataclass(frozen=True, slots=True)
class Written:
    """A file as it was written.

    Attributes:
        size: Its size in bytes.
        sha256: Its digest, in hexadecimal.
    """

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Written":
        """The file as it lies there."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(file.tell(), digest)

    def fault(self, path: Path) -> str | None:
        """How the file that lies there differs from the one that was written; None where it does not."""
        if not path.is_file():
            return "missing"
        size = path.stat().st_size
        if size != self.size:
            return f"{size:,} bytes, {self.size:,} were written"
        return None if Written.of(path) == self else "altered after it was written"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files that a folder should hold.

    Attributes:
        folder: The folder.
        files: Name from the folder -> the file as it was written.
        damaged: Whether a line of the manifest cannot be read, so that names may be lacking.
    """

    folder: Path
    files: Mapping[str, Written]
    damaged: bool = False

    @classmethod
    def read(cls, folder: Path) -> "Manifest | None":
        """The manifest of a folder; None where it has none."""
        try:
            *lines, _ = (folder / MANIFEST).read_bytes().split(b"\n")
        except FileNotFoundError:
            return None
        rows = [_row(line) for line in lines]
        files = {
            row["file"]: Written(row["size"], row["sha256"]) for row in rows if row is not None
        }
        return cls(folder, files, None in rows)

    def faults(self, *patterns: str) -> dict[str, str]:
        """Files that are missing, damaged or not listed, with what is wrong.

        Args:
            patterns: Which files, as in ``studies/*.jsonl``; all that are listed where none is
                given.
        """
        wanted = [name for name in self.files if not patterns or _matches(name, patterns)]
        present = [
            p.relative_to(self.folder).as_posix() for x in patterns for p in self.folder.glob(x)
        ]
        found = {name: self.fault(name) for name in dict.fromkeys([*wanted, *present])}
        return {name: fault for name, fault in found.items() if fault is not None}

    def fault(self, name: str) -> str | None:
        """What is wrong with a file; None where it is as it was written."""
        written = self.files.get(name)
        return f"not in {MANIFEST}" if written is None else written.fault(self.folder / name)

    def without(self, names: Iterable[str]) -> "Manifest":
        """Write the manifest anew without some files, which count as never written, and without its damage."""
        left_out = set(names)
        kept = {name: written for name, written in self.files.items() if name not in left_out}
        with whole_file(self.folder / MANIFEST) as partial:
            partial.write_bytes(b"".join(_line(name, written) for name, written in kept.items()))
        return Manifest(self.folder, kept)


def list_written(folder: Path, paths: Iterable[Path]) -> None:
    """Add files to the manifest of a folder, as they lie there now.

    Args:
        folder: The folder; a manifest is begun where it has none.
        paths: Files in it, at any depth.
    """
    lines = [_line(path.relative_to(folder).as_posix(), Written.of(path)) for path in paths]
    cut_torn_line(folder / MANIFEST)
    with (folder / MANIFEST).open("ab") as file:
        file.write(b"".join(lines))
        file.flush()
        os.fsync(file.fileno())


def list_folder(folder: Path) -> None:
    """Begin the manifest of a folder with all the files in it, at any depth."""
    (folder / MANIFEST).unlink(missing_ok=True)
    list_written(folder, sorted(path for path in folder.rglob("*") if path.is_file()))


def folder_faults(folder: Path) -> dict[str, str] | None:
    """Files of a folder that are missing, damaged or not listed, with what is wrong; None where it has no manifest."""
    manifest = Manifest.read(folder)
    if manifest is None:
        return None
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {
        MANIFEST
    }
    found = {name: manifest.fault(name) for name in sorted(there | manifest.files.keys())}
    faults = {name: fault for name, fault in found.items() if fault is not None}
    return faults | ({MANIFEST: "altered after it was written"} if manifest.damaged else {})


def check_written(folder: Path, *patterns: str, hint: str) -> None:
    """Check that files lie in a folder as they were written; a folder without a manifest is not checked.

    Args:
        folder: The folder.
        patterns: Which files, as in ``studies/*.jsonl``.
        hint: What to do where one is not.

    Raises:
        DamagedFile: If files are missing, damaged or not listed, or the manifest itself is damaged;
            each is named.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        return
    faults = manifest.faults(*patterns)
    if manifest.damaged:
        faults[MANIFEST] = "altered after it was written"
    if faults:
        raise DamagedFile(told_faults(faults), where=str(folder), hint=hint)


def told_faults(faults: Mapping[str, str]) -> str:
    """Files and what is wrong with them in one line.

    >>> told_faults({"results.jsonl": "missing"})
    'results.jsonl (missing)'
    """
    named = [f"{name} ({fault})" for name, fault in faults.items()]
    more = len(named) - _SHOWN
    return ", ".join(named[:_SHOWN]) + (f" and {more:,} more files" if more > 0 else "")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(
        Path(name).match(pattern) and name.count("/") == pattern.count("/") for pattern in patterns
    )


def _line(name: str, written: Written) -> bytes:
    row = sealed({"file": name, "size": written.size, "sha256": written.sha256})
    return json.dumps(row).encode() + b"\n"


def _row(line: bytes) -> Any:
    """The object of a line; None where the line is damaged."""
    try:
        row = parse_json(line)
        return row if is_sound(row) else None
    except (ValueError, AttributeError):
        return None


def _check(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
