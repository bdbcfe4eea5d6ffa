"""Make a release: a snapshot of what people gave, for the purposes that they consent to."""

import datetime
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from pluralign.collecting import audit_log
from pluralign.collecting.release_facts import Facts, counts_of, rounded
from pluralign.collecting.release_files import (
    RELEASES,
    data_digest,
    finish_stopped,
    prepare_folder,
    put_in_place,
    release_files,
)
from pluralign.collecting.released_rows import Contents, Uses, contents_of, release_key
from pluralign.collecting.store import Store
from pluralign.collecting.store.tables import consent, document, release, steward, withdrawal
from pluralign.collecting.study import Study, StudySettings
from pluralign.core import InvalidInput, InvalidSettings, NotEnoughData, community_name
from pluralign.runs.lock import alone_in

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """A release that is not made yet.

    Attributes:
        facts: Facts about it.
        contents: Its rows.
        stewards: Ids of the stewards who agreed.
        consents: Numbers of consents and of withdrawals in the snapshot: if they change before the
            release is recorded, it is drafted again.
    """

    facts: Facts
    contents: Contents
    stewards: tuple[str, ...]
    consents: tuple[int, int]


@dataclass(frozen=True, slots=True)
class MadeRelease:
    """A release that was made.

    Attributes:
        id: Its id.
        folder: Its folder.
        digest: Digest of its tables.
        purposes: Its purposes.
        communities: Community -> numbers of people, answers and pairs.
        left_out: Reason -> number of answers left out.
    """

    id: str
    folder: str
    digest: str
    purposes: list[str]
    communities: dict[str, dict[str, int]]
    left_out: dict[str, int]


def make_release(
    store: Store,
    study: Study,
    asked: Collection[str],
    stewards: Sequence[str],
    random: bytes,
    now: int,
) -> MadeRelease:
    """Make a release: its folder appears whole or not at all.

    Args:
        store: The study's store.
        study: The study.
        asked: Purposes: a row is in the release if its person consents to all of them now.
        stewards: Names of the stewards who agree. A community of which none of them is the steward
            is left out.
        random: At least 4 random bytes, for its id. The same store, random bytes and time give the
            same files.
        now: Seconds since 1970.

    Raises:
        InvalidInput: If a purpose or steward does not exist.
        NotEnoughData: If no community reaches its floor.
        InvalidSettings: If another process writes a release of the study.
    """
    with alone_in(study.folder / RELEASES):
        return _made_alone(store, study, asked, stewards, random, now)


def _made_alone(
    store: Store,
    study: Study,
    asked: Collection[str],
    stewards: Sequence[str],
    random: bytes,
    now: int,
) -> MadeRelease:
    releases = study.folder / RELEASES
    finish_stopped(releases)
    for _ in range(_TRIES):
        with store.reading() as connection:
            draft = draft_release(connection, study, asked, stewards, random, now)
        files = release_files(draft.facts, draft.contents)
        digest = data_digest(files)
        prepare_folder(releases, draft.facts.id, files)
        if store.write(partial(record_release, draft=draft, digest=digest, now=now)):
            folder = put_in_place(releases, draft.facts.id)
            return _made(draft, folder, digest)
    raise InvalidSettings(
        "consents changed each time while the release was made",
        where=str(releases),
        hint="pause the study (`pluralign collect pause`), and give the command again",
    )


def draft_release(
    connection: Connection,
    study: Study,
    asked: Collection[str],
    stewards: Sequence[str],
    random: bytes,
    now: int,
) -> Draft:
    """Read the rows and facts of a release from one state of the store."""
    settings, day = study.settings, day_of(now)
    id_ = f"{day}-{random[:4].hex()}"
    id_key = release_key(study.secret, id_)
    uses, agreed = Uses.of(asked), _stewards(connection, stewards)
    communities = [one.id for one in settings.communities]
    with_steward = {one for one in communities if _has_steward(one, agreed.values())}
    contents = contents_of(connection, settings, uses, id_key, with_steward)
    if not contents.answers:
        reasons = "; ".join(f"{n:,} x {why}" for why, n in contents.left_out.most_common())
        raise NotEnoughData(
            "no community has enough people who consent to these purposes",
            where=" ".join(uses.purposes),
            hint=f"answers left out: {reasons}" if reasons else "nobody has answered yet",
        )
    facts = _facts(connection, settings, uses, contents, sorted(agreed), id_, day)
    ids = tuple(row.id for _, row in sorted(agreed.items()))
    return Draft(facts, contents, ids, _consents(connection))


def record_release(connection: Connection, draft: Draft, digest: str, now: int) -> bool:
    """Record a release in the store; False if consents changed since it was drafted."""
    if _consents(connection) != draft.consents:
        return False
    id_ = draft.facts.id
    counts = {"communities": counts_of(draft.contents.answers), "left_out": draft.contents.left_out}
    connection.execute(
        insert(release).values(
            id=id_,
            purposes=" ".join(draft.facts.purposes),
            digest=digest,
            counts=json.dumps(counts),
            stewards=" ".join(draft.stewards),
            made_at=now,
            revision=0,
        )
    )
    for one in draft.stewards:
        audit_log.append(
            connection, now, "operator", f"agreement noted: steward {one}", id_, digest
        )
    audit_log.append(connection, now, "operator", "release made", id_, digest)
    return True


def _made(draft: Draft, folder: Path, digest: str) -> MadeRelease:
    return MadeRelease(
        id=draft.facts.id,
        folder=str(folder),
        digest=digest,
        purposes=draft.facts.purposes,
        communities=counts_of(draft.contents.answers),
        left_out=dict(draft.contents.left_out),
    )


def _facts(
    connection: Connection,
    settings: StudySettings,
    uses: Uses,
    contents: Contents,
    stewards: list[str],
    id_: str,
    day: str,
) -> Facts:
    first = settings.texts["en" if "en" in settings.texts else settings.languages[0]]
    here = {row["community"] for row in contents.answers}
    used = {row["document"] for row in contents.answers}
    versions = connection.execute(select(document.c.id, document.c.version)).all()
    floor, to = settings.release.floor, settings.release.round_to
    return Facts(
        id=id_,
        study=settings.id,
        title=first.title,
        about=first.about,
        names={one: _name(settings, one) for one in sorted(here)},
        purposes=list(uses.purposes),
        made_on=day,
        audit_head=audit_log.head(connection),
        stewards=stewards,
        floors={one: settings.floor_of(one) for one in sorted(here)},
        round_to=to,
        min_age=settings.min_age,
        left_out={
            why: None if n < floor else rounded(n, to)
            for why, n in sorted(contents.left_out.items())
            if n
        },
        communities_left_out=len(settings.communities) - len(here),
        documents={row.id: row.version for row in versions if row.id in used},
        most_share=settings.choosing.most_share,
    )


def day_of(now: int) -> str:
    """The date of a time, in UTC.

    >>> day_of(1_800_000_000)
    '2027-01-15'
    """
    return datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat()


def _name(settings: StudySettings, id_: str) -> str:
    own = settings.community(id_)
    names = own.name if own is not None else {}
    return names.get("en") or next(iter(names.values()), None) or community_name(id_)


def _consents(connection: Connection) -> tuple[int, int]:
    counts = (select(func.count()).select_from(table) for table in (consent, withdrawal))
    given, withdrawn = (connection.execute(count).scalar_one() for count in counts)
    return given, withdrawn


@dataclass(frozen=True, slots=True)
class _Steward:
    id: str
    communities: frozenset[str]


def _stewards(connection: Connection, names: Sequence[str]) -> dict[str, _Steward]:
    """Name -> steward, each of whom must exist and not be revoked."""
    rows = connection.execute(select(steward).where(steward.c.revoked_at.is_(None))).all()
    known = {row.name: _Steward(row.id, frozenset(row.communities.split())) for row in rows}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InvalidInput(
            f"there is no steward {unknown[0]!r}" if unknown else "no steward is named",
            where="--steward",
            hint=f"stewards are {', '.join(sorted(known))}"
            if known
            else "add one: `pluralign collect steward add`",
        )
    return {name: known[name] for name in names}


def _has_steward(community: str, stewards: Collection[_Steward]) -> bool:
    """Whether one of them is the steward of a community; no communities means all."""
    return any(not one.communities or community in one.communities for one in stewards)
