"""Operations that look after a study: its backup, and the check of its store."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pluralign.collecting import audit_log
from pluralign.collecting.backups import back_up
from pluralign.collecting.health import BACKED_UP
from pluralign.collecting.personal import people_with_keys
from pluralign.collecting.store.store import Store
from pluralign.collecting.study import Study
from pluralign.collecting.verifying import check_personal, verify


def backup(store: Store, study: Study, arguments: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Back up a study: ``folder`` and ``keep`` -> the new snapshot."""
    made = back_up(store, study, Path(arguments["folder"]), int(arguments["keep"]), now)
    name, head = made.snapshot.name, made.manifest.head
    store.write(lambda c: audit_log.append(c, now, "operator", BACKED_UP, name, head))
    return {
        "snapshot": str(made.snapshot),
        "rows": made.manifest.rows,
        "head": head,
        "removed": list(made.removed),
        "left": list(made.left),
        "same_disk": made.same_disk,
    }


def verify_store(
    store: Store, study: Study, arguments: Mapping[str, Any], now: int
) -> dict[str, Any]:
    """Check a store: ``head``, a published digest of the log or None -> each check."""
    with store.reading() as connection:
        keys = people_with_keys(study.folder)
        checks = verify(connection, study.settings, keys, arguments["head"])
        checks.append(check_personal(store, study.folder))
        head = audit_log.head(connection)
    return {"checks": [asdict(check) for check in checks], "head": head}
