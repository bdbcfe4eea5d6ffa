"""The answers and texts of a release: their people consent to its purposes now."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, func, select

from pluralign.collecting.purposes import Purpose, allowed
from pluralign.collecting.secret_digests import keyed_digest
from pluralign.collecting.store.tables import assignment, consent, pair, participant, rating, text
from pluralign.collecting.study import StudySettings
from pluralign.core import InvalidInput

Row = dict[str, Any]
USES: tuple[Purpose, ...] = ("train", "evaluate", "publish-rows", "publish-quotes")
"""Purposes that a release can have."""

SIDES = ("prompt", "left", "right")
"""Columns of an answer with the ids of texts."""

NO_CONSENT = "the person does not consent to these purposes"
NO_CONSENT_OF_AUTHOR = "the author of a text does not consent to these purposes"
PRACTICE = "practice pair"
NOT_SHOWN = "a text was hidden or erased"
NO_STEWARD = "no steward of the community agreed"
BELOW_FLOOR = "community below the floor"


@dataclass(frozen=True, slots=True)
class Uses:
    """The purposes of a release.

    Attributes:
        purposes: In their fixed order. ``publish-quotes`` comes with ``publish-rows``.
    """

    purposes: tuple[Purpose, ...]

    @classmethod
    def of(cls, asked: Collection[str]) -> "Uses":
        """Check purposes.

        Raises:
            InvalidInput: If there are none, or one is not a purpose of releases.

        >>> Uses.of(["publish-quotes"]).purposes
        ('publish-rows', 'publish-quotes')
        """
        unknown = [one for one in asked if one not in USES]
        if unknown or not asked:
            raise InvalidInput(
                f"a purpose of a release must be one of {', '.join(USES)}, got "
                f"{unknown[0] if unknown else 'none'}",
                where="--purpose",
                hint="name at least one; a row is in the release if its person consents to all",
            )
        wanted = {*asked, *(["publish-rows"] if "publish-quotes" in asked else [])}
        return cls(tuple(one for one in USES if one in wanted))

    @property
    def published(self) -> bool:
        """Whether the release may leave the house."""
        return "publish-rows" in self.purposes

    @property
    def of_texts(self) -> tuple[Purpose, ...]:
        """Purposes that the author of a text must consent to: texts are words of one's own."""
        kept = tuple(one for one in self.purposes if not one.startswith("publish"))
        return (*kept, "publish-quotes") if self.published else kept

    def shows_reason(self, given: str) -> bool:
        """Whether reasons of a person with this consent are in the release."""
        return not self.published or allowed(["publish-quotes"], given)


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows of a release.

    Attributes:
        answers: Answers, sorted by id.
        texts: The texts that they are about, and stories, sorted by id.
        left_out: Reason -> number of answers that are not in the release.
    """

    answers: list[Row]
    texts: list[Row]
    left_out: Counter[str]


def public_id(id_key: bytes, kind: str, id_: str) -> str:
    """The id of a person, answer or text in a release.

    >>> public_id(b"one", "rater", "p") == public_id(b"other", "rater", "p")
    False
    """
    return keyed_digest(id_key, kind, id_)[:24]


def release_key(secret: bytes, release_id: str) -> bytes:
    """Key of the public ids in a release.

    It is derived from the study's secret, so a study that is restored from a backup recognises
    people in releases that were made after the backup.
    """
    return bytes.fromhex(keyed_digest(secret, "release", release_id))


def contents_of(
    connection: Connection,
    settings: StudySettings,
    uses: Uses,
    id_key: bytes,
    agreed: Collection[str],
) -> Contents:
    """The rows of a release, from one state of the store.

    Args:
        connection: A reading connection.
        settings: The study's settings.
        uses: The purposes.
        id_key: Key of the public ids: releases with different keys cannot be joined by ids.
        agreed: Communities whose stewards agreed to the release.
    """
    consents = newest_consents(connection)
    texts = {row["id"]: row for row in _rows(connection, select(text))}
    usable = {id_ for id_, one in texts.items() if _may_be_used(one, consents, uses)}
    left_out: Counter[str] = Counter()
    answers = []
    for row in _newest_answers(connection):
        reason = _reason_to_leave_out(row, consents, texts, usable, uses, agreed)
        if reason is None:
            given = consents[row["participant"]]
            answers.append(_answer(row, given, texts, settings, uses, id_key))
        else:
            left_out[reason] += 1
    kept = [_text(texts[id_], id_key) for id_ in usable]
    return above_floors(Contents(answers, kept, left_out), settings.floor_of)


def above_floors(contents: Contents, floor_of: Callable[[str], int]) -> Contents:
    """Leave out communities with too few people, and texts that nothing else refers to."""
    people = people_with_pairs(contents.answers)
    enough = {one for one, raters in people.items() if len(raters) >= floor_of(one)}
    answers = [row for row in contents.answers if row["community"] in enough]
    below = len(contents.answers) - len(answers)
    by_id = {row["id"]: row for row in contents.texts}
    stories = {id_ for id_, row in by_id.items() if row["kind"] == "story"}
    told = {id_ for id_ in stories if by_id[id_]["community"] in enough}
    referred = {row[side] for row in answers for side in SIDES} | told
    referred |= {by_id[id_]["parent"] for id_ in told if by_id[id_]["parent"] in by_id}
    return Contents(
        sorted(answers, key=itemgetter("id")),
        sorted((by_id[id_] for id_ in referred), key=itemgetter("id")),
        contents.left_out + Counter({BELOW_FLOOR: below}),
    )


def people_with_pairs(answers: Iterable[Row]) -> dict[str, set[str]]:
    """Community -> public ids of the people with at least one choice that makes a pair."""
    people: dict[str, set[str]] = {}
    for row in answers:
        if makes_pair(row):
            people.setdefault(row["community"], set()).add(row["rater"])
    return dict(sorted(people.items()))


def makes_pair(answer: Row) -> bool:
    """Whether an answer prefers a side, and is not the same question asked again."""
    return answer["choice"] in ("left", "right") and answer["repeats"] is None


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Row]:
    return (dict(row._mapping) for row in connection.execute(query))


def newest_consents(connection: Connection) -> dict[str, Row]:
    """Person -> the consent that they gave last, with its ``purposes`` and ``document``."""
    last = (
        select(consent.c.participant, func.max(consent.c.version).label("version"))
        .group_by(consent.c.participant)
        .subquery()
    )
    query = (
        select(consent.c.participant, consent.c.purposes, consent.c.document)
        .join(last, consent.c.participant == last.c.participant)
        .where(consent.c.version == last.c.version)
    )
    return {row["participant"]: row for row in _rows(connection, query)}


def _newest_answers(connection: Connection) -> Iterator[Row]:
    """The newest version of each answer, with what was shown."""
    last = (
        select(rating.c.assignment, func.max(rating.c.version).label("version"))
        .group_by(rating.c.assignment)
        .subquery()
    )
    shown = assignment.c
    query = (
        select(
            *(rating.c.assignment, rating.c.choice, rating.c.strength, rating.c.flip),
            *(rating.c.reason.label("context"), rating.c.language),
            *(shown.participant, shown.left, shown.right, shown.reason, shown.propensity),
            *(shown.policy, shown.repeats, pair.c.prompt, participant.c.community),
        )
        .join(last, rating.c.assignment == last.c.assignment)
        .join(assignment, shown.id == rating.c.assignment)
        .join(pair, pair.c.id == shown.pair)
        .join(participant, participant.c.id == shown.participant)
        .where(rating.c.version == last.c.version)
    )
    return _rows(connection, query)


def _may_be_used(one: Row, consents: Mapping[str, Row], uses: Uses) -> bool:
    """Whether a text is shown, and its author consents where it has one."""
    if one["state"] != "shown" or not one["body"]:
        return False
    return one["author"] is None or _covers(consents, one["author"], uses.of_texts)


def _covers(consents: Mapping[str, Row], person: str, purposes: Collection[str]) -> bool:
    return person in consents and allowed(purposes, consents[person]["purposes"])


def _reason_to_leave_out(
    row: Row,
    consents: Mapping[str, Row],
    texts: Mapping[str, Row],
    usable: Collection[str],
    uses: Uses,
    agreed: Collection[str],
) -> str | None:
    """The reason why an answer is not in a release; None if it is."""
    if not _covers(consents, row["participant"], uses.purposes):
        return NO_CONSENT
    if row["reason"] == "practice":
        return PRACTICE
    if row["community"] not in agreed:
        return NO_STEWARD
    missing = [row[side] for side in SIDES if row[side] not in usable]
    if not missing:
        return None
    hidden = any(texts[id_]["state"] != "shown" for id_ in missing)
    return NOT_SHOWN if hidden else NO_CONSENT_OF_AUTHOR


def _answer(
    row: Row,
    given: Row,
    texts: Mapping[str, Row],
    settings: StudySettings,
    uses: Uses,
    id_key: bytes,
) -> Row:
    """An answer as a release has it. Nothing reveals an exchanged choice."""
    own, private = settings.community(row["community"]), row["flip"] > 0
    licence = (own.licence if own else None) or settings.release.licence
    quoted = uses.shows_reason(given["purposes"]) and not private
    repeated = row["repeats"]
    return {
        "id": public_id(id_key, "answer", row["assignment"]),
        "rater": public_id(id_key, "rater", row["participant"]),
        "community": row["community"],
        "choice": row["choice"],
        "strength": None if private else row["strength"],
        "context": row["context"] if quoted else None,
        "language": row["language"],
        **{side: public_id(id_key, "text", row[side]) for side in SIDES},
        "reason": row["reason"],
        "propensity": row["propensity"],
        "policy": row["policy"],
        "repeats": None if repeated is None else public_id(id_key, "answer", repeated),
        "flip": row["flip"],
        "source": settings.id,
        "license": licence,
        "labels": list(own.labels) if own else [],
        "consent": "given",
        "purposes": given["purposes"].split(),
        "document": given["document"],
    }


def _text(row: Row, id_key: bytes) -> Row:
    """A text as a release has it; its author is not named, not even by a public id."""
    parent = row["parent"]
    return {
        "id": public_id(id_key, "text", row["id"]),
        "kind": row["kind"],
        "body": row["body"],
        "language": row["language"],
        "community": row["community"],
        "parent": None if parent is None else public_id(id_key, "text", parent),
        "origin": row["origin"],
        "license": row["licence"],
    }
