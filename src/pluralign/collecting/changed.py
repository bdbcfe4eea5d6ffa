"""The difference that a person's answers made to the model of their community.

It is computed for a release, after a run that is measured on anchor pairs: these are the same for
everybody of the community, so showing them reveals nothing about others. It is never computed live,
and each person sees their own alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select

from pluralign.collecting import audit_log
from pluralign.collecting.release_facts import Facts, rounded
from pluralign.collecting.release_files import read_release
from pluralign.collecting.released_rows import Contents, people_with_pairs, public_id, release_key
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.tables import (
    assignment,
    audit,
    change,
    participant,
    rating,
    release,
)
from pluralign.collecting.study import Study
from pluralign.core import Estimate, InvalidInput, Reporter

_SHOWN = 3
ANCHORS = {"reason": "anchor"}
"""Pairs that a run must be measured on: `split.test_where`."""

MEASURED = "changes measured"
"""The act in the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A number with its interval over people; the ends are None where there are too few.

    Attributes:
        value: The number.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, found: Estimate, scale: float = 1.0) -> "Range":
        """An estimate times a number."""
        low, high = (None if end is None else end * scale for end in (found.low, found.high))
        return cls(value=found.value * scale, low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The changes by a person's answers in one release.

    Attributes:
        release: The release.
        made_on: Date of the release.
        answers: Number of their answers in it.
        people: Rounded number of people of their community in it.
        measured: Whether a model learned from them; otherwise their answers measured the models.
        moved: How far the model's preferences moved, as a part of their mean size.
        typical: The middle half of the same number over the people of the community.
        same: Part of the anchor pairs on which the model prefers the same response without them.
        accuracy: How much better the model predicts the others, as a part of their choices; None
            where these are fewer people than the floor.
        examples: Anchor pairs that moved most: ``prompt``, ``preferred``, ``other``, and the
            probability that the model gives to the preferred one, ``with_you`` and ``without_you``.
    """

    release: str
    made_on: str
    answers: int
    people: int
    measured: bool
    moved: Range | None = None
    typical: tuple[float, float] | None = None
    same: Range | None = None
    accuracy: Range | None = None
    examples: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_json(cls, content: str) -> "Changed":
        """Read what `keep_changes` stored."""
        row = json.loads(content)
        for name in ("moved", "same", "accuracy"):
            row[name] = None if row[name] is None else Range(**row[name])
        return cls(**row)


def changes_of(
    folder: Path, run: Path, reporter: Reporter | None = None, cache: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Measure what each person's answers changed.

    Args:
        folder: Folder of the release.
        run: Folder of a finished run that read it, measured on anchors.
        reporter: Is notified of the progress.
        cache: Folder of kept vectors; the default one where None.

    Returns:
        Public id in the release -> `Changed` as a dictionary.

    Raises:
        InvalidInput: If the run was not measured on anchors alone, or has no method for this.
        DamagedFile: If a file of the release was altered.
    """
    from pluralign.experiments import influence
    from pluralign.experiments.recorded_settings import recorded_tables

    if recorded_tables(run)["split"].get("test_where") != ANCHORS:
        raise InvalidInput(
            "the run is not measured on anchor pairs alone",
            where=str(run),
            hint='set split.test_where = {reason = "anchor"}, and run it again: other pairs may '
            "reveal what somebody else was asked",
        )
    facts, contents = read_release(folder)
    # The step for all people at once is for choices that were not exchanged at random.
    exchanged = any(row["flip"] for row in contents.answers)
    everybody = sorted({row["rater"] for row in contents.answers})
    raters = everybody if exchanged else None
    found = influence(run, raters, None, None, reporter, cache, examples=True)
    return {rater: asdict(one) for rater, one in _by_person(facts, contents, found.people).items()}


def keep_changes(
    connection: Connection,
    study: Study,
    release_id: str,
    changes: Mapping[str, Mapping[str, Any]],
    now: int,
) -> int:
    """Store what people's answers changed in a release; return for how many people.

    Args:
        connection: A writing connection.
        study: The study.
        release_id: The release; the earlier rows of it are replaced.
        changes: As `changes_of` returns them. People who have withdrawn since are left out.
        now: Seconds since 1970.
    """
    if connection.execute(select(release.c.id).where(release.c.id == release_id)).first() is None:
        raise InvalidInput(f"the study has no release {release_id!r}", where="--run")
    connection.execute(delete(change).where(change.c.release == release_id))
    key, kept = release_key(study.secret, release_id), 0
    for person in connection.execute(select(participant.c.id)).scalars().all():
        content = changes.get(public_id(key, "rater", person))
        if content is not None:
            values = {"release": release_id, "participant": person, "at": now}
            row = {"id": new_id(now), **values, "content": json.dumps(content)}
            connection.execute(insert(change).values(row))
            kept += 1
    audit_log.append(connection, now, "operator", MEASURED, release_id)
    return kept


def newest_change(connection: Connection, participant_id: str) -> Changed | None:
    """The changes by a person's answers in the newest release for which they were measured."""
    query = (
        select(change.c.content)
        .join(release, change.c.release == release.c.id)
        .where(change.c.participant == participant_id)
        .order_by(release.c.made_at.desc(), release.c.id.desc())
        .limit(1)
    )
    content = connection.execute(query).scalar()
    return None if content is None else Changed.from_json(content)


def measured_again(connection: Connection, participant_id: str) -> bool:
    """Whether changes were measured since a person answered, and are deleted until the next time.

    They are deleted when somebody leaves the release: the influence of others was measured with
    this person.
    """
    began = select(func.min(rating.c.received_at)).where(
        rating.c.assignment == assignment.c.id, assignment.c.participant == participant_id
    )
    newest = (
        select(audit.c.object)
        .where(audit.c.action == MEASURED, audit.c.at >= began.scalar_subquery())
        .order_by(audit.c.seq.desc())
        .limit(1)
    )
    release_id = connection.execute(newest).scalar()
    if release_id is None:
        return False
    kept = select(change.c.id).where(change.c.release == release_id).limit(1)
    return connection.execute(kept).first() is None


def _by_person(facts: Facts, contents: Contents, found: Sequence[Any]) -> dict[str, Changed]:
    people = people_with_pairs(contents.answers)
    measured = {one.rater: one for one in found}
    changes = {}
    for community, raters in people.items():
        own = [measured[rater] for rater in sorted(raters) if rater in measured]
        moved = [one.changes.moved.value / one.changes.margin for one in own if one.changes.margin]
        low, high = np.quantile(moved, [0.25, 0.75]).tolist() if moved else (0.0, 0.0)
        for rater in raters:
            changes[rater] = Changed(
                release=facts.id,
                made_on=facts.made_on,
                answers=sum(row["rater"] == rater for row in contents.answers),
                people=rounded(len(raters), facts.round_to),
                measured=rater in measured,
                **_measured(measured.get(rater), (low, high), facts.floor_of(community)),
            )
    return changes


def _measured(one: Any, typical: tuple[float, float], floor: int) -> dict[str, Any]:
    """The numbers of a person; nothing where no model learned from them."""
    if one is None or not one.changes.margin:
        return {}
    found = one.changes
    enough = (found.gain.n_raters or 0) >= floor
    turned = found.turned
    return {
        "moved": Range.of(found.moved, 1 / found.margin),
        "typical": typical,
        "same": Range(
            value=1 - turned.value,
            low=None if turned.high is None else 1 - turned.high,
            high=None if turned.low is None else 1 - turned.low,
        ),
        "accuracy": Range.of(found.gain) if enough else None,
        "examples": [_example(pair) for pair in one.examples[:_SHOWN]],
    }


def _example(pair: Any) -> dict[str, Any]:
    with_you, without_you = (float(1 / (1 + np.exp(-m))) for m in (pair.margin, pair.without))
    return {
        "prompt": pair.prompt,
        "preferred": pair.preferred,
        "other": pair.other,
        "with_you": with_you,
        "without_you": without_you,
    }
