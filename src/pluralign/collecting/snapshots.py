"""Snapshots of a study in a folder of backups: their names, manifests and checks."""

import datetime
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from pluralign.collecting import audit_log
from pluralign.collecting.store.engines import reading_file
from pluralign.collecting.store.tables import metadata
from pluralign.core import DamagedFile, InvalidInput, file_digest
from pluralign.core.files import part_of, sync_folder

STORE_FILE, MANIFEST_FILE, WITHDRAWALS_FILE = "store.db", "manifest.json", "withdrawals.jsonl"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """The content of a snapshot.

    Attributes:
        study: Id of the study.
        made_at: Seconds since 1970.
        version: Version of pluralign that made it.
        head: Head of the audit log.
        rows: Number of rows of each table.
        files: SHA-256 of each file.
    """

    study: str
    made_at: int
    version: str
    head: str
    rows: dict[str, int]
    files: dict[str, str]


def snapshots(folder: Path) -> list[Path]:
    """The snapshots in a folder of backups, oldest first."""
    if not folder.is_dir():
        return []
    named = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(path for path in named if (path / MANIFEST_FILE).is_file())


def check_snapshot(snapshot: Path) -> SnapshotManifest:
    """Read a snapshot whole, and compare it with its manifest.

    Raises:
        DamagedFile: If a file is missing or changed, SQLite finds damage, or the audit log does not
            continue to the head in the manifest.
    """
    manifest = read_manifest(snapshot)
    for name, digest in manifest.files.items():
        path = snapshot / name
        if not path.is_file() or file_digest(path) != digest:
            raise _damaged(path, "is missing" if not path.is_file() else "was changed")
    with reading_file(snapshot / STORE_FILE) as connection:
        answer = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        if answer != "ok":
            raise _damaged(snapshot / STORE_FILE, f"is damaged: {answer}")
        broken = audit_log.broken_at(connection)
        if broken is not None or audit_log.head(connection) != manifest.head:
            raise _damaged(snapshot / STORE_FILE, "has an audit log that was changed")
        if rows_of(connection) != manifest.rows:
            raise _damaged(snapshot / STORE_FILE, "has other rows than its manifest")
    return manifest


def read_manifest(snapshot: Path) -> SnapshotManifest:
    """The manifest of a snapshot.

    Raises:
        DamagedFile: If it is not one.
    """
    path = snapshot / MANIFEST_FILE
    try:
        return SnapshotManifest(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(path, f"cannot be read ({error})") from None


def read_withdrawals(folder: Path) -> dict[str, dict[str, Any]]:
    """The withdrawals in a folder of backups, by id; none where the file does not exist."""
    path = folder / WITHDRAWALS_FILE
    if not path.exists():
        return {}
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {row["id"]: row for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, f"cannot be read ({error})") from None


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Fill a folder that appears whole or not at all, and is on disk when it appears.

    Args:
        folder: The folder, which does not exist or is empty.

    Yields:
        A folder in the same place, which only its owner can read.

    Raises:
        InvalidInput: If the folder has files.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput("the folder is not empty", where=str(folder), hint="name another one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = part_of(folder)
    partial.mkdir(mode=0o700)
    try:
        yield partial
        for path in partial.iterdir():
            _sync(path)
        sync_folder(partial)
        partial.replace(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def name_at(now: int) -> str:
    """Name of the snapshot of a time, in UTC."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H%M%SZ")


def close_whole(engine: Engine) -> None:
    """Close a SQLite file so that it is whole without the files that SQLite keeps next to it."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA journal_mode = DELETE")
    engine.dispose()


def rows_of(connection: Connection) -> dict[str, int]:
    """Number of rows of each table of a store."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _damaged(path: Path, what: str) -> DamagedFile:
    return DamagedFile(what, where=str(path), hint="use another snapshot")
