"""Restore a study from its backups, and withdraw again all people who left since."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, select

from pluralign.collecting import audit_log
from pluralign.collecting.personal import KEYS_FILE, open_personal
from pluralign.collecting.snapshots import (
    STORE_FILE,
    SnapshotManifest,
    check_snapshot,
    read_withdrawals,
    snapshots,
    whole_folder,
)
from pluralign.collecting.store.copying import copy_rows
from pluralign.collecting.store.engines import reading_file, writing_engine
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import audit, metadata, participant, withdrawal
from pluralign.collecting.store.upgrading import upgrade
from pluralign.collecting.withdrawing import withdraw_again
from pluralign.core import InvalidInput


@dataclass(frozen=True, slots=True)
class Restored:
    """A study that was restored.

    Attributes:
        snapshot: Name of the snapshot.
        manifest: Its content.
        withdrawn: Number of people who left after the snapshot, and were withdrawn again.
    """

    snapshot: str
    manifest: SnapshotManifest
    withdrawn: int


def restore(backups: Path, folder: Path, *, at: str | None, url: str | None, now: int) -> Restored:
    """Restore a study into an empty folder; it appears whole or not at all.

    Args:
        backups: Folder of its backups.
        folder: The study's new folder, which is empty or does not exist.
        at: Beginning of a snapshot's name, such as ``2026-11-30``: its newest one is taken. The
            newest of all by default.
        url: URL of an empty database; SQLite in the folder by default.
        now: Seconds since 1970.

    Raises:
        InvalidInput: If there is no such snapshot, or the folder or the database is not empty.
        DamagedFile: If the snapshot is not whole.
    """
    snapshot = _chosen(backups, at)
    manifest = check_snapshot(snapshot)
    with whole_folder(folder) as partial:
        for name in manifest.files:
            if name != STORE_FILE:
                shutil.copy2(snapshot / name, partial / name)
        if (backups / KEYS_FILE).exists():
            shutil.copy2(backups / KEYS_FILE, partial / KEYS_FILE)
        with TemporaryDirectory() as scratch, open_store(partial, url) as store:
            source = _upgraded(snapshot / STORE_FILE, Path(scratch))
            later = read_withdrawals(backups).values()

            def fill(connection: Connection) -> list[str]:
                _fill(connection, source)
                audit_log.append(connection, now, "operator", "restored", snapshot.name)
                return [one for row in later for one in withdrawn_again(connection, row)]

            withdrawn = store.write(fill)
            _forget(partial, withdrawn)
    return Restored(snapshot.name, manifest, len(withdrawn))


def _chosen(backups: Path, at: str | None) -> Path:
    found = snapshots(backups)
    if not found:
        raise InvalidInput("the folder has no backups", where=str(backups))
    fitting = [snapshot for snapshot in found if snapshot.name.startswith(at or "")]
    if not fitting:
        raise InvalidInput(
            f"there is no backup of {at}",
            where="--at",
            hint=f"the oldest is {found[0].name}, the newest {found[-1].name}",
        )
    return fitting[-1]


def _upgraded(store: Path, scratch: Path) -> Path:
    """A copy of a snapshot's store with the tables of this version."""
    copied = Path(shutil.copy(store, scratch))
    engine = writing_engine(f"sqlite:///{copied}")
    upgrade(engine)
    engine.dispose()
    return copied


def _fill(connection: Connection, source: Path) -> None:
    if connection.execute(select(audit.c.seq).limit(1)).first() is not None:
        raise InvalidInput(
            "the database has a study already", where="--database", hint="name an empty database"
        )
    with reading_file(source) as reading:
        copy_rows(reading, connection, metadata)


def withdrawn_again(connection: Connection, row: Mapping[str, Any]) -> list[str]:
    """Withdraw the person of a withdrawal that is later than the snapshot; their id, if any."""
    same = select(participant.c.id).where(participant.c.key_hash == row["key_hash"])
    known = select(withdrawal.c.id).where(withdrawal.c.id == row["id"])
    person = connection.execute(same).scalar()
    if person is None or connection.execute(known).first() is not None:
        return []
    withdraw_again(connection, person, row)
    return [person]


def _forget(folder: Path, people: Sequence[str]) -> None:
    if not people:
        return
    with open_personal(folder) as personal:
        for person in people:
            personal.forget(person)
