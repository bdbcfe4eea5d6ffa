"""A simulated power cut at every operation of a session, and what a restart finds.

A session runs as it always does, but with `recorder.c` below it, which notes each write,
truncation, deletion and sync. A cut at an operation leaves on the disk everything that was synced
before; of the rest, each 512-byte sector, each truncation, and each new or deleted name is there or
not, by chance. Disks that report a sync before it is done are outside this model.
"""

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from durability.answering import ACKNOWLEDGED, assignment_id, new_study
from pluralign.collecting import audit_log

T = TypeVar("T")
_HERE = Path(__file__).parent
_HEAD = struct.Struct("<cQQQ")
_SECTOR = 512
_FOLDER = "."


@dataclass(frozen=True, slots=True)
class Operation:
    """What a process did to a file.

    Attributes:
        kind: ``w`` write, ``t`` truncate, ``d`` delete, ``s`` sync.
        name: Name of the file; ``.`` for the folder.
        offset: Where the data begin; the new size of a truncated file.
        data: What was written.
    """

    kind: str
    name: str
    offset: int
    data: bytes


@dataclass(slots=True)
class _File:
    """A file on a disk whose cache is not yet written."""

    durable: bytearray = field(default_factory=bytearray)
    waiting: list[Operation] = field(default_factory=list)
    named: bool = False  # whether its name is durable
    deleted: bool = False  # whether it was deleted, but the folder not synced

    def sync(self) -> None:
        for operation in self.waiting:
            _apply(self.durable, operation)
        self.waiting.clear()


class Disk:
    """What is durable after some operations, and what is still in a cache."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self.acknowledged: set[str] = set()

    def do(self, operation: Operation) -> None:
        """Do one operation."""
        if operation.name == ACKNOWLEDGED:
            self.acknowledged.add(assignment_id(int(operation.data.split()[0])))
        elif operation.name == _FOLDER:
            self._sync_names()
        else:
            self._do(operation, self._files.setdefault(operation.name, _File()))

    def _do(self, operation: Operation, file: _File) -> None:
        if operation.kind == "s":
            file.sync()
        elif operation.kind == "d":
            file.deleted = True
        else:
            if file.deleted:  # a new file of the same name
                self._files[operation.name] = file = _File(named=file.named)
            file.waiting.append(operation)

    def _sync_names(self) -> None:
        self._files = {name: file for name, file in self._files.items() if not file.deleted}
        for file in self._files.values():
            file.named = True

    def after_a_cut(self, rng: np.random.Generator) -> dict[str, bytes]:
        """What a restart may find: files by name."""
        share = float(rng.choice([0.0, 0.5, 1.0]))
        return {
            name: _after_a_cut(file, share, rng)
            for name, file in self._files.items()
            if (file.named or rng.random() < share) and not (file.deleted and rng.random() < share)
        }


def _after_a_cut(file: _File, share: float, rng: np.random.Generator) -> bytes:
    image = bytearray(file.durable)
    for operation in file.waiting:
        for piece in _pieces(operation):
            if rng.random() < share:
                _apply(image, piece)
    return bytes(image)


def _pieces(operation: Operation) -> Iterator[Operation]:
    """The parts of a write that reach the disk each on its own."""
    if operation.kind != "w":
        yield operation
        return
    at, end = operation.offset, operation.offset + len(operation.data)
    while at < end:
        stop = min(end, (at // _SECTOR + 1) * _SECTOR)
        start = at - operation.offset
        data = operation.data[start : start + stop - at]
        yield Operation("w", operation.name, at, data)
        at = stop


def _apply(image: bytearray, operation: Operation) -> None:
    end = operation.offset + len(operation.data)
    if operation.kind == "t":
        del image[operation.offset :]
    image.extend(bytes(max(0, end - len(image))))
    image[operation.offset : end] = operation.data


def recorder(folder: Path) -> Path | None:
    """The compiled recorder; None where there is no C compiler, or not on Linux."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    library = folder / "recorder.so"
    source = str(_HERE / "recorder.c")
    flags = ["-O2", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([compiler, *flags, source, "-ldl", "-lpthread"], check=True)
    return library


def record_session(folder: Path, library: Path, answers: int, synchronous: str) -> list[Operation]:
    """Run a session in an empty folder, from the making of the store to its end.

    Args:
        folder: The new study's folder.
        library: The recorder.
        answers: Number of answers.
        synchronous: SQLite's setting; ``FULL`` is what pluralign uses.
    """
    new_study(folder)
    command = [sys.executable, str(_HERE / "answering.py"), str(folder)]
    subprocess.run(
        [*command, "--answers", str(answers), "--synchronous", synchronous],
        env=recording(folder, library),
        check=True,
    )
    return recorded(folder)


def recording(folder: Path, library: Path) -> dict[str, str]:
    """The environment of a process whose operations on a study are recorded."""
    own = {
        "LD_PRELOAD": library,
        "PYTHONPATH": _HERE.parent,
        "RECORD_FOLDER": folder,
        "RECORD_TO": _records(folder),
    }
    return os.environ | {name: str(value) for name, value in own.items()}


def recorded(folder: Path) -> list[Operation]:
    """All operations on a study that were recorded so far."""
    return list(_operations(_records(folder).read_bytes()))


def _records(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.records"


def _operations(records: bytes) -> Iterator[Operation]:
    at = 0
    while at < len(records):
        kind, name_size, offset, size = _HEAD.unpack_from(records, at)
        at += _HEAD.size
        name, data = records[at : at + name_size], records[at + name_size :][:size]
        at += name_size + size
        if not name.endswith(b"-shm"):  # memory that SQLite makes anew after a crash
            yield Operation(kind.decode(), name.decode(), offset, data)


@dataclass(frozen=True, slots=True)
class Found:
    """What a restart found after a cut.

    Attributes:
        lost: Acknowledged answers that are not there.
        unacknowledged: Answers that are there and were not acknowledged.
        damaged: What SQLite or the audit log reports; empty if all is well.
    """

    lost: int
    unacknowledged: int
    damaged: str = ""


def cuts(
    operations: list[Operation],
    at: Iterable[int],
    rng: np.random.Generator,
    look: Callable[[Path, set[str]], T],
) -> Iterator[T]:
    """Cut the power after some of the operations, each time from the start.

    Args:
        operations: A session.
        at: Numbers of operations, ascending, from 0 for "before the first one".
        rng: Decides what of the cache reached the disk.
        look: Looks at what a restart finds: the folder, and the acknowledged
            assignments.
    """
    disk, done = Disk(), 0
    for stop in at:
        for operation in operations[done:stop]:
            disk.do(operation)
        done = stop
        with tempfile.TemporaryDirectory() as folder:
            for name, image in disk.after_a_cut(rng).items():
                Path(folder, name).write_bytes(image)
            yield look(Path(folder), set(disk.acknowledged))


def found(folder: Path, acknowledged: set[str]) -> Found:
    """Look at a store with Python's own SQLite: its answers, its integrity and its audit log.

    Args:
        folder: The study's folder.
        acknowledged: Assignments whose answers were acknowledged.
    """
    connection = sqlite3.connect(folder / "store.db", check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        damaged = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        rows = connection.execute("SELECT assignment FROM rating") if "rating" in tables else []
        stored = {row[0] for row in rows}
        broken = _broken_at(connection) if "audit" in tables else None
    except sqlite3.DatabaseError as error:
        return Found(len(acknowledged), 0, str(error))
    finally:
        connection.close()
    damaged = "" if damaged == "ok" else damaged
    if broken is not None:
        damaged += f" audit log broken at row {broken}"
    return Found(len(acknowledged - stored), len(stored - acknowledged), damaged)


def _broken_at(connection: sqlite3.Connection) -> int | None:
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as reading:
        return audit_log.broken_at(reading)
