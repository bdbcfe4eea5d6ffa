"""A person withdraws: everything that they gave leaves the store at once.

Models and releases that have the person are done afterwards (`leaving_models.py`), for a fit takes
longer than a page may. Until then the withdrawal has the ids of the person in each release, and
nothing else of them.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, or_, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.consents import store_consent
from pluralign.collecting.release_files import on_disk
from pluralign.collecting.released_rows import public_id, release_key
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.tables import (
    assignment,
    change,
    consent,
    flag,
    moderation,
    pair,
    participant,
    rating,
    release,
    session,
    text,
    withdrawal,
)
from pluralign.collecting.study import Study

NOT_RECALLED = (
    "copies of releases and models that left the study's machines",
    "numbers and reports that were published or sent to others",
    "models that others fitted on a published release",
)
"""The things that a withdrawal from a study cannot reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalReceipt:
    """The receipt of a withdrawal. It has no id of the person, and none of their words.

    Attributes:
        id: Id of the withdrawal.
        scope: ``erase``: everything was deleted. ``stop``: it is not used any more.
        asked_at: Seconds since 1970.
        done_at: The time at which releases and models were done, too; None until then.
        answers: Number of answers deleted, or not used any more.
        texts_deleted: Number of texts deleted, which nobody else had judged.
        texts_erased: Number of texts that others had judged: their words were erased.
        releases: Release -> what happened to it: digests before and after.
        runs: One entry for each run that had the person: digests before and after.
        not_recalled: The things that the withdrawal cannot reach.
    """

    id: str
    scope: str
    asked_at: int
    done_at: int | None = None
    answers: int = 0
    texts_deleted: int = 0
    texts_erased: int = 0
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    not_recalled: list[str] = field(default_factory=lambda: list(NOT_RECALLED))


def withdraw(
    connection: Connection, study: Study, participant_id: str, now: int
) -> WithdrawalReceipt:
    """Take a person out of the store.

    With ``withdrawal = "erase"`` in the study's settings, answers, consents, sessions and texts
    that nobody judged are deleted. Texts that others judged lose their words and are hidden, and
    their pairs are not shown any more. With ``"stop"`` the rows stay, and no release has them.

    Args:
        connection: A writing connection.
        study: The study.
        participant_id: The person. Their personal data and key are deleted afterwards, by
            `forget_withdrawn`, which the caller calls.
        now: Seconds since 1970.

    Returns:
        The receipt, which is stored, too; it is done once releases and models are.

    Raises:
        LookupError: If there is no such person.
    """
    key_hash = connection.execute(
        select(participant.c.key_hash).where(participant.c.id == participant_id)
    ).scalar()
    if key_hash is None:
        raise LookupError(f"there is no participant {participant_id}")
    id_, scope = new_id(now), study.settings.withdrawal
    traces = _traces(connection, study, participant_id)
    own = select(assignment.c.id).where(assignment.c.participant == participant_id)
    answers = connection.execute(
        select(func.count(rating.c.assignment.distinct())).where(rating.c.assignment.in_(own))
    ).scalar_one()
    take_out = _erase if scope == "erase" else _stop
    # The influence of others was measured with this person: it is measured again.
    connection.execute(delete(change).where(change.c.release.in_(traces)))
    deleted, erased = take_out(connection, participant_id, now)
    receipt = WithdrawalReceipt(
        id=id_,
        scope=scope,
        asked_at=now,
        done_at=None if traces else now,
        answers=answers,
        texts_deleted=deleted,
        texts_erased=erased,
    )
    connection.execute(
        insert(withdrawal).values(
            id=id_,
            scope=scope,
            key_hash=key_hash,
            traces=json.dumps(traces) if traces else None,
            forgets=participant_id if scope == "erase" else None,
            asked_at=now,
            done_at=receipt.done_at,
            receipt=json.dumps(asdict(receipt)),
        )
    )
    audit_log.append(connection, now, "participant", f"withdrew ({scope})", id_)
    return receipt


def withdraw_again(connection: Connection, participant_id: str, row: Mapping[str, Any]) -> None:
    """Take a person out of a restored store, who had withdrawn after its backup.

    Args:
        connection: A writing connection.
        participant_id: The person.
        row: Their row of the table ``withdrawal``, which is stored again.
    """
    take_out = _erase if row["scope"] == "erase" else _stop
    take_out(connection, participant_id, row["asked_at"])
    # The caller deletes the personal key; the newest keys of a backup do not have it any more.
    connection.execute(insert(withdrawal).values(**{**row, "forgets": None}))
    audit_log.append(
        connection, row["asked_at"], "operator", f"withdrew again ({row['scope']})", row["id"]
    )


def receipt_of(connection: Connection, withdrawal_id: str) -> WithdrawalReceipt | None:
    """The receipt of a withdrawal; None if there is no such withdrawal."""
    query = select(withdrawal.c.receipt).where(withdrawal.c.id == withdrawal_id)
    content = connection.execute(query).scalar()
    return None if content is None else WithdrawalReceipt(**json.loads(content))


def _traces(connection: Connection, study: Study, participant_id: str) -> dict[str, dict[str, Any]]:
    """Release -> the public ids that the person and their texts have in it, if they are there.

    All releases, also those on disk that a restored store does not know: neither a wrong clock nor
    an old backup may hide one.
    """
    known = set(connection.execute(select(release.c.id)).scalars()) | on_disk(study.folder)
    texts = connection.execute(select(text.c.id).where(text.c.author == participant_id)).scalars()
    ids, traces = sorted(texts), {}
    for id_ in sorted(known):
        key = release_key(study.secret, id_)
        traces[id_] = {
            "raters": [public_id(key, "rater", participant_id)],
            "texts": [public_id(key, "text", one) for one in ids],
        }
    return traces


def _stop(connection: Connection, participant_id: str, now: int) -> tuple[int, int]:
    """Consent to nothing from now on, hide the texts, and end all sessions."""
    last = select(consent.c.document).where(consent.c.participant == participant_id)
    document_id = connection.execute(last.order_by(consent.c.version.desc()).limit(1)).scalar_one()
    store_consent(connection, participant_id, document_id, "", now)
    own_texts = text.c.author == participant_id
    connection.execute(update(text).where(own_texts).values(state="hidden"))
    own_pairs = assignment.c.participant == participant_id
    connection.execute(update(assignment).where(own_pairs).values(deleted=None))
    _delete_own(connection, (session, change), participant_id)
    return 0, 0


def _erase(connection: Connection, participant_id: str, now: int) -> tuple[int, int]:
    """Delete everything; return the numbers of texts deleted and of texts erased."""
    own = select(assignment.c.id).where(assignment.c.participant == participant_id)
    connection.execute(delete(rating).where(rating.c.assignment.in_(own)))
    mine = assignment.c.participant == participant_id
    connection.execute(update(assignment).where(mine).values(repeats=None))
    _delete_own(connection, (assignment, flag, session, change, consent), participant_id)
    counts = _take_texts(connection, participant_id)
    connection.execute(delete(participant).where(participant.c.id == participant_id))
    return counts


def _delete_own(connection: Connection, tables: Collection[Table], participant_id: str) -> None:
    for table in tables:
        connection.execute(delete(table).where(table.c.participant == participant_id))


def _take_texts(connection: Connection, participant_id: str) -> tuple[int, int]:
    """Delete texts that nobody else built on; erase the words of the others."""
    mine = select(text.c.id).where(text.c.author == participant_id)
    ids = set(connection.execute(mine).scalars())
    kept = _judged(connection, ids)
    while True:  # a prompt stays where a response to it stays
        parents = select(text.c.parent).where(
            text.c.parent.in_(ids - kept), or_(text.c.id.not_in(ids), text.c.id.in_(kept))
        )
        also = set(connection.execute(parents).scalars())
        if not also:
            break
        kept |= also
    _erase_words(connection, kept)
    _delete_texts(connection, ids - kept)
    return len(ids - kept), len(kept)


def _judged(connection: Connection, ids: set[str]) -> set[str]:
    """The texts among these that are in a pair which was shown to somebody."""
    shown = select(pair.c.prompt, pair.c.first, pair.c.second).where(
        pair.c.id.in_(select(assignment.c.pair)), _has_one_of(ids)
    )
    return ids & {id_ for row in connection.execute(shown) for id_ in row}


def _has_one_of(ids: Collection[str]) -> Any:
    return or_(pair.c.prompt.in_(ids), pair.c.first.in_(ids), pair.c.second.in_(ids))


def _erase_words(connection: Connection, ids: Collection[str]) -> None:
    """Erase the words of texts, and retire the pairs that they are in."""
    for id_ in ids:
        values = {"author": None, "body": "", "digest": f"erased {id_}", "state": "hidden"}
        connection.execute(update(text).where(text.c.id == id_).values(**values))
    never_shown = pair.c.id.not_in(select(assignment.c.pair))
    connection.execute(delete(pair).where(_has_one_of(ids), never_shown))
    connection.execute(update(pair).where(_has_one_of(ids)).values(anchor=False))


def _delete_texts(connection: Connection, ids: Collection[str]) -> None:
    connection.execute(delete(pair).where(_has_one_of(ids)))
    for table in (flag, moderation):
        connection.execute(delete(table).where(table.c.text.in_(ids)))
    connection.execute(update(text).where(text.c.replaces.in_(ids)).values(replaces=None))
    connection.execute(update(text).where(text.c.id.in_(ids)).values(parent=None))
    connection.execute(delete(text).where(text.c.id.in_(ids)))
