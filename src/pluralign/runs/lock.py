"""One process at a time works in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from pluralign.core import InvalidSettings

LOCK = ".lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder.

    The operating system ends the lock when the process ends, even if it is killed.

    Args:
        folder: The folder; made if absent. An empty file ``.lock`` stays in it.

    Raises:
        InvalidSettings: If another process works in it; its number is named where it is known.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, alone_in(Path(folder)):
    ...     with alone_in(Path(folder)):
    ...         pass
    Traceback (most recent call last):
    pluralign.core.errors.InvalidSettings: ...: another process (...) works in this folder
      -> wait for it to end, or name another folder
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InvalidSettings(
            f"another process{_number(path)} works in this folder",
            where=str(folder),
            hint="wait for it to end, or name another folder",
        ) from None
    try:
        _sign(path, str(os.getpid()))
        yield
    finally:
        _sign(path, "")
        lock.release()


def _sign(path: Path, text: str) -> None:
    # A lock without a number locks as well; Windows lets nobody write into one.
    with suppress(OSError):
        path.write_text(text, encoding="utf-8", newline="\n")


def _number(path: Path) -> str:
    try:
        number = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
    return f" ({number})" if number.isdigit() else ""
