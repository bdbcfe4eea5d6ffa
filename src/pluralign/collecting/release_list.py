"""Proposed and finished releases, and withdrawals from them, as stewards see them.

Counts are rounded, and only those of the steward's own communities.
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from pluralign.collecting.pending_withdrawals import known_runs
from pluralign.collecting.release_facts import counts_of, rounded
from pluralign.collecting.released_rows import Uses, contents_of
from pluralign.collecting.stewards import Steward
from pluralign.collecting.store.tables import release, steward, withdrawal
from pluralign.collecting.study import StudySettings

Counts = dict[str, dict[str, int] | None]
"""Community -> rounded numbers of people, answers and pairs; None for a community left out."""


@dataclass(frozen=True, slots=True)
class PastRelease:
    """A release that was made.

    Attributes:
        id: Its id.
        purposes: Its purposes.
        digest: Digest of its tables.
        revision: 0; higher after people withdrew from it.
        made_at: Seconds since 1970.
        agreed: Names of the stewards who agreed.
        counts: Counts of the steward's communities.
    """

    id: str
    purposes: tuple[str, ...]
    digest: str
    revision: int
    made_at: int
    agreed: tuple[str, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class PastWithdrawal:
    """A withdrawal, without its id, which opens the person's receipt, and without their counts.

    Attributes:
        scope: ``erase``: everything was deleted. ``stop``: it is not used any more.
        asked_at: Seconds since 1970.
        done_at: When releases and models were done; None until then.
        releases: Release -> digests before and after.
        runs: Digests before and after of each run that had the person.
        waiting: Releases that have the person and are not written again yet.
        waiting_runs: Number of runs that are known to use these.
    """

    scope: str
    asked_at: int
    done_at: int | None
    releases: dict[str, Any]
    runs: list[dict[str, Any]]
    waiting: list[str]
    waiting_runs: int


def counts_if_made(
    connection: Connection, settings: StudySettings, purposes: tuple[str, ...], by: Steward
) -> Counts:
    """Counts of a release for purposes, if it were made now."""
    own = {one.id for one in settings.communities if by.answers_for(one.id)}
    found = counts_of(contents_of(connection, settings, Uses.of(purposes), b"count", own).answers)
    return _rounded(found, settings, by)


def past_releases(
    connection: Connection, settings: StudySettings, by: Steward
) -> list[PastRelease]:
    """Releases that were made, the newest first."""
    names = {row.id: row.name for row in connection.execute(select(steward.c.id, steward.c.name))}
    rows = connection.execute(select(release).order_by(release.c.made_at.desc(), release.c.id))
    return [
        PastRelease(
            id=row.id,
            purposes=tuple(row.purposes.split()),
            digest=row.digest,
            revision=row.revision,
            made_at=row.made_at,
            agreed=tuple(names[id_] for id_ in row.stewards.split()),
            counts=_rounded(json.loads(row.counts)["communities"], settings, by),
        )
        for row in rows
    ]


def past_withdrawals(connection: Connection) -> list[PastWithdrawal]:
    """Withdrawals, the newest first."""
    runs = known_runs(connection)
    query = select(withdrawal).order_by(withdrawal.c.asked_at.desc(), withdrawal.c.id.desc())
    found = []
    for row in connection.execute(query):
        receipt = json.loads(row.receipt) if row.receipt else {}
        waiting = sorted(json.loads(row.traces)) if row.traces else []
        using = {run for id_ in waiting for run in runs.get(id_, [])}
        found.append(
            PastWithdrawal(
                scope=row.scope,
                asked_at=row.asked_at,
                done_at=row.done_at,
                releases=receipt.get("releases", {}),
                runs=receipt.get("runs", []),
                waiting=waiting,
                waiting_runs=len(using),
            )
        )
    return found


def _rounded(found: dict[str, dict[str, int]], settings: StudySettings, by: Steward) -> Counts:
    to = settings.release.round_to
    own = [one.id for one in settings.communities if by.answers_for(one.id)]
    return {
        id_: {name: rounded(n, to) for name, n in found[id_].items()} if id_ in found else None
        for id_ in own
    }
