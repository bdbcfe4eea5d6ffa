"""The health of a study's server, for stewards: versions, room, backups, and what is left to do."""

import shutil
from dataclasses import dataclass

from sqlalchemy import func, select

from pluralign.collecting.overview import State, drafts, state_of
from pluralign.collecting.store.engines import sqlite_version, sqlite_warning
from pluralign.collecting.store.store import Store
from pluralign.collecting.store.tables import audit, document, withdrawal
from pluralign.collecting.study import Study

BACKED_UP = "backup made"
"""The action in the audit log."""
_LITTLE_ROOM = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a study and its server.

    Attributes:
        state: ``open``, ``paused`` or ``closed``.
        database: Database and its version.
        old_sqlite: Whether SQLite is older than the first version that is known to be safe.
        free_bytes: Room on the disk of the study's folder.
        little_room: Whether that is less than a gigabyte.
        backed_up_at: Time of the last backup, seconds since 1970; None where none was made.
        consent_version: Newest version of the consent text.
        drafts: Languages whose texts nobody has checked yet.
        pending: Number of withdrawals whose models are not done.
        rows_of_log: Number of rows of the audit log.
    """

    state: State
    database: str
    old_sqlite: bool
    free_bytes: int
    little_room: bool
    backed_up_at: int | None
    consent_version: int
    drafts: tuple[str, ...]
    pending: int
    rows_of_log: int


def health(store: Store, study: Study) -> Health:
    """Look at a study and its server."""
    free = shutil.disk_usage(study.folder).free
    sqlite = store.url.startswith("sqlite")
    newest = select(func.max(document.c.version)).where(document.c.kind == "consent")
    pending = select(func.count()).where(withdrawal.c.done_at.is_(None))
    last_backup = (
        select(audit.c.at).where(audit.c.action == BACKED_UP).order_by(audit.c.seq.desc()).limit(1)
    )
    with store.reading() as connection:
        version = ".".join(
            map(str, sqlite_version() if sqlite else connection.dialect.server_version_info or ())
        )
        return Health(
            state=state_of(connection),
            database=f"{'SQLite' if sqlite else 'PostgreSQL'} {version}",
            old_sqlite=sqlite and sqlite_warning(sqlite_version()) is not None,
            free_bytes=free,
            little_room=free < _LITTLE_ROOM,
            backed_up_at=connection.execute(last_backup).scalar(),
            consent_version=connection.execute(newest).scalar() or 0,
            drafts=drafts(study.settings),
            pending=connection.execute(pending).scalar_one(),
            rows_of_log=connection.execute(select(func.count()).select_from(audit)).scalar_one(),
        )
