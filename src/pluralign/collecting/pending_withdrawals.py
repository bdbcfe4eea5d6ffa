"""Withdrawals whose releases and models are not done yet, and the runs that use releases."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.purposes import allowed
from pluralign.collecting.release_files import RELEASES, on_disk
from pluralign.collecting.released_rows import Uses, newest_consents, public_id, release_key
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.tables import change, model_use, release, text, withdrawal
from pluralign.collecting.study import Study
from pluralign.collecting.withdrawing import WithdrawalReceipt
from pluralign.core import InvalidInput, read_json_object, text_digest
from pluralign.sources.collected import FACTS

WAITING = "waiting"
"""Outcome of a run that is not finished, so that its models cannot be made again yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """The work that a withdrawal leaves.

    Attributes:
        withdrawal: Its id; empty for work that narrower consents leave.
        scope: ``erase``: models are fitted again. ``stop``: only releases are written again.
        traces: Release -> the people and texts that leave it, as `Gone` has them.
        runs: Release -> folders of runs that are known to use it.
    """

    withdrawal: str
    scope: str
    traces: dict[str, dict[str, Any]]
    runs: dict[str, list[str]]


def work_left(connection: Connection, withdrawal_id: str | None = None) -> list[Leaving]:
    """The withdrawals that are not done, the oldest first; or one of them."""
    query = select(withdrawal).where(withdrawal.c.done_at.is_(None))
    if withdrawal_id is not None:
        query = query.where(withdrawal.c.id == withdrawal_id)
    runs = known_runs(connection)
    return [
        Leaving(withdrawal=row.id, scope=row.scope, traces=json.loads(row.traces), runs=runs)
        for row in connection.execute(query.order_by(withdrawal.c.asked_at, withdrawal.c.id))
    ]


def narrowed(connection: Connection, study: Study) -> Leaving:
    """The work that narrower consents leave: releases for purposes that a person gave up since."""
    given = {id_: row["purposes"] for id_, row in newest_consents(connection).items()}
    authors = connection.execute(
        select(text.c.id, text.c.author).where(text.c.author.is_not(None))
    ).all()
    traces = {}
    for row in connection.execute(select(release.c.id, release.c.purposes)):
        uses, key = Uses.of(row.purposes.split()), release_key(study.secret, row.id)
        without = [id_ for id_, own in given.items() if not allowed(uses.purposes, own)]
        silent = [id_ for id_, own in given.items() if not uses.shows_reason(own)]
        texts = [one.id for one in authors if not allowed(uses.of_texts, given[one.author])]
        traces[row.id] = {
            "raters": [public_id(key, "rater", id_) for id_ in without],
            "texts": [public_id(key, "text", id_) for id_ in texts],
            "unquoted": [public_id(key, "rater", id_) for id_ in silent],
        }
    return Leaving(
        withdrawal="",
        scope=study.settings.withdrawal,
        traces=traces,
        runs=known_runs(connection),
    )


def note_revisions(
    connection: Connection, study: Path, ids: Iterable[str], now: int
) -> dict[str, dict[str, Any]]:
    """Note the digests of releases that were written again; return what changed.

    Args:
        connection: A writing connection.
        study: The study's folder.
        ids: The releases.
        now: Seconds since 1970.
    """
    revised = {id_: _note_revision(connection, study, id_) for id_ in ids}
    found = {id_: of for id_, of in revised.items() if of is not None}
    for id_, of in found.items():
        audit_log.append(connection, now, "operator", "release revised", id_, of["after"])
    # The influence of others was measured with people who are gone.
    connection.execute(delete(change).where(change.c.release.in_(found)))
    return found


def known_runs(connection: Connection) -> dict[str, list[str]]:
    """Release -> folders of the runs that are known to use it."""
    found: dict[str, list[str]] = {}
    for row in connection.execute(select(model_use).order_by(model_use.c.run)):
        found.setdefault(row.release, []).append(row.run)
    return found


def note_use(
    connection: Connection, study: Path, release_id: str, run: str, digest: str, now: int
) -> None:
    """Note that a run uses a release; once is enough.

    Args:
        connection: A writing connection.
        study: The study's folder.
        release_id: The release. One that a restored store does not know is added to it.
        run: Folder of the run.
        digest: Digest of its record.
        now: Seconds since 1970.

    Raises:
        InvalidInput: If there is no such release.
    """
    if connection.execute(select(release.c.id).where(release.c.id == release_id)).first() is None:
        _add_from_disk(connection, study, release_id, now)
    same = (model_use.c.release == release_id, model_use.c.run == run)
    if connection.execute(select(model_use.c.id).where(*same)).first() is None:
        row = {"id": new_id(now), "release": release_id, "run": run, "digest": digest, "at": now}
        connection.execute(insert(model_use).values(row))
        audit_log.append(connection, now, "operator", "release used", release_id, digest)


def _add_from_disk(connection: Connection, study: Path, release_id: str, now: int) -> None:
    """Add a release that was made after the backup that the store was restored from."""
    if release_id not in on_disk(study):
        raise InvalidInput(
            f"the study has no release {release_id!r}",
            where="--run",
            hint="the folders in `releases` of the study have the names of its releases",
        )
    facts = read_json_object(study / RELEASES / release_id / FACTS)
    connection.execute(
        insert(release).values(
            id=release_id,
            purposes=" ".join(facts["purposes"]),
            digest=facts["digest"],
            counts="{}",
            stewards="",
            made_at=now,
            revision=facts["revision"],
        )
    )
    audit_log.append(connection, now, "operator", "release found", release_id, facts["digest"])


def finish(
    connection: Connection,
    study: Path,
    withdrawal_id: str,
    runs: Sequence[Mapping[str, Any]],
    now: int,
) -> WithdrawalReceipt:
    """Note that a withdrawal is done, and complete its receipt; the ids in releases are deleted.

    A withdrawal with a run that waits stays pending; its receipt has what was done so far.

    Args:
        connection: A writing connection.
        study: The study's folder, whose releases have been written again.
        withdrawal_id: The withdrawal.
        runs: As `leave` returns them.
        now: Seconds since 1970.
    """
    row = connection.execute(select(withdrawal).where(withdrawal.c.id == withdrawal_id)).one()
    receipt = WithdrawalReceipt(**json.loads(row.receipt))
    if row.done_at is not None:
        return receipt
    waits = any(run["models"] == WAITING for run in runs)
    releases = receipt.releases | note_revisions(connection, study, json.loads(row.traces), now)
    made = [dict(run) for run in runs]
    done = replace(receipt, done_at=None if waits else now, releases=releases, runs=made)
    content = json.dumps(asdict(done))
    here = withdrawal.c.id == withdrawal_id
    values = {"done_at": done.done_at, "receipt": content} | ({} if waits else {"traces": None})
    connection.execute(update(withdrawal).where(here).values(**values))
    if not waits:
        audit_log.append(
            connection, now, "operator", "withdrawal done", withdrawal_id, text_digest(content)
        )
    return done


def _note_revision(connection: Connection, study: Path, id_: str) -> dict[str, Any] | None:
    """Note the digest of a release on disk; the change, or None if it did not change."""
    before = connection.execute(select(release.c.digest).where(release.c.id == id_)).scalar()
    path = study / RELEASES / id_ / FACTS
    facts = read_json_object(path) if path.is_file() else {"digest": "", "revision": 1}
    if before is None:  # a restored store does not know the release, nor its digest before
        return {"before": "", "after": facts["digest"], "revision": facts["revision"]}
    if facts["digest"] == before:
        return None
    values = {"digest": facts["digest"], "revision": facts["revision"]}
    connection.execute(update(release).where(release.c.id == id_).values(**values))
    return {"before": before, "after": facts["digest"], "revision": facts["revision"]}
