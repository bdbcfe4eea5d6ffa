"""Calls of a worker, their results, errors and warnings; values that many calls share."""

import logging
import mmap
import pickle
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pluralign.core import PluralignError

_ALIGNMENT = 64
_READ_AT_ONCE = 8  # values in files that a worker keeps at hand


class WorkerLost(PluralignError, RuntimeError):
    """A worker died, or did not answer in time, at every try of a call.

    Args:
        what: The event, such as its death.
    """

    def __init__(self, what: str) -> None:
        hint = "give the same command again, with fewer workers if memory ran out; work is kept"
        super().__init__(what, hint=hint)


class WorkerNotReady(PluralignError):
    """A worker cannot be started, or lacks something that the work needs."""


@dataclass(frozen=True, slots=True)
class Made:
    """How each worker makes an object that stays with it: an encoder, a reward model.

    Attributes:
        pickled: A function without arguments, pickled; functions are pickled by their names.
    """

    pickled: bytes

    @classmethod
    def by(cls, make: Callable[[], Any]) -> "Made":
        """The object that a function makes, such as ``partial(encoder_named, "minilm")``."""
        return cls(pickle.dumps(make))

    def here(self) -> Any:
        """The object in this process: made when it is first asked for."""
        return _made(self.pickled)


@lru_cache(maxsize=4)
def _made(pickled: bytes) -> Any:
    return pickle.loads(pickled)()  # noqa: S301  from the process that gives the work


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a call ended.

    Attributes:
        value: Its result.
        error: Its error; None where it returned.
        warnings: Level, logger and text of each warning that it logged.
    """

    value: Any
    error: Exception | None
    warnings: list[tuple[int, str, str]]

    def unpacked(self) -> Any:
        """Log the warnings here, and return or raise.

        Raises:
            Exception: The error of the call.
        """
        for level, name, text in self.warnings:
            logging.getLogger(name).log(level, "%s", text)
        if self.error is not None:
            raise self.error
        return self.value


def call_here(function: Callable[..., Any], arguments: Sequence[Any]) -> CallOutcome:
    """Call a function in this process; values in files are read first."""
    with _recorded() as warnings:
        try:
            given = [a.read() if isinstance(a, InFile) else a for a in arguments]
            return CallOutcome(function(*given), None, warnings)
        except Exception as error:
            return CallOutcome(None, _as_sendable(error), warnings)


def _as_sendable(error: Exception) -> Exception:
    """The error, or its words where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def _recorded() -> Iterator[list[tuple[int, str, str]]]:
    """The warnings that pluralign logs meanwhile."""
    found: list[tuple[int, str, str]] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append((record.levelno, record.name, record.getMessage()))

    logger, recorder = logging.getLogger("pluralign"), Recorder(logging.WARNING)
    logger.addHandler(recorder)
    try:
        yield found
    finally:
        logger.removeHandler(recorder)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class InFile:
    """A value in a file: the processes of a machine share the memory of its arrays.

    Attributes:
        path: A file that `write` wrote; it is removed with the reference that `write` returned.
    """

    path: Path

    @classmethod
    def write(cls, value: Any, path: Path) -> "InFile":
        """Write a value; its arrays lie behind its other parts."""
        buffers: list[pickle.PickleBuffer] = []
        parts = [pickle.dumps(value, protocol=5, buffer_callback=buffers.append)]
        raw = [memoryview(part) for part in parts] + [buffer.raw() for buffer in buffers]
        with path.open("wb") as file:
            pickle.dump([len(part) for part in raw], file)
            for part in raw:
                file.write(bytes(-file.tell() % _ALIGNMENT))
                file.write(part)
        found = cls(path)
        weakref.finalize(found, _remove, path).atexit = False  # at exit its folder is removed
        return found

    def read(self) -> Any:
        """The value, its arrays read-only; read once in a process."""
        return _read(self.path)


def _remove(path: Path) -> None:
    with suppress(OSError):  # Windows keeps a file that a worker still reads
        path.unlink()


@lru_cache(maxsize=_READ_AT_ONCE)
def _read(path: Path) -> Any:
    with path.open("rb") as file:
        sizes = pickle.load(file)  # noqa: S301  a file of the process that gives the work
        at = file.tell()
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    parts = []
    for size in sizes:
        at += -at % _ALIGNMENT
        parts.append(mapped[at : at + size])
        at += size
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301
