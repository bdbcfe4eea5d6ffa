"""Effects of language and place on answers to knowledge questions."""

import pytest

from pluralign.core import InvalidInput
from pluralign.metrics import ScoredAnswer


def scored(question="q1", community="A", language="loc", named=True, credit=None, **more):
    return ScoredAnswer(
        model="m",
        question=question,
        topic="Food",
        community=community,
        language=language,
        place_named=named,
        form="short",
        credits=credit or {"A": 1.0, "B": 0.0},
        **more,
    )


def test_an_answer_has_the_credit_of_the_place_that_it_is_about():
    assert scored(community="B").own == 0.0


def test_an_answer_without_credit_in_its_place_or_with_one_above_1_is_refused():
    with pytest.raises(InvalidInput, match="no credit in the place"):
        scored(community="C")
    with pytest.raises(InvalidInput, match=r"credit in B must be in \[0, 1\]"):
        scored(credit={"A": 1.0, "B": 1.5})
