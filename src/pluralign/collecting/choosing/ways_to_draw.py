"""The ways of drawing a pair for one person: which pairs each may draw, and with which shares."""

from collections import Counter

import numpy as np

from pluralign.collecting.choosing.mixture import Gains, Informative, Uniform, Way
from pluralign.collecting.study import ChoosingSettings
from pluralign.core import BoolArray, IntArray

SHARPNESS = 16.0
"""How strongly informative pairs are preferred; benchmarks/choosing.py compares other numbers."""
_WAYS = ("anchor", "overlap", "fresh", "informative")


def shares_of(settings: ChoosingSettings) -> dict[str, float]:
    """Share of each way of drawing; they sum to 1."""
    return {name: getattr(settings, name) for name in _WAYS}


_WAYS = ("anchor", "overlap", "fresh", "informative")


def policy_name(settings: ChoosingSettings) -> str:
    """Name of the policy in the store: a change of shares is another policy.

    >>> policy_name(ChoosingSettings())
    'mixture 1: anchor 0.2, overlap 0.2, fresh 0.1, informative 0.5'
    """
    shares = ", ".join(f"{name} {share:g}" for name, share in shares_of(settings).items())
    return f"mixture 1: {shares}"


def ways_to_draw(
    anchor_A: IntArray,
    other_N: IntArray,
    judged_N: IntArray,
    recent_N: BoolArray,
    gains: Gains,
    settings: ChoosingSettings,
    rng: np.random.Generator,
    sharpness: float = SHARPNESS,
) -> dict[str, Way]:
    """The ways of drawing a pair for one person now, by name.

    Args:
        anchor_A: Rows of anchors that the person may be shown, shape (A,).
        other_N: Rows of other pairs that the person may be shown, shape (N,).
        judged_N: Number of people of the community who judged each of these, shape (N,).
        recent_N: Whether each of these has a recent text, shape (N,).
        gains: How much an answer to each row would reveal.
        settings: Settings of the mixture.
        rng: Generator of the blocks of candidates.
        sharpness: How strongly informative pairs are preferred, >= 0.
    """
    return {
        "anchor": Uniform(anchor_A),
        "overlap": Uniform(other_N[(judged_N > 0) & (judged_N < settings.overlap_people)]),
        "fresh": Uniform(fresh_rows(other_N, judged_N, recent_N)),
        "informative": Informative(other_N, gains, settings.candidates, sharpness, rng),
    }


def fresh_rows(row_N: IntArray, judged_N: IntArray, recent_N: BoolArray) -> IntArray:
    """Of the pairs with recent texts, or of all where there are none, those judged least often.

    >>> fresh_rows(np.arange(4), np.array([0, 2, 1, 1]), np.array([False, True, True, True]))
    array([2, 3])
    """
    if not len(row_N):
        return row_N
    among_N = recent_N if recent_N.any() else np.ones_like(recent_N)
    fresh_N: IntArray = row_N[among_N & (judged_N == judged_N[among_N].min())]
    return fresh_N


def over_share(
    answers_of: Counter[str], person: str, most_share: float, sitting_pairs: int
) -> bool:
    """Whether one more answer would give a person too large a share of their community's answers.

    Args:
        answers_of: Person -> number of their answers, in the community.
        person: Id of the person.
        most_share: Largest share of one person. It applies once there are more people than an equal
            share of that size needs.
        sitting_pairs: Number of pairs in a sitting; everybody may finish their first one.
    """
    own, total = answers_of[person], answers_of.total()
    enough_people = len(answers_of) * most_share > 1
    return enough_people and own >= sitting_pairs and own + 1 > most_share * (total + 1)
