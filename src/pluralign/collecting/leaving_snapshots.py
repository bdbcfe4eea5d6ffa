"""People who left are taken out of older snapshots, too."""

import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from pluralign.collecting import audit_log
from pluralign.collecting.restoring import withdrawn_again
from pluralign.collecting.snapshots import (
    MANIFEST_FILE,
    STORE_FILE,
    check_snapshot,
    close_whole,
    read_withdrawals,
    rows_of,
    snapshots,
)
from pluralign.collecting.store.engines import reading_file, writing_engine
from pluralign.collecting.store.tables import participant, withdrawal
from pluralign.collecting.store.upgrading import upgrade
from pluralign.core import DamagedFile, file_digest
from pluralign.core.files import sync_folder

Rows = Collection[Mapping[str, Any]]
_OLD = ".old"


def leave_snapshots(folder: Path) -> list[str]:
    """Withdraw the people in `withdrawals.jsonl` from every snapshot that has them.

    Args:
        folder: A folder of backups.

    Returns:
        Names of the snapshots that were written again.

    Raises:
        DamagedFile: If a snapshot is not whole; it stays as it is.
    """
    _put_back(folder)
    rows = read_withdrawals(folder).values()
    changed = [snapshot for snapshot in snapshots(folder) if _has_one_of(snapshot, rows)]
    for snapshot in changed:
        _write_again(snapshot, rows)
    return [snapshot.name for snapshot in changed]


def _has_one_of(snapshot: Path, rows: Rows) -> bool:
    try:
        with reading_file(snapshot / STORE_FILE) as connection:
            people = set(connection.execute(select(participant.c.key_hash)).scalars())
            known = set(connection.execute(select(withdrawal.c.id)).scalars())
    except DBAPIError as error:
        raise DamagedFile(
            f"the snapshot cannot be read ({error.orig}), so nobody can be taken out of it",
            where=str(snapshot),
            hint="the new backup was made; delete the damaged snapshot",
        ) from error
    return any(row["key_hash"] in people and row["id"] not in known for row in rows)


def _write_again(snapshot: Path, rows: Rows) -> None:
    manifest = check_snapshot(snapshot)
    with _replaced(snapshot) as partial:
        engine = writing_engine(f"sqlite:///{(partial / STORE_FILE).absolute()}")
        upgrade(engine)
        with engine.begin() as connection:
            head, counts = _without(connection, rows)
        close_whole(engine)
        files = {name: file_digest(partial / name) for name in manifest.files}
        written = replace(manifest, head=head, rows=counts, files=files)
        (partial / MANIFEST_FILE).write_text(
            json.dumps(asdict(written), indent=2) + "\n", "utf-8", newline="\n"
        )
        check_snapshot(partial)


def _without(connection: Connection, rows: Rows) -> tuple[str, dict[str, int]]:
    for row in rows:
        withdrawn_again(connection, row)
    return audit_log.head(connection), rows_of(connection)


@contextmanager
def _replaced(snapshot: Path) -> Iterator[Path]:
    """A copy of a snapshot, which takes its place at the end."""
    partial, old = (snapshot.with_name(f".{snapshot.name}{end}") for end in (".new", _OLD))
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(snapshot, partial)
    try:
        yield partial
        sync_folder(partial)
        snapshot.rename(old)
        partial.rename(snapshot)
        sync_folder(snapshot.parent)
        shutil.rmtree(old)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_back(folder: Path) -> None:
    """Finish a replacement during which the process was killed."""
    for old in folder.glob(f".*{_OLD}"):
        snapshot = folder / old.name.removeprefix(".").removesuffix(_OLD)
        if snapshot.exists():
            shutil.rmtree(old)
        else:
            old.rename(snapshot)
