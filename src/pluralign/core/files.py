"""Files that appear whole or not at all, and stay after a crash."""

import errno
import glob
import hashlib
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import TypeVar

_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9¹²³]", re.IGNORECASE)
"""Names that Windows reserves, with any suffix."""
_PART = re.compile(r"\..+\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}")
_DAY = 86_400
_AnyPath = TypeVar("_AnyPath", bound=PurePath)
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES}
"""Errors of file systems that cannot sync a folder."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of writing that do not name the file."""


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Write a file so that it appears whole or not at all, and is on disk when it appears.

    Args:
        path: Path of the file; its folder exists.
        private: Whether only its owner may read a new file. A file that is replaced keeps its
            permissions.

    Yields:
        The path of a partial file in the same folder, which is moved to ``path`` at the end. A
        process that is stopped or fails deletes it; one that is killed leaves it, and `is_part`
        recognises it. Its name is random, so that several machines may write the same file.

    Raises:
        OSError: If the disk is full or the folder cannot be written to; the error names ``path``.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as partial:
    ...         _ = partial.write_text("all of it")
    ...     [p.name for p in Path(folder).iterdir()]
    ['a.txt']
    """
    partial = part_of(path)
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        _create(partial, private or mode is not None)
        yield partial
        _sync(partial)
        if mode is not None:
            partial.chmod(mode)
        partial.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if (error.errno in _FULL and error.filename is None) or error.filename == str(partial):
            error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that its entries survive a crash; do nothing where that is impossible."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(opened)


def in_one_order(paths: Iterable[_AnyPath]) -> list[_AnyPath]:
    """Sort paths the same way on every system; Windows compares names without their case.

    >>> from pathlib import PureWindowsPath
    >>> [path.as_posix() for path in in_one_order(map(PureWindowsPath, ["a.txt", "B/a", "B"]))]
    ['B', 'B/a', 'a.txt']
    """
    return sorted(paths, key=lambda path: path.parts)


def files_in(folder: Path) -> list[Path]:
    """All files in a folder, at any depth, in the same order on every system."""
    return in_one_order(path for path in folder.rglob("*") if path.is_file())


def free_of_devices(name: str) -> str:
    """A file name with an underscore after its stem where Windows reserves that for a device.

    Args:
        name: A name without slashes, with or without suffixes.

    >>> [free_of_devices(name) for name in ("con", "Nul.html", "com1.tar.gz", "congo", "MEX.html")]
    ['con_', 'Nul_.html', 'com1_.tar.gz', 'congo', 'MEX.html']
    """
    stem, dot, suffixes = name.partition(".")
    return f"{stem}_{dot}{suffixes}" if _DEVICE.fullmatch(stem.strip()) else name


def part_of(path: Path) -> Path:
    """A new path in the same folder for a part of a file, with the machine and the process.

    >>> part_of(Path("runs/results.jsonl")) == part_of(Path("runs/results.jsonl"))
    False
    """
    name = f".{path.name}.{_this_machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(name)


def is_part(path: Path) -> bool:
    """Whether a file is a partial one that `whole_file` left when its process was killed.

    >>> path = Path("runs/results.jsonl")
    >>> is_part(part_of(path)), is_part(path)
    (True, False)
    """
    return _PART.fullmatch(path.name) is not None


def clear_parts(folder: Path) -> None:
    """Delete the partial files, at any depth, of processes that no longer run.

    Of a process on another machine, only files that are a day old are deleted.
    """
    _clear(folder.rglob(".*"))


def clear_parts_of(path: Path) -> None:
    """Delete the partial files of one file, where `clear_parts` would."""
    _clear(path.parent.glob(f".{glob.escape(path.name)}.*"))


def cut_torn_line(path: Path) -> None:
    """Cut off an unfinished last line, which a killed process left without its line feed."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        size = keep = file.seek(0, os.SEEK_END)
        while keep > 0:
            start = max(0, keep - 65536)
            file.seek(start)
            if (end := file.read(keep - start).rfind(b"\n")) >= 0:
                keep = start + end + 1
                break
            keep = start
        if keep < size:
            file.truncate(keep)


def _clear(paths: Iterable[Path]) -> None:
    for path in paths:
        if is_part(path) and _abandoned(path):
            path.unlink(missing_ok=True)


def _create(partial: Path, private: bool) -> None:
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _abandoned(path: Path) -> bool:
    """Whether the process of a partial file ended; else, whether the file is a day old.

    Processes of other machines, and those of Windows, cannot be looked up.
    """
    found = _PART.fullmatch(path.name)
    assert found is not None
    with suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime > _DAY:
            return True
    if os.name == "nt" or found["machine"] != _this_machine():
        return False
    try:
        os.kill(int(found["process"]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _this_machine() -> str:
    """Eight digits for the name of this machine, which files need not show."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]
