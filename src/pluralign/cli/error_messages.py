"""Messages for errors that a user can fix."""

import errno
import os
import re

from pluralign.core.errors import PluralignError

_HINTS = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT), "free some space, then give the same command again"
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "check the permissions, or name another place"
    ),
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE), "close other programs, or raise the limit: ulimit -n"
    ),
    errno.EFBIG: "raise the limit on the size of files: ulimit -f",
    errno.EIO: "check the disk, or name another place",
}
"""Remedies for errors of the operating system, by their number."""
_RUST = re.compile(r"\(os error (\d+)\)|\bOs \{ code: (\d+)")
"""How libraries in Rust (safetensors, tokenizers) write the number of an error of the system."""
_TORCH_WRITER = "inline_container.cc"
"""The part of PyTorch that writes checkpoints; its errors lack the number of the system."""


def message_of(error: Exception) -> str | None:
    """The message for an error; None for a defect of pluralign, which is raised with its traceback.

    >>> print(message_of(OSError(errno.ENOSPC, "No space left on device", "runs/uk/results.jsonl")))
    runs/uk/results.jsonl: No space left on device
      -> free some space, then give the same command again
    """
    if isinstance(error, PluralignError):
        return str(error)
    if isinstance(error, RecursionError):
        return (
            "a file that was read is nested too deeply\n"
            "  -> look at the files that the command names"
        )
    if (
        isinstance(error, RuntimeError)
        and _TORCH_WRITER in str(error)
        and "unexpected pos" in str(error)
    ):
        return (
            "PyTorch could not write a checkpoint\n"
            "  -> check that the disk has room, then give the same command again"
        )
    number = _number(error)
    place = (error.filename2 or error.filename) if isinstance(error, OSError) else None
    if number is None or (place is None and number not in _HINTS):
        return None
    hint = _HINTS.get(number, "check the path, and that it can be read or written")
    return (
        f"{f'{os.fspath(place)}: ' if place is not None else ''}{os.strerror(number)}\n  -> {hint}"
    )


def _number(error: Exception) -> int | None:
    """The system's number of an error, also where a library gives it in words."""
    if isinstance(error, OSError):
        return error.errno
    found = _RUST.search(str(error))
    return int(found[1] or found[2]) if found else None
