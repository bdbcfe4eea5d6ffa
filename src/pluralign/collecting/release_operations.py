"""Operations on releases and withdrawals, for `operations.py`."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from pluralign.collecting.changed import keep_changes
from pluralign.collecting.forgetting import forget_withdrawn
from pluralign.collecting.given import given_by
from pluralign.collecting.pending_withdrawals import (
    finish,
    narrowed,
    note_revisions,
    note_use,
    work_left,
)
from pluralign.collecting.personal import open_personal
from pluralign.collecting.proposals import close_proposal, open_proposal
from pluralign.collecting.release_facts import counts_of
from pluralign.collecting.releasing import draft_release, make_release
from pluralign.collecting.secret_digests import keyed_digest, read_key
from pluralign.collecting.store.store import Store
from pluralign.collecting.store.tables import (
    bucket,
    document,
    metadata,
    participant,
    release,
    session,
    steward_link,
)
from pluralign.collecting.study import Study
from pluralign.collecting.withdrawing import withdraw
from pluralign.core import InvalidInput

_ID_BYTES = 4
_SECRET = ("key_hash", "token_hash", "salt", "traces", "forgets", "deleted")
"""Columns that an export does not have."""


def preview(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Count the rows of a release without making it, from what `release_of` takes."""
    with store.reading() as connection:
        purposes, stewards = _agreed(connection, given, now)
        random = secrets.token_bytes(_ID_BYTES)
        draft = draft_release(connection, study, purposes, stewards, random, now)
    return {
        "purposes": draft.facts.purposes,
        "communities": counts_of(draft.contents.answers),
        "left_out": dict(draft.contents.left_out),
    }


def release_of(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Make a release: ``purposes`` and ``stewards``, or the ``proposal`` that has both."""
    with store.reading() as connection:
        purposes, stewards = _agreed(connection, given, now)
    made = make_release(store, study, purposes, stewards, secrets.token_bytes(_ID_BYTES), now)
    if given.get("proposal"):
        store.write(lambda c: close_proposal(c, given["proposal"], made.id))
    return asdict(made)


def _agreed(
    connection: Connection, given: Mapping[str, Any], now: int
) -> tuple[Sequence[str], Sequence[str]]:
    """Purposes of a release, and names of the stewards who agree to it."""
    if not given.get("proposal"):
        return given["purposes"], given["stewards"]
    if given.get("purposes") or given.get("stewards"):
        raise InvalidInput(
            "a proposal has its own purposes and stewards",
            where="--proposal",
            hint="leave out --purpose and --steward",
        )
    found = open_proposal(connection, given["proposal"], now)
    return found.purposes, found.agreed


def used(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Note that a run uses a release: ``release``, ``run``, ``digest``."""
    named = given["release"], given["run"], given["digest"]
    store.write(lambda c: note_use(c, study.folder, *named, now))
    return {}


def withdrawal_of(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Take a person out of the store: ``participant``, or their ``key`` in words."""
    with store.reading() as connection:
        person = _person(connection, study, given)
    receipt = store.write(lambda c: withdraw(c, study, person, now))
    _forget(store, study)
    return asdict(receipt)


def pending(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The withdrawals that are not done, or the one with the id ``withdrawal``.

    Personal keys that a stopped process left are deleted first.
    """
    _forget(store, study)
    with store.reading() as connection:
        left = work_left(connection, given.get("withdrawal"))
    return {"pending": [asdict(one) for one in left]}


def _forget(store: Store, study: Study) -> None:
    with open_personal(study.folder) as personal:
        forget_withdrawn(store, personal)


def narrowed_of(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The work that narrower consents leave in releases."""
    with store.reading() as connection:
        return asdict(narrowed(connection, study))


def revised(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Note that releases were written again: ``releases``."""
    return store.write(lambda c: note_revisions(c, study.folder, given["releases"], now))


def finished(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Note that a withdrawal is done: ``withdrawal``, ``runs``."""
    made = store.write(lambda c: finish(c, study.folder, given["withdrawal"], given["runs"], now))
    return asdict(made)


def releases(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The releases of the study, the oldest first."""
    columns = release.c.id, release.c.purposes, release.c.digest, release.c.revision
    query = select(*columns, release.c.made_at).order_by(release.c.made_at, release.c.id)
    with store.reading() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query)]
    return {"releases": [row | {"folder": _folder(study, row["id"])} for row in rows]}


def documents(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Every version of the consent and policy texts, the newest first."""
    query = select(document).order_by(
        document.c.kind, document.c.version.desc(), document.c.language
    )
    with store.reading() as connection:
        return {"documents": [dict(row._mapping) for row in connection.execute(query)]}


def export(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Everything in the store but secrets; or what the person of a ``key`` gave."""
    with store.reading() as connection:
        if given.get("key"):
            return given_by(connection, _person(connection, study, given)).as_json()
        return {
            table.name: [_without_secrets(row) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
            if table not in (session, steward_link, bucket)
        }


def changes(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Store what people's answers changed in a release: ``release``, ``changes``."""
    kept = store.write(lambda c: keep_changes(c, study, given["release"], given["changes"], now))
    return {"people": kept}


def _without_secrets(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in _SECRET}


def _folder(study: Study, id_: str) -> str:
    return str(Path(study.folder) / "releases" / id_)


def _person(connection: Connection, study: Study, given: Mapping[str, Any]) -> str:
    """Id of the person of a key or an id."""
    if given.get("key"):
        key = read_key(given["key"])
        digest = keyed_digest(study.secret, "key", key or "")
        query = select(participant.c.id).where(participant.c.key_hash == digest)
    else:
        query = select(participant.c.id).where(participant.c.id == given.get("participant"))
    id_ = connection.execute(query).scalar()
    if id_ is None:
        raise InvalidInput(
            "nobody in the study has this key or id",
            where="--key" if given.get("key") else "--participant",
            hint="check each word; a person who withdrew before is not in the study any more",
        )
    return str(id_)


RELEASE_OPERATIONS = {
    "preview": preview,
    "release": release_of,
    "releases": releases,
    "used": used,
    "withdraw": withdrawal_of,
    "pending": pending,
    "finished": finished,
    "narrowed": narrowed_of,
    "revised": revised,
    "documents": documents,
    "changes": changes,
    "export": export,
}
"""Operations by name."""
