"""Which pair a person is shown next: a mixture of ways with known probabilities.

Every pair that is shown is stored with its propensity: the probability of this pair under the whole
mixture, given what the person was shown before. Anchors are shown as anchors only, so answers to
them are answers to a random sample; other answers represent all pairs when they are weighted by
`pluralign.metrics.propensity_weights`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from sqlalchemy import Connection, bindparam, func, insert, select

from pluralign.collecting import audit_log
from pluralign.collecting.choosing.chooser import Chooser, CommunityAnswers
from pluralign.collecting.choosing.mixture import Way, draw_row
from pluralign.collecting.choosing.pair_pool import PairPool
from pluralign.collecting.choosing.pair_rows import PairRow
from pluralign.collecting.choosing.shown_pairs import Shown, shown_pairs
from pluralign.collecting.choosing.sittings import ShownBefore, history_of, this_sitting, unanswered
from pluralign.collecting.choosing.ways_to_draw import (
    over_share,
    policy_name,
    shares_of,
    ways_to_draw,
)
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store import Store
from pluralign.collecting.store.tables import assignment, text
from pluralign.collecting.study import Study, StudySettings
from pluralign.collecting.taking_part import Person

_FRESH_SECONDS = 7 * 86_400
_FEWEST_FOR_REPEAT = 4
_TRIES = 5


def next_pair(
    store: Store,
    study: Study,
    chooser: Chooser,
    person: Person,
    now: int,
    rng: np.random.Generator,
) -> Shown | None:
    """The pair that a person answers next.

    A pair that was shown and not answered is shown again, as it was.

    Args:
        store: The study's store.
        study: The study.
        chooser: The study's chooser.
        person: The person.
        now: Seconds since 1970.
        rng: Generator of the draws.

    Returns:
        The pair; None where no pair is left for this person, or their share of the community's
        answers is at its limit.
    """
    pairs = next_pairs(store, study, chooser, person, now, rng)
    return pairs[0] if pairs else None


def next_pairs(
    store: Store,
    study: Study,
    chooser: Chooser,
    person: Person,
    now: int,
    rng: np.random.Generator,
    count: int = 1,
) -> list[Shown]:
    """The pairs that a person answers next, for a phone that may lose its connection.

    Args:
        store: The study's store.
        study: The study.
        chooser: The study's chooser.
        person: The person.
        now: Seconds since 1970.
        rng: Generator of the draws.
        count: Number of pairs, >= 1. Pairs that wait for an answer come first, and count.

    Returns:
        At most ``count`` pairs, in the order in which they are to be answered.
    """
    waiting: list[Shown] = []
    for _ in range(count + _TRIES):
        with store.reading() as connection:
            history = history_of(connection, person.id)
            with chooser.current(connection):
                answers = chooser.answers(person.community)
                turn = _Turn(study.settings, chooser.pool, answers, person, history, now)
                waiting = _waiting(connection, turn)
                new = _draw(turn, len(waiting), rng) if len(waiting) < count else None
        if new is None:
            break
        assign = partial(_assign, turn=turn, new=new, sides=_sides(new, rng), after=len(waiting))
        assigned = store.write(assign)
        if not assigned:
            chooser.expire()
        waiting += assigned
        if len(waiting) == count:
            break
    return waiting[:count]


@dataclass(frozen=True, slots=True)
class _Turn:
    """A person's turn, with the chooser's pairs and answers as they are now."""

    settings: StudySettings
    pool: PairPool
    answers: CommunityAnswers
    person: Person
    history: Sequence[ShownBefore]
    now: int

    @property
    def sitting(self) -> list[ShownBefore]:
        """Pairs that the person has answered in this sitting."""
        return this_sitting(self.history, self.now)

    @property
    def remaining(self) -> int:
        """Number of pairs before the page suggests to stop."""
        return self.settings.sitting.pairs - len(self.sitting)


@dataclass(frozen=True, slots=True)
class _New:
    """A pair that was drawn and is not stored yet."""

    pair: PairRow
    reason: str
    propensity: float
    policy: str
    repeats: str | None = None


def _waiting(connection: Connection, turn: _Turn) -> list[Shown]:
    """Pairs that were shown, wait for an answer, and can still be read by the person."""
    readable = turn.pool.readable(turn.person.community, turn.person.language).ids
    ids = [one.id for one in unanswered(turn.history) if one.pair in readable]
    return shown_pairs(connection, ids, turn.remaining)


def _draw(turn: _Turn, n_waiting: int, rng: np.random.Generator) -> _New | None:
    """Draw a pair; None where no pair is left for the person."""
    sitting = turn.settings.sitting
    if turn.settings.asks_again and len(turn.sitting) + n_waiting + 1 == sitting.pairs:
        repeated = _repeat(turn, rng)
        if repeated is not None:
            return repeated
    settings = turn.settings.choosing
    if over_share(turn.answers.by_person, turn.person.id, settings.most_share, sitting.pairs):
        return None
    drawn = draw_row(shares_of(settings), _ways(turn, rng), rng)
    if drawn is None:
        return None
    pair = turn.pool.rows[drawn.row]
    return _New(pair, drawn.reason, drawn.propensity, policy_name(settings))


def _ways(turn: _Turn, rng: np.random.Generator) -> dict[str, Way]:
    pool, person = turn.pool, turn.person
    seen = [pool.row_of[one.pair] for one in turn.history if one.pair in pool.row_of]
    left = np.ones(len(pool), dtype=np.bool_)
    left[pool.written_by(person.id) + seen] = False
    readable = pool.readable(person.community, person.language)
    other_N = readable.other_N[left[readable.other_N]]
    return ways_to_draw(
        readable.anchor_A[left[readable.anchor_A]],
        other_N,
        turn.answers.judged_N[other_N],
        pool.made_at_N[other_N] > turn.now - _FRESH_SECONDS,
        lambda rows: turn.answers.taste.gains(pool.feature_N_D[rows]),
        turn.settings.choosing,
        rng,
    )


def _repeat(turn: _Turn, rng: np.random.Generator) -> _New | None:
    """A pair from the first half of the sitting, to be asked again; None where there was one."""
    sitting = turn.sitting
    waiting = unanswered(turn.history)
    if len(sitting) < _FEWEST_FOR_REPEAT or "repeat" in {one.reason for one in sitting + waiting}:
        return None
    early = [one for one in sitting[: len(sitting) // 2] if one.pair in turn.pool.row_of]
    if not early:
        return None
    chosen = early[rng.integers(len(early))]
    pair = turn.pool.rows[turn.pool.row_of[chosen.pair]]
    return _New(pair, "repeat", 1 / len(early), "repeat 1", repeats=chosen.id)


def _sides(new: _New, rng: np.random.Generator) -> tuple[str, str]:
    """The responses on the left and on the right, by chance."""
    first, second = new.pair.first, new.pair.second
    return (first, second) if rng.random() < 0.5 else (second, first)


def _assign(
    connection: Connection, turn: _Turn, new: _New, sides: tuple[str, str], after: int
) -> list[Shown]:
    """Store a drawn pair behind those that wait, and return it.

    Nothing is stored where another tab was faster, or a text is hidden by now.
    """
    person, pair = turn.person.id, new.pair
    needed = [pair.prompt, pair.first, pair.second]
    if connection.execute(_BEFORE, {"person": person}).scalar_one() != len(turn.history):
        return []
    if connection.execute(_READABLE, {"ids": needed}).scalar_one() != len(needed):
        return []
    # Not before earlier pairs, also after the clock was set back: the newest ones are waiting.
    at = max([turn.now, *(one.served_at for one in turn.history[-1:])])
    id_ = new_id(at, len(turn.history))
    connection.execute(
        _ADD,
        {
            "id": id_,
            "participant": person,
            "pair": pair.id,
            "left": sides[0],
            "right": sides[1],
            "reason": new.reason,
            "propensity": new.propensity,
            "policy": new.policy,
            "repeats": new.repeats,
            "served_at": at,
        },
    )
    audit_log.append(connection, turn.now, "server", "pair shown", id_)
    return shown_pairs(connection, [id_], turn.remaining - after)


# Built once: building a statement takes longer than running it.
_BEFORE = select(func.count()).where(assignment.c.participant == bindparam("person"))
_READABLE = select(func.count()).where(
    text.c.id.in_(bindparam("ids", expanding=True)), text.c.state == "shown"
)
_ADD = insert(assignment)
