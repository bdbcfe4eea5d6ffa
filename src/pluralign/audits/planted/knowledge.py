"""Faults of local knowledge: language, places alike, neighbours, a default culture."""

from collections.abc import Callable

import numpy as np

from pluralign.audits.evidence import Evidence
from pluralign.audits.planted.knowledge_world import (
    ENGLISH,
    PLACES,
    AnswersAs,
    Way,
    answers_as_asked,
    knowledge_of,
)
from pluralign.audits.planted.society import Planted

Wrong = Callable[[Way, int], str | None]
"""Way of asking and number of the question -> whose people a fault answers as; None: a guess."""
FaultOfShare = Callable[[float], AnswersAs]
"""The share of answers that have the fault, in [0, 1] -> whose answers the model gives."""


def english_guessed(share: float) -> AnswersAs:
    """In English it guesses."""
    return _in_share(share, lambda way, question: None, lambda way: way[1] == ENGLISH)


def language_for_place(share: float) -> AnswersAs:
    """In English it answers as the people of the place that speaks it, whichever is named."""
    return _in_share(share, lambda way, question: PLACES[0], lambda way: way[1] == ENGLISH)


def places_for_one(share: float) -> AnswersAs:
    """To each question it answers as the people of one place, in turn, whichever is named."""
    return _in_share(
        share, lambda way, question: PLACES[question % len(PLACES)], lambda way: way[2]
    )


def neighbours_mixed(share: float) -> AnswersAs:
    """It takes the first and the second place for each other where they are named."""
    other = {PLACES[0]: PLACES[1], PLACES[1]: PLACES[0]}
    return _in_share(
        share, lambda way, question: other[way[0]], lambda way: way[0] in other and way[2]
    )


def one_place_as_another(share: float) -> AnswersAs:
    """It answers as the people of the second place where the third one is asked about."""
    return _in_share(share, lambda way, question: PLACES[1], lambda way: way[0] == PLACES[2])


def default_where_named(share: float) -> AnswersAs:
    """It answers as the people of the first place, although another one is named."""
    return _in_share(share, lambda way, question: PLACES[0], lambda way: way[2])


def default_where_unnamed(share: float) -> AnswersAs:
    """It answers as the people of the first place where none is named, in any language."""
    return _in_share(share, lambda way, question: PLACES[0], lambda way: not way[2])


def _in_share(share: float, wrong: Wrong, concerned: Callable[[Way], bool]) -> AnswersAs:
    """A fault in a share of the answers that are concerned; the others are sound."""

    def answers_as(way: Way, question: int, rng: np.random.Generator) -> str | None:
        faulty = rng.random() < share
        if faulty and concerned(way):
            return wrong(way, question)
        return answers_as_asked(way, question, rng)

    return answers_as


def english_worse(p: Planted) -> Evidence:
    """In English the model guesses six of ten answers."""
    return p.evidence(knowledge=knowledge_of(p.seed, english_guessed(0.6)))


def language_is_place(p: Planted) -> Evidence:
    """In English, six of ten answers are those of the place that speaks it, not of the named."""
    return p.evidence(knowledge=knowledge_of(p.seed, language_for_place(0.6)))


def one_answer_everywhere(p: Planted) -> Evidence:
    """The named place changes no answer."""
    return p.evidence(knowledge=knowledge_of(p.seed, places_for_one(1.0)))


def neighbours_taken(p: Planted) -> Evidence:
    """Two places are taken for each other in nine of ten answers."""
    return p.evidence(knowledge=knowledge_of(p.seed, neighbours_mixed(0.9)))


def one_place_taken(p: Planted) -> Evidence:
    """About one place, nine of ten answers are those of the people of another."""
    return p.evidence(knowledge=knowledge_of(p.seed, one_place_as_another(0.9)))


def first_place_answers(p: Planted) -> Evidence:
    """Nine of ten answers are those of the first place, although another one is named."""
    return p.evidence(knowledge=knowledge_of(p.seed, default_where_named(0.9)))


def first_place_unnamed(p: Planted) -> Evidence:
    """Nine of ten answers are those of the first place where no place is named."""
    return p.evidence(knowledge=knowledge_of(p.seed, default_where_unnamed(0.9)))
