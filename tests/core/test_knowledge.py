import re

import pytest

from pluralign.core import (
    AcceptedAnswer,
    InvalidInput,
    KnowledgeQuestion,
    KnowledgeTest,
    NotEnoughData,
)

FRUIT = AcceptedAnswer({"fa": ("میوه",), "en": ("fruit",)}, 3)
CAKE = AcceptedAnswer({"fa": ("کیک",), "en": ("cake",)}, 1)


def snack(**changes: object) -> KnowledgeQuestion:
    given: dict[str, object] = {
        "id": "food-1",
        "community": "IRN",
        "language": "fa",
        "texts": {"fa": "بچه‌ها چه می‌خورند؟", "en": "What do children eat?"},
        "answers": (FRUIT, CAKE),
    }
    return KnowledgeQuestion(**(given | changes))  # type: ignore[arg-type]


def test_a_question_counts_its_people() -> None:
    question = snack(unanswered={"idk": 2, "no-answer": 1}, people=7)
    assert (question.weights, question.most, question.mentions) == ((3, 1), 3, 4)
    assert question.without_answer == 3
    assert question.counted


def test_a_right_answer_without_counts_weighs_one() -> None:
    question = snack(answers=(AcceptedAnswer({"fa": ("میوه",)}),))
    assert (question.counted, question.weights) == (False, (1,))


def test_a_text_in_a_language_that_the_question_lacks_is_refused_with_the_ones_it_has() -> None:
    assert snack().text_in("en") == "What do children eat?"
    with pytest.raises(InvalidInput, match=r"question food-1, community IRN: .*'am'\n.*fa, en"):
        snack().text_in("am")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"texts": {}}, "must have a text"),
        ({"texts": {"fa": " "}}, "must have a text"),
        ({"answers": ()}, "must have an accepted answer"),
        ({"answers": (FRUIT, AcceptedAnswer({"fa": ("نان",)}))}, "counts for some"),
        ({"options": {"fa": ("میوه", "کیک"), "en": ("fruit", "cake", "tea")}}, "differ in number"),
        ({"options": {"fa": ("میوه", "میوه")}}, "all different"),
        ({"options": {"fa": ("میوه", "نان")}}, "'کیک' is not among the options"),
        ({"unanswered": {"idk": -1}}, "must be >= 0"),
        ({"people": 0}, "asked of someone"),
        ({"people": 4, "unanswered": {"idk": 2}}, "only 4 people were asked"),
        ({"options": {"fa": ("میوه", "کیک", "")}}, "none empty"),
    ],
)
def test_a_question_whose_parts_do_not_fit_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=f"food-1, community IRN: .*{re.escape(message)}"):
        snack(**changes)


@pytest.mark.parametrize(
    ("variants", "count", "message"),
    [
        ({}, 1, "at least one variant"),
        ({"fa": ("",)}, 1, "must not be empty"),
        ({"fa": ("نان",)}, 0, "at least one person, got 0"),
    ],
)
def test_an_answer_needs_a_text_and_a_person(
    variants: dict[str, tuple[str, ...]], count: int, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        AcceptedAnswer(variants, count)


def test_a_test_finds_one_question_in_each_community_that_was_asked() -> None:
    here, there = snack(), snack(community="NGA/north", language="ha")
    test = KnowledgeTest("tiny", (here, there))
    assert test.communities == ("IRN", "NGA/north")
    assert test.question("food-1", "NGA/north") is there
    assert test.question("food-1", "GRC") is None
    assert test.of("IRN") == (here,)


def test_two_questions_of_one_community_need_two_ids() -> None:
    with pytest.raises(InvalidInput, match="tiny, question food-1, community IRN: two questions"):
        KnowledgeTest("tiny", (snack(), snack()))
    with pytest.raises(NotEnoughData, match="no questions"):
        KnowledgeTest("empty", ())
