"""Backups of a study: dated snapshots, and two files that exist once, in their newest state.

```text
BACKUPS/keys.db              keys of personal data: a person who left has none, in no snapshot
BACKUPS/withdrawals.jsonl    who left, so that a restored older snapshot withdraws them again
BACKUPS/2026-11-30T120000Z/  store.db, personal.db, study.toml, secret, prompts.jsonl, manifest.json
```

A snapshot of a store in PostgreSQL is a SQLite file too. It appears whole or not at all, and is
read again before it appears.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, MetaData, select

from pluralign._version import __version__
from pluralign.collecting import audit_log
from pluralign.collecting.leaving_snapshots import leave_snapshots
from pluralign.collecting.new_study import PROMPTS_FILE
from pluralign.collecting.personal import KEYS_FILE, PERSONAL_FILE, key_tables, personal_tables
from pluralign.collecting.snapshots import (
    MANIFEST_FILE,
    STORE_FILE,
    WITHDRAWALS_FILE,
    SnapshotManifest,
    check_snapshot,
    close_whole,
    name_at,
    read_manifest,
    read_withdrawals,
    snapshots,
    whole_folder,
)
from pluralign.collecting.store.copying import copy_rows
from pluralign.collecting.store.engines import reading_file, writing_engine
from pluralign.collecting.store.store import Store
from pluralign.collecting.store.tables import metadata, withdrawal
from pluralign.collecting.store.upgrading import upgrade
from pluralign.collecting.study import SECRET_FILE, STUDY_FILE, Study
from pluralign.collecting.verifying import check_personal
from pluralign.core import DamagedFile, InvalidInput, file_digest, whole_file

KEPT = 14
"""Number of snapshots that are kept unless another is given."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made and read again.

    Attributes:
        snapshot: Its folder.
        manifest: Its content.
        removed: Names of older snapshots that were deleted.
        left: Names of older snapshots that were written again without people who left since.
        same_disk: Whether it is on the disk of the study, which a broken disk takes away together.
    """

    snapshot: Path
    manifest: SnapshotManifest
    removed: tuple[str, ...]
    left: tuple[str, ...]
    same_disk: bool


def back_up(store: Store, study: Study, folder: Path, keep: int, now: int) -> Backup:
    """Back up a study while it is served; nothing waits for it.

    Args:
        store: Its open store.
        study: The study.
        folder: Folder of its backups; made if absent, readable by its owner only.
        keep: Number of snapshots to keep, >= 1, with the new one.
        now: Seconds since 1970.

    Raises:
        InvalidInput: If the folder has backups of another study, or one of this second, or is that
            of the study.
        DamagedFile: If the copy is not what was copied, or the study has lost its keys.
        OSError: If the disk is full or the folder cannot be written to; no snapshot appears then.
    """
    if folder.resolve() == study.folder.resolve():
        raise InvalidInput(
            "the folder of the backups is that of the study, whose keys they would replace",
            where=str(folder),
            hint="name another folder, on another disk if there is one",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _only_of(study.settings.id, folder)
    snapshot = folder / name_at(now)
    with whole_folder(snapshot) as partial:
        head, rows = _copy_store(store, partial / STORE_FILE)
        _copy_private(study.folder, partial)
        files = {path.name: file_digest(path) for path in sorted(partial.iterdir())}
        manifest = SnapshotManifest(study.settings.id, now, __version__, head, rows, files)
        (partial / MANIFEST_FILE).write_text(
            json.dumps(asdict(manifest), indent=2) + "\n", "utf-8", newline="\n"
        )
        check_snapshot(partial)
    _check_keys(store, study.folder)
    _replace_keys(study.folder, folder)
    _replace_withdrawals(store, folder)
    removed = _prune(folder, keep)
    left = tuple(leave_snapshots(folder))
    same_disk = folder.stat().st_dev == study.folder.stat().st_dev
    return Backup(snapshot, manifest, removed, left, same_disk)


def _copy_store(store: Store, path: Path) -> tuple[str, dict[str, int]]:
    target = _new_file(path)
    upgrade(target)
    with store.reading() as reading, target.begin() as writing:
        head, rows = audit_log.head(reading), copy_rows(reading, writing, metadata)
    close_whole(target)
    return head, rows


def _copy_file(source: Path, path: Path, tables: MetaData) -> None:
    """Copy a SQLite file of personal data, which may be in use; do nothing where there is none."""
    if not source.exists():
        return
    target = _new_file(path)
    tables.create_all(target)
    with reading_file(source) as reading, target.begin() as writing:
        copy_rows(reading, writing, tables)
    close_whole(target)


def _new_file(path: Path) -> Engine:
    """An engine of a new SQLite file that only its owner can read."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return writing_engine(f"sqlite:///{path.absolute()}")


def _copy_private(study: Path, partial: Path) -> None:
    for name in (STUDY_FILE, SECRET_FILE, PROMPTS_FILE):
        if (study / name).exists():
            shutil.copy2(study / name, partial / name)
    _copy_file(study / PERSONAL_FILE, partial / PERSONAL_FILE, personal_tables)


def _check_keys(store: Store, study: Path) -> None:
    """Check that the study has the keys that the backup is about to replace."""
    check = check_personal(store, study)
    if check.problem:
        raise DamagedFile(
            f"{check.problem}; the snapshot was made, and the keys of the backup were not replaced",
            where=str(study),
        )


def _replace_keys(study: Path, folder: Path) -> None:
    if not (study / KEYS_FILE).exists():
        return
    with whole_file(folder / KEYS_FILE, private=True) as partial:
        partial.unlink()
        _copy_file(study / KEYS_FILE, partial, key_tables)


def _replace_withdrawals(store: Store, folder: Path) -> None:
    """Add the withdrawals of the store; withdrawals listed before stay."""
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(select(withdrawal)).mappings()]
    known = read_withdrawals(folder) | {row["id"]: row | {"forgets": None} for row in rows}
    lines = [json.dumps(known[id_]) for id_ in sorted(known)]
    with whole_file(folder / WITHDRAWALS_FILE, private=True) as partial:
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _prune(folder: Path, keep: int) -> tuple[str, ...]:
    old = snapshots(folder)[:-keep]
    for snapshot in old:
        shutil.rmtree(snapshot)
    return tuple(snapshot.name for snapshot in old)


def _only_of(study: str, folder: Path) -> None:
    found = snapshots(folder)
    if found and (other := read_manifest(found[-1]).study) != study:
        raise InvalidInput(
            f"the folder has backups of the study {other}, not of {study}",
            where=str(folder),
            hint="name another folder: each study has its own",
        )
