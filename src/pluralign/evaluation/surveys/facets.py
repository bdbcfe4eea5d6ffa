"""Facets in which two asks of a question may differ, and how often answers change with them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pluralign.core import FloatArray
from pluralign.evaluation.surveys.read_answers import ReadAnswer

Facet = Callable[[ReadAnswer], object]


def order_of(one: ReadAnswer) -> tuple[int, ...]:
    """Order of the options; empty where it is the question's own."""
    order = one.answer.order
    return () if order == tuple(range(len(order))) else order


FACETS: Mapping[str, Facet] = {
    "order": order_of,
    "paraphrase": lambda one: one.answer.variant,
    "language": lambda one: one.answer.language,
    "culture": lambda one: one.answer.community,
    "draw": lambda one: one.answer.draw,
}
"""Facet in which answers to a question may differ -> function that reads it from an answer."""


def changes(
    answers: Sequence[ReadAnswer], facet: str, place: Mapping[str, int]
) -> tuple[FloatArray, FloatArray]:
    """Pairs of readable answers to one question that differ in one facet only.

    Args:
        answers: Of one respondent under one strategy; of two that differ in nothing, the first
            counts.
        facet: One of `FACETS`.
        place: Id of each question -> its index.

    Returns:
        By question, how many such pairs name different options, and how many there are, both of
        shape (Q,).
    """
    rest = [key for name, key in FACETS.items() if name != facet]
    alike: dict[tuple[int, tuple[object, ...]], dict[object, int]] = defaultdict(dict)
    for one in answers:
        if one.number is not None:
            others = tuple(key(one) for key in rest)
            alike[place[one.answer.question], others].setdefault(FACETS[facet](one), one.number)
    top, bottom = np.zeros(len(place)), np.zeros(len(place))
    for (question, _), by_facet in alike.items():
        numbers, n = list(by_facet.values()), len(by_facet)
        bottom[question] += n * (n - 1) / 2
        # All pairs less those of equal answers: (n (n - 1) - sum of k (k - 1)) / 2.
        top[question] += (n * n - sum(k * k for k in Counter(numbers).values())) / 2
    return top, bottom
