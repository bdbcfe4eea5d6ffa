"""The manifest of a folder: its files with digests, by which damage to a file is noticed.

A manifest has one line for each file that was written: its path within the folder, its size and its
SHA-256. The last line of a path counts. A line has a checksum over itself, so damage to the
manifest is noticed, too. Nothing in it depends on the path of the folder.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pluralign.core.digests import text_digest
from pluralign.core.errors import DamagedFile
from pluralign.core.files import cut_torn_line, files_in, whole_file
from pluralign.core.parsing import parse_json

MANIFEST = "manifest.jsonl"
"""Name of the file with the digests of a folder's files."""
_CHECK = "line_sha256"
_SHOWN = 5


def sealed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Add a checksum over a JSON object to it, under ``line_sha256``.

    >>> is_sound(sealed({"a": 1})), is_sound(sealed({"a": 1}) | {"a": 2})
    (True, False)
    """
    plain = json.loads(json.dumps(row))
    return {**plain, _CHECK: _check(plain)}


def is_sound(row: Mapping[str, Any]) -> bool:
    """Whether an object is unchanged since it was sealed; False for one that was never sealed."""
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
        """Size and digest of a file now."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(file.tell(), digest)

    def fault(self, path: Path) -> str | None:
        """How the file of today differs from the one that was written; None where it does not."""
        if not path.is_file():
            return "missing"
        size = path.stat().st_size
        if size != self.size:
            return f"{size:,} bytes instead of {self.size:,}"
        return None if Written.of(path) == self else "altered after it was written"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files that a folder should contain.

    Attributes:
        folder: The folder.
        files: Path within the folder -> the file as it was written.
        damaged: Whether a line of the manifest cannot be read, so that files may be missing in it.
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
        sound = [row for row in rows if row is not None]
        files = {row["file"]: Written(row["size"], row["sha256"]) for row in sound}
        return cls(folder, files, damaged=len(sound) < len(rows))

    def faults(self, *patterns: str) -> dict[str, str]:
        """Files that are missing, damaged or not listed -> the fault.

        Args:
            patterns: Patterns of paths, as in ``studies/*.jsonl``; all listed files without any.
        """
        names = [name for name in self.files if not patterns or _matches(name, patterns)]
        for pattern in patterns:
            names += [p.relative_to(self.folder).as_posix() for p in self.folder.glob(pattern)]
        return self._faults_of(names)

    def _faults_of(self, names: Iterable[str]) -> dict[str, str]:
        found = {name: self.fault(name) for name in names}
        return {name: fault for name, fault in found.items() if fault is not None}

    def fault(self, name: str) -> str | None:
        """The fault of a file; None where it is as it was written."""
        written = self.files.get(name)
        return f"not in {MANIFEST}" if written is None else written.fault(self.folder / name)

    def without(self, names: Iterable[str]) -> "Manifest":
        """Write the manifest again without some files, which then count as never written.

        Lines that were damaged are left out, too.
        """
        left_out = set(names)
        kept = {name: written for name, written in self.files.items() if name not in left_out}
        with whole_file(self.folder / MANIFEST) as partial:
            partial.write_bytes(b"".join(_line(name, written) for name, written in kept.items()))
        return Manifest(self.folder, kept)


def list_written(folder: Path, paths: Iterable[Path]) -> None:
    """Add files to the manifest of a folder, as they are now.

    Args:
        folder: The folder; it gets a manifest where it has none.
        paths: Files in it, at any depth.
    """
    lines = [_line(path.relative_to(folder).as_posix(), Written.of(path)) for path in paths]
    cut_torn_line(folder / MANIFEST)
    with (folder / MANIFEST).open("ab") as file:
        file.write(b"".join(lines))
        file.flush()
        os.fsync(file.fileno())


def list_folder(folder: Path) -> None:
    """Write the manifest of a folder with all the files in it, at any depth."""
    (folder / MANIFEST).unlink(missing_ok=True)
    list_written(folder, files_in(folder))


def folder_faults(folder: Path) -> dict[str, str] | None:
    """Files that are missing, damaged or not listed -> the fault; None without a manifest."""
    manifest = Manifest.read(folder)
    if manifest is None:
        return None
    present = {p.relative_to(folder).as_posix() for p in files_in(folder)}
    names = (present - {MANIFEST}) | manifest.files.keys()
    return _with_own_fault(manifest, manifest._faults_of(sorted(names)))


def check_written(folder: Path, *patterns: str, hint: str) -> None:
    """Check that the files of a folder are as they were written; without a manifest do nothing.

    Args:
        folder: The folder.
        patterns: Patterns of paths, as in ``studies/*.jsonl``.
        hint: The next step for the user where a file is not.

    Raises:
        DamagedFile: If files are missing, damaged or not listed, or the manifest itself is damaged;
            the error names them.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        return
    faults = _with_own_fault(manifest, manifest.faults(*patterns))
    if faults:
        raise DamagedFile(describe_faults(faults), where=str(folder), hint=hint)


def _with_own_fault(manifest: Manifest, faults: dict[str, str]) -> dict[str, str]:
    return faults | ({MANIFEST: "altered after it was written"} if manifest.damaged else {})


def describe_faults(faults: Mapping[str, str]) -> str:
    """List files and their faults in one line.

    >>> describe_faults({"results.jsonl": "missing"})
    'results.jsonl (missing)'
    """
    named = [f"{name} ({fault})" for name, fault in faults.items()]
    more = len(named) - _SHOWN
    return ", ".join(named[:_SHOWN]) + (f" and {more:,} more files" if more > 0 else "")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    path = PurePosixPath(name)
    return any(path.match(one) and name.count("/") == one.count("/") for one in patterns)


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
    return text_digest(text)[:16]
