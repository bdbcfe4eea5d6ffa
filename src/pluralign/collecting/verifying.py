"""Checks of a study's store: nothing is damaged, changed, or kept without a consent."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from pluralign.collecting import audit_log
from pluralign.collecting.personal import people_with_keys, people_with_texts
from pluralign.collecting.purposes import allowed
from pluralign.collecting.store.store import Store
from pluralign.collecting.store.tables import (
    assignment,
    audit,
    consent,
    participant,
    rating,
    withdrawal,
)
from pluralign.collecting.study import StudySettings


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """One check of a store.

    Attributes:
        name: The things that were checked.
        checked: Number of things that were looked at.
        problem: The problem; empty if there is none.
    """

    name: str
    checked: int
    problem: str = ""


def check_personal(store: Store, folder: Path) -> StoreCheck:
    """Check that every personal text has its key, and that neither file was lost.

    Args:
        store: The study's store, which may be in use.
        folder: The study's folder.
    """
    # In this order, nobody who writes or leaves meanwhile appears without a key: a key is there
    # before its first text, and a withdrawal names its person until the texts are gone.
    before, keys = people_with_texts(folder), people_with_keys(folder)
    with store.reading() as connection:
        leaving = set(connection.execute(select(withdrawal.c.forgets)).scalars())
    texts = people_with_texts(folder)
    locked, problem = sorted((before & texts) - keys - leaving), ""
    restore = "restore both files from a backup"
    if locked:
        problem = f"keys.db has no key for what people wrote: {_some(locked)}; {restore}"
    elif keys and not texts:
        problem = f"personal.db has no text of the people in keys.db; {restore}"
    return StoreCheck("personal texts and their keys", len(keys | texts), problem)


def verify(
    connection: Connection, settings: StudySettings, keys: set[str], head: str | None
) -> list[StoreCheck]:
    """Check a store.

    Args:
        connection: A reading connection, which sees one state.
        settings: The study's settings.
        keys: Ids of all people who have a key in `keys.db`.
        head: A digest of the audit log that was published earlier; None if there is none.
    """
    return [*_database(connection), _log(connection, head), *_consents(connection, settings, keys)]


def _database(connection: Connection) -> Iterator[StoreCheck]:
    if connection.dialect.name != "sqlite":
        return  # PostgreSQL checks its pages when it reads them
    pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    answer = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
    found = "" if answer == "ok" else f"SQLite reports: {answer}; restore a backup"
    yield StoreCheck("pages of the database", pages, found)
    strays = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    named = ", ".join(sorted({row[0] for row in strays}))
    found = f"{len(strays)} rows of {named} refer to rows that are gone" if strays else ""
    yield StoreCheck("references between rows", pages, found)


def _log(connection: Connection, head: str | None) -> StoreCheck:
    rows = connection.execute(select(func.count()).select_from(audit)).scalar_one()
    broken = audit_log.broken_at(connection)
    problem = ""
    if broken is not None:
        problem = f"row {broken} was changed, or a row before it was removed"
    elif head is not None and _lacks(connection, head):
        problem = (
            f"no row has the digest {head}: the log was shortened or replaced after that digest "
            "was published, or an older backup was restored"
        )
    return StoreCheck("rows of the audit log", rows, problem)


def _lacks(connection: Connection, head: str) -> bool:
    same = select(audit.c.seq).where(audit.c.hash == head)
    return connection.execute(same).first() is None


def _consents(
    connection: Connection, settings: StudySettings, keys: set[str]
) -> Iterator[StoreCheck]:
    """Every answer, and everything personal, is that of a person who agrees that it is kept."""
    given = connection.execute(
        select(rating.c.id, assignment.c.participant, consent.c.participant, consent.c.purposes)
        .join(assignment, rating.c.assignment == assignment.c.id)
        .outerjoin(consent, rating.c.consent == consent.c.id)
    ).all()
    bad = [id_ for id_, own, by, what in given if own != by or not allowed(["collect"], what or "")]
    problem = f"answers without a consent of the person who gave them: {_some(bad)}" if bad else ""
    yield StoreCheck("answers and the consents they were given under", len(given), problem)
    agreeing = _agreeing(connection)
    # Where a withdrawal only stops further use, people agreed that their answers are kept.
    stopped = _stopped(connection) if settings.withdrawal == "stop" else set()
    unkept = sorted({own for _, own, _, _ in given} - agreeing - stopped)
    problem = f"people who do not agree any more have answers: {_some(unkept)}" if unkept else ""
    yield StoreCheck("people and their newest consents", len(agreeing) + len(unkept), problem)
    stray = sorted(keys - set(connection.execute(select(participant.c.id)).scalars()))
    problem = f"personal data of people who are not in the store: {_some(stray)}" if stray else ""
    yield StoreCheck("people with personal data", len(keys), problem)


def _agreeing(connection: Connection) -> set[str]:
    """People whose newest consent covers that their answers are kept."""
    last = consent.alias()
    newest = select(func.max(last.c.version)).where(last.c.participant == consent.c.participant)
    rows = connection.execute(
        select(consent.c.participant, consent.c.purposes).where(
            consent.c.version == newest.scalar_subquery()
        )
    )
    return {person for person, purposes in rows if allowed(["collect"], purposes)}


def _stopped(connection: Connection) -> set[str]:
    left = participant.c.key_hash.in_(select(withdrawal.c.key_hash))
    return set(connection.execute(select(participant.c.id).where(left)).scalars())


def _some(ids: list[str]) -> str:
    shown = ", ".join(ids[:3])
    return shown if len(ids) <= 3 else f"{shown} and {len(ids) - 3} more"
