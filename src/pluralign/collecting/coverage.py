"""Coverage: people that a study misses, and how steady its answers are, for stewards.

The numbers are advice, never a reason to leave a person out. They are those of the last midnight
(UTC), and a number with fewer people than the floor of the community is not computed: two looks at
the page do not reveal what one person did between them.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, func, select

from pluralign.collecting.choosing.thin_communities import people_hoped_for, thin_first
from pluralign.collecting.stewards import Steward
from pluralign.collecting.store.tables import assignment, pair, participant, rating
from pluralign.collecting.study import StudySettings
from pluralign.core import Estimate, NotEnoughData
from pluralign.metrics import human_ceiling
from pluralign.metrics.group_means import Clusters, group_means

_DAY = 86_400
_SHARES = ("tie", "both-bad", "dont-know")


@dataclass(frozen=True, slots=True)
class CoveredAnswer:
    """An answer in its newest version.

    Attributes:
        person: Id of the person.
        community: Their community.
        pair: Id of the pair.
        assignment: Id of the pair as it was shown.
        repeats: The earlier assignment that it asks again; None for all others.
        anchor: Whether the pair was shown as an anchor.
        choice: ``first`` or ``second`` of the pair, whichever side they were on, or as in a rating.
        left: Whether the response on the left was taken; None where neither was.
        flip: Probability that the phone exchanged left and right.
    """

    person: str
    community: str
    pair: str
    assignment: str
    repeats: str | None
    anchor: bool
    choice: str
    left: bool | None
    flip: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityCoverage:
    """Coverage of a community.

    Attributes:
        community: Its id.
        hoped: Number of people that the study hopes for.
        answered: Number of people who answered a pair.
        missing: Number of people who are missing.
        floor: Fewest people behind any other number here.
        answers: Number of answers; None below the floor, as all that follow.
        anchors: Number of answers to anchor pairs.
        anchor_pairs: Number of different anchor pairs that were answered.
        shares: Choice (``tie``, ``both-bad``, ``dont-know``) -> its share of all answers.
        left: Share of the left side among the answers that took a side; about half unless people
            choose by position.
        consistency: Share of repeated pairs that were answered as before.
        agreement: How often a person's choice in an anchor pair is that of most other people.
        flipped: Whether phones exchanged some choices, which makes the last two smaller.
    """

    community: str
    hoped: int
    answered: int
    missing: int
    floor: int
    answers: int | None = None
    anchors: int | None = None
    anchor_pairs: int | None = None
    shares: Mapping[str, Estimate] | None = None
    left: Estimate | None = None
    consistency: Estimate | None = None
    agreement: Estimate | None = None
    flipped: bool = False


def coverage(
    connection: Connection, settings: StudySettings, by: Steward, now: int
) -> list[CommunityCoverage]:
    """Coverage of a steward's communities at the last midnight, the thinnest community first."""
    given: dict[str, list[CoveredAnswer]] = {
        id_: [] for id_ in people_hoped_for(settings) if by.answers_for(id_)
    }
    for one in _answers(connection, now // _DAY * _DAY):
        if one.community in given:
            given[one.community].append(one)
    hoped = {id_: n for id_, n in people_hoped_for(settings).items() if id_ in given}
    answered = {id_: len({one.person for one in own}) for id_, own in given.items()}
    return [
        _measured(
            given[one.community],
            CommunityCoverage(
                community=one.community,
                hoped=one.hoped,
                answered=one.answered,
                missing=one.missing,
                floor=settings.floor_of(one.community),
            ),
        )
        for one in thin_first(hoped, answered)
    ]


class KnownCoverage:
    """Coverage as it was measured last: only deletions change it before the next midnight."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._known: dict[frozenset[str], tuple[tuple[Any, ...], list[CommunityCoverage]]] = {}

    def of(
        self, connection: Connection, settings: StudySettings, by: Steward, now: int
    ) -> list[CommunityCoverage]:
        """As `coverage`, from memory where no answer came or went since."""
        state = _state(connection, now // _DAY * _DAY)
        with self._one_at_a_time:
            known = self._known.get(by.communities)
            if known is None or known[0] != state:
                known = state, coverage(connection, settings, by, now)
                self._known[by.communities] = known
        return known[1]


def _state(connection: Connection, before: int) -> tuple[Any, ...]:
    """Numbers that change when the answers before a time do."""
    counted = select(func.count(), func.max(rating.c.id)).where(rating.c.received_at < before)
    return (before, *connection.execute(counted).one())


def _measured(given: Sequence[CoveredAnswer], bare: CommunityCoverage) -> CommunityCoverage:
    """Coverage with the numbers that have enough people."""
    if bare.answered < bare.floor:
        return bare
    anchors = [one for one in given if one.anchor]
    return replace(
        bare,
        answers=len(given),
        anchors=len(anchors),
        anchor_pairs=len({one.pair for one in anchors}),
        shares=_shares(given),
        left=_above(_left(given), bare.floor),
        consistency=_above(consistency(given), bare.floor),
        agreement=_above(agreement(anchors), bare.floor),
        flipped=any(one.flip for one in given),
    )


def _above(found: Estimate | None, floor: int) -> Estimate | None:
    """A number; None where fewer people than the floor are behind it."""
    return found if found is not None and (found.n_raters or 0) >= floor else None


def consistency(given: Sequence[CoveredAnswer]) -> Estimate | None:
    """Share of repeated pairs that were answered as before; None where nothing was repeated."""
    before = {one.assignment: one.choice for one in given}
    again = [one for one in given if one.repeats in before]
    same = [one.choice == before[str(one.repeats)] for one in again]
    return _mean(same, [one.person for one in again])


def agreement(anchors: Sequence[CoveredAnswer]) -> Estimate | None:
    """How often a person chooses in an anchor pair as most others do; None without such pairs."""
    sided = [one for one in anchors if one.left is not None]
    if not sided:
        return None
    taken = [int(one.choice == "second") for one in sided]
    try:
        return human_ceiling([one.pair for one in sided], taken, [one.person for one in sided])
    except NotEnoughData:
        return None


def _shares(given: Sequence[CoveredAnswer]) -> dict[str, Estimate]:
    people = [one.person for one in given]
    found = {name: _mean([one.choice == name for one in given], people) for name in _SHARES}
    return {name: share for name, share in found.items() if share is not None}


def _left(given: Sequence[CoveredAnswer]) -> Estimate | None:
    sided = [one for one in given if one.left is not None]
    return _mean([bool(one.left) for one in sided], [one.person for one in sided])


def _mean(true_N: Sequence[bool], person_N: Sequence[str]) -> Estimate | None:
    """The share of true rows, with an interval over people; None without rows."""
    if not true_N:
        return None
    value_N_S = np.asarray(true_N, dtype=np.float64)[:, None]
    one_group = np.zeros(len(true_N), dtype=np.int64)
    clusters = Clusters(cluster_N=list(person_N))
    return group_means(value_N_S, one_group, clusters, bounds=(0.0, 1.0)).estimate(0)


def _answers(connection: Connection, before: int) -> list[CoveredAnswer]:
    """Answers that were kept before a time, each in its newest version of that time."""
    newest = (
        select(rating.c.assignment, func.max(rating.c.version).label("version"))
        .where(rating.c.received_at < before)
        .group_by(rating.c.assignment)
        .subquery()
    )
    same = and_(rating.c.assignment == newest.c.assignment, rating.c.version == newest.c.version)
    rows = connection.execute(
        select(rating.c.choice, rating.c.flip, assignment, participant.c.community, pair.c.first)
        .join(newest, same)
        .join(assignment, rating.c.assignment == assignment.c.id)
        .join(participant, assignment.c.participant == participant.c.id)
        .join(pair, assignment.c.pair == pair.c.id)
        .where(assignment.c.reason != "practice")
        .order_by(assignment.c.id)
    )
    return [
        CoveredAnswer(
            person=row.participant,
            community=row.community,
            pair=row.pair,
            assignment=row.id,
            repeats=row.repeats,
            anchor=row.reason == "anchor",
            choice=_of_pair(row.choice, row.left == row.first),
            left=row.choice == "left" if row.choice in ("left", "right") else None,
            flip=row.flip,
        )
        for row in rows
    ]


def _of_pair(choice: str, first_is_left: bool) -> str:
    """A choice by the pair's own order.

    >>> _of_pair("left", True), _of_pair("left", False), _of_pair("tie", True)
    ('first', 'second', 'tie')
    """
    if choice not in ("left", "right"):
        return choice
    return "first" if (choice == "left") == first_is_left else "second"
