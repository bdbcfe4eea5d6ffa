"""``pluralign collect verify``, ``backup`` and ``restore``: a study and its backups stay whole."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pluralign.cli.collect_options import Database, StudyFolder, require_collecting
from pluralign.cli.options import AsJson

Backups = Annotated[Path, typer.Argument(metavar="BACKUPS", help="Folder of the study's backups.")]


def backup(
    study: StudyFolder,
    backups: Backups,
    keep: Annotated[int, typer.Option(help="Number of snapshots that are kept.", min=1)] = 14,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Back up a study, also while it is served, and read the backup again.

    BACKUPS gets a dated snapshot, and the newest keys.db and withdrawals.jsonl. People who left are
    taken out of older snapshots, and withdrawn again when one of another copy is restored. The
    backup has everything that people gave: keep it as safe as the study, and on another disk.

    Example: `pluralign collect backup tea /mnt/backups/tea`
    """
    require_collecting()
    from pluralign.cli.output import Output
    from pluralign.collecting.operations import operate

    arguments = {"folder": str(backups.absolute()), "keep": keep}
    made = operate(study, database, "backup", arguments)
    output = Output(as_json=as_json, wide=False)
    if as_json:
        output.json(made)
        return
    people, answers = (made["rows"][table] for table in ("participant", "rating"))
    output.line(f"backed up {people} people and {answers} answers to {made['snapshot']}")
    if made["removed"]:
        output.line(f"removed older snapshots: {', '.join(made['removed'])}")
    if made["left"]:
        output.line(f"people who left were taken out of older snapshots: {', '.join(made['left'])}")
    if made["same_disk"]:
        typer.echo("warning: the backup is on the same disk as the study", err=True)


def restore(
    backups: Backups,
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="New folder of the study; it must be empty.")
    ],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Beginning of a snapshot's name, such as 2026-11-30. The default is the newest.",
        ),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Restore a study from a backup into an empty folder, and into an empty database.

    People who left after the snapshot are withdrawn again. The database may be of another kind than
    before: this also moves a study from SQLite to PostgreSQL, or back.

    Example: `pluralign collect restore /mnt/backups/tea tea`
    """
    require_collecting()
    import time
    from dataclasses import asdict

    from pluralign.cli.output import Output
    from pluralign.collecting.restoring import restore as restored_from

    now = int(time.time())
    done = restored_from(backups, study, at=at, url=database, now=now)
    output = Output(as_json=as_json, wide=False)
    if as_json:
        output.json(asdict(done))
        return
    people, answers = (done.manifest.rows[table] for table in ("participant", "rating"))
    output.line(f"restored {people} people and {answers} answers from {done.snapshot} to {study}")
    output.line(f"people withdrawn again, because they left later: {done.withdrawn}")
    output.line("releases are not part of a backup: make a new release before models are trained")


def verify(
    study: StudyFolder,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH",
            help="Head of the audit log that was published earlier, such as in a release.",
        ),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Check that nothing in a study's store is damaged, changed, or kept without a consent.

    Exits with status 1 if there is a problem.

    Example: `pluralign collect verify tea`
    """
    require_collecting()
    from pluralign.cli.output import Output
    from pluralign.collecting.operations import operate
    from pluralign.collecting.store.engines import sqlite_version, sqlite_warning

    found = operate(study, database, "verify", {"head": head})
    output = Output(as_json=as_json, wide=False)
    if as_json:
        output.json(found)
    else:
        for check in found["checks"]:
            output.line(_line(check))
        output.line(f"head of the audit log: {found['head']}")
    if database is None and (old := sqlite_warning(sqlite_version())) is not None:
        typer.echo(f"warning: {old}", err=True)
    if any(check["problem"] for check in found["checks"]):
        raise typer.Exit(1)


def _line(check: dict[str, Any]) -> str:
    if check["problem"]:
        return f"PROBLEM in {check['name']}: {check['problem']}"
    return f"ok: {check['name']} ({check['checked']:,})"
