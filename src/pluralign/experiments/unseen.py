"""How well a community that nobody trained on is served, from few of its choices or from none.

Stems of questions are dealt into three parts: ``context`` (a new community gives choices about
them), ``seen`` (only other communities answered them in training) and ``new`` (nobody did). People,
where there are any, are dealt into those who give choices and those by whom methods are judged. So
no person and no stem is on both sides.

A method learns from the people who give choices, on ``context`` and ``seen`` stems, from all
communities but some. Each of these is then served from k of its choices; in each of several draws
the choices for a smaller k are among those for a larger one. Two controls measure what the choices
are worth: the choices of another community (``swapped``), and the same choices with outcomes drawn
by lot (``shuffled``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray, PreferencePair, rng_for
from pluralign.methods import Shared, TrainingSet, choice_margins
from pluralign.methods.adapting import OneHead
from pluralign.methods.in_context import ContextModel, responses_of
from pluralign.rewards import EncodedPairs, LinearRewardModel, Trunk

CHOICES = (0, 1, 2, 5, 10, 20, 50, 100)
"""Numbers of choices."""
OWN, SWAPPED, SHUFFLED = "own", "swapped", "shuffled"
CONTEXT, SEEN, NEW = "context", "seen", "new"
"""Parts of stems."""
_CONTEXT_SHARE, _SEEN_SHARE, _GIVING = 0.6, 0.2, 0.6


@dataclass(frozen=True, slots=True)
class Dealt:
    """Where each pair belongs.

    Attributes:
        part_N: Part of its stem: ``context``, ``seen`` or ``new``, shape (N,).
        gives_N: Whether its rater gives choices; true where there is no rater, shape (N,).
        judges_N: Whether methods are judged by its rater; true where there is none, shape (N,).
    """

    part_N: np.ndarray[tuple[int], np.dtype[np.str_]]
    gives_N: BoolArray
    judges_N: BoolArray


class Shots(NamedTuple):
    """Choices that a method is given.

    Attributes:
        control: ``own``, ``swapped`` or ``shuffled``.
        choices: The largest number of choices; a community may have fewer.
    """

    control: str
    choices: int


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A community that was left out.

    Attributes:
        id: Its id.
        choices: The pairs that it can give, n of them, and then the same pairs with their outcomes
            turned round, in the same order.
        test: The pairs by which methods are judged, of other people and about other stems.
        new_N: Whether nobody has answered the stem of a test pair, shape (N,).
    """

    id: str
    choices: TrainingSet
    test: EncodedPairs
    new_N: BoolArray

    @property
    def pairs(self) -> int:
        """Number of pairs that it can give."""
        return len(self.choices.encoded) // 2

    @property
    def unit_n(self) -> IntArray:
        """Rater of each pair that it can give, or stem where there are no raters, shape (n,)."""
        return self.choices.unit_N[: self.pairs]


@dataclass(frozen=True, slots=True)
class ServedCommunity:
    """How well a method serves a community.

    Attributes:
        given: The choices that the method was given, S kinds of them.
        credit_N_S: Credit of each test pair, in [0, 1], mean over draws, shape (N, S).
        loss_N_S: Its loss, in nats, mean over draws, shape (N, S).
        spread_S: Standard deviation over draws of the accuracy on all test pairs, shape (S,).
    """

    given: tuple[Shots, ...]
    credit_N_S: FloatArray
    loss_N_S: FloatArray
    spread_S: FloatArray


def deal(pairs: Sequence[PreferencePair], seed: int) -> Dealt:
    """Deal stems into three parts, 60, 20 and 20 %, and people into two, 60 and 40 %."""
    parts = (CONTEXT, SEEN, NEW)
    ends = (_CONTEXT_SHARE, _CONTEXT_SHARE + _SEEN_SHARE)
    place = _places([pair.stem for pair in pairs], rng_for(seed, "stems"))
    people = _places([pair.rater or "" for pair in pairs], rng_for(seed, "people"))
    nobody_N = np.array([pair.rater is None for pair in pairs])
    return Dealt(
        np.array(parts)[np.searchsorted(ends, place, side="right")],
        nobody_N | (people < _GIVING),
        nobody_N | (people >= _GIVING),
    )


def newcomer(
    id_: str, train: TrainingSet, encoded: EncodedPairs, dealt: Dealt, trunk: Trunk
) -> Newcomer:
    """A community as one that was left out.

    Args:
        id_: The community.
        train: The training pairs of all communities. A ``seen`` stem that no other community
            answered there is left out.
        encoded: All pairs.
        dealt: Where each pair belongs.
        trunk: Reads the pairs with their outcomes turned round.
    """
    own_N = np.array([pair.community == id_ for pair in encoded.pairs])
    others = {pair.stem for pair in train.encoded.pairs if pair.community != id_}
    answered_N = np.array([pair.stem in others for pair in encoded.pairs])
    new_N = dealt.part_N == NEW
    context = np.flatnonzero(own_N & (dealt.part_N == CONTEXT) & dealt.gives_N)
    judged_N = new_N | ((dealt.part_N == SEEN) & answered_N)
    test = np.flatnonzero(own_N & judged_N & dealt.judges_N)
    pairs = tuple(encoded.pairs[i] for i in context.tolist())
    turned = tuple(replace(p, chosen=p.rejected, rejected=p.chosen) for p in pairs)
    both = trunk.encode_pairs((*pairs, *turned))
    built = replace(TrainingSet.build(both, ()), loss=train.loss)
    return Newcomer(id_, built, encoded.take(test), new_N[test])


def training_rows(
    pairs: Sequence[PreferencePair], dealt: Dealt, without: Sequence[str]
) -> IntArray:
    """Positions of the pairs from which methods learn, without some communities."""
    left_out = set(without)
    there_N = np.array([pair.community not in left_out for pair in pairs])
    return np.flatnonzero(there_N & dealt.gives_N & (dealt.part_N != NEW))


def draw_order(unit_N: IntArray, rng: np.random.Generator) -> IntArray:
    """An order of pairs at random, in which every unit gives one before any gives a second.

    >>> order = draw_order(np.array([0, 0, 0, 1]), rng_for(0, "order"))
    >>> sorted(np.array([0, 0, 0, 1])[order[:2]].tolist())
    [0, 1]
    """
    shuffled = rng.permutation(len(unit_N))
    by_unit = np.argsort(unit_N[shuffled], kind="stable")
    _, count_U = np.unique(unit_N, return_counts=True)
    round_N = np.empty(len(unit_N), dtype=np.intp)
    round_N[by_unit] = np.concatenate([np.arange(n) for n in (0, *count_U)])
    ordered: IntArray = shuffled[np.argsort(round_N, kind="stable")]
    return ordered


def contexts(
    own: Newcomer, others: Sequence[Newcomer], given: Sequence[Shots], draw: int, seed: int
) -> Iterator[TrainingSet]:
    """The choices of one draw, for each number of choices and control."""
    rng = rng_for(seed, "choices", own.id, draw)
    order = draw_order(own.unit_n, rng)
    by_lot = order + own.pairs * rng.integers(2, size=own.pairs)
    other = others[int(rng.integers(len(others)))] if others else own
    drawn = {OWN: (own, order), SHUFFLED: (own, by_lot)}
    drawn[SWAPPED] = (other, draw_order(other.unit_n, rng))
    for control, choices in given:
        whose, rows = drawn[control]
        yield whose.choices.take(rows[:choices], ())


def serve(
    shared: Shared,
    own: Newcomer,
    others: Sequence[Newcomer],
    given: Sequence[Shots],
    draws: int,
    seed: int,
) -> ServedCommunity:
    """Adapt a method to a community's choices, and judge it by the community's test pairs.

    Args:
        shared: The learned part of a method, from other communities.
        own: The community.
        others: Communities seen, whose choices are given in its place as a control.
        given: Numbers of choices and controls.
        draws: Draws of the choices.
        seed: Seed of the draws.
    """
    credit_N_S = np.zeros((len(own.test), len(given)))
    loss_N_S, accuracy_B_S = np.zeros_like(credit_N_S), np.zeros((draws, len(given)))
    for draw in range(draws):
        sets = list(contexts(own, others, given, draw, seed))
        margin_N_S = adapted_margins(shared, sets, own.test)
        drawn_N_S = (np.sign(margin_N_S) + 1) / 2
        credit_N_S += drawn_N_S / draws
        loss_N_S += np.logaddexp(0, -margin_N_S) / draws
        accuracy_B_S[draw] = drawn_N_S.mean(axis=0)
    return ServedCommunity(tuple(given), credit_N_S, loss_N_S, accuracy_B_S.std(axis=0))


def adapted_margins(shared: Shared, sets: Sequence[TrainingSet], test: EncodedPairs) -> FloatArray:
    """Margins of the test pairs under a model for each set of choices, in logits, shape (N, S)."""
    if isinstance(shared, OneHead):
        # The same for any choices.
        return np.repeat(test.margins(shared.head_D)[:, None], len(sets), axis=1)
    if isinstance(shared, ContextModel):
        # The texts are read once for all contexts.
        requests, index_2_N = responses_of(TrainingSet.build(test, ()))
        reward_R_S = shared.rewards(requests, [shared.context(choices) for choices in sets])
        margin_N_S: FloatArray = reward_R_S[index_2_N[0]] - reward_R_S[index_2_N[1]]
        return margin_N_S
    models = [shared.adapt(choices) for choices in sets]
    heads = [model.reference_D for model in models if isinstance(model, LinearRewardModel)]
    if len(heads) == len(models):
        return test.margins(np.stack(heads, axis=1))
    return np.stack([choice_margins(model, test) for model in models], axis=1)


def _places(names: Sequence[str], rng: np.random.Generator) -> FloatArray:
    """A place in [0, 1) for each name, the same for the same name, evenly spaced, shape (N,)."""
    # In the order of names, so that the deal does not depend on the order of pairs.
    distinct, index_N = np.unique(np.array(names, dtype=np.str_), return_inverse=True)
    place_U = (rng.permutation(len(distinct)) + 0.5) / len(distinct)
    place_N: FloatArray = place_U[index_N]
    return place_N
