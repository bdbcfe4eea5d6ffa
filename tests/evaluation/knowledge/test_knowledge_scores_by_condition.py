"""Recorded answers to knowledge questions, scored by hand."""

import pytest
from tests.knowledge_tests import COMMON, small_test

from pluralign.core import (
    AcceptedAnswer,
    KnowledgeAnswer,
    KnowledgeQuestion,
    KnowledgeTest,
    Tally,
)
from pluralign.evaluation.knowledge import AnswerScorer, KnowledgeRow, ScoredText, knowledge_rows

TEST = small_test()
OPTIONS = ("coffee", "tea", "atole")
FROM = ("USA", "IRN", "MEX")


def scored(*answers: KnowledgeAnswer) -> list[ScoredText]:
    return AnswerScorer(TEST).score(answers, Tally())


def short(text: str, id_: str = "drink", place: str = "IRN", language: str = "en", draw: int = 0):  # type: ignore[no-untyped-def]
    return KnowledgeAnswer("m", id_, place, text, language, draw=draw)


def chosen(text: str, **more: object) -> KnowledgeAnswer:
    return KnowledgeAnswer(
        "m", "drink", "IRN", text, "en", form="options", options=OPTIONS,
        option_communities=FROM, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_an_answer_has_the_credit_of_each_community() -> None:
    (one,) = scored(short("Tea, usually."))
    assert one.credits == {"IRN": 1.0, "MEX": 0.0, "USA": 0.0}
    assert (one.kind, one.matched_in, one.valid) == ("contained", "en", True)
    (one,) = scored(short("coffee"))
    assert (one.kind, one.credits) == (None, {"IRN": 0.0, "MEX": 0.0, "USA": 1.0})
    (rare,) = scored(short("doogh"))
    assert rare.own == pytest.approx(1 / 3)


def test_a_local_answer_is_compared_where_the_common_answers_have_words_in_its_language() -> None:
    """The test has "cereal" in Persian, but not "tamales", whatever the answer is."""
    cereal = AcceptedAnswer({"fa": ("غلات",), "en": ("cereal",)}, 1)
    lunch = KnowledgeQuestion("lunch", "IRN", "fa", {"fa": "؟"}, (cereal,))
    scorer = AnswerScorer(KnowledgeTest("t", (*TEST.questions, lunch)))
    for text, wanted in {
        "غلات": {"IRN": 0.0, "USA": 1.0},
        "cereal": {"IRN": 0.0, "USA": 1.0},
        "نان": {"IRN": 1.0, "USA": 0.0},
        "پیتزا": {"IRN": 0.0, "USA": 0.0},
        "": {"IRN": 0.0, "USA": 0.0},
    }.items():
        (one,) = scorer.score([short(text, "breakfast", language="fa")], Tally())
        assert one.credits == wanted, text


def test_an_answer_in_another_language_is_matched_there() -> None:
    (foreign,) = scored(short("tea", language="fa"))
    assert (foreign.own, foreign.matched_in) == (1.0, "en")


def test_thoughts_are_no_answer_and_nothing_is_none() -> None:
    (thought,) = scored(short("<think>tea or coffee?</think>tea"))
    assert thought.text == "tea"
    (empty,) = scored(short("  "))
    assert not empty.valid and empty.credits == {"IRN": 0.0, "MEX": 0.0, "USA": 0.0}


def test_an_option_is_read_from_its_letter_and_other_words_are_invalid() -> None:
    right, wrong, invalid = scored(chosen("B."), chosen("A"), chosen("I cannot say"))
    assert right.credits == {"IRN": 1.0, "MEX": 0.0, "USA": 0.0} and right.right == 1
    assert wrong.credits == {"IRN": 0.0, "MEX": 0.0, "USA": 1.0}
    assert not invalid.valid


def test_by_likelihood_the_option_likeliest_for_its_length_is_chosen() -> None:
    (one,) = scored(chosen("", log_probs=(-9.0, -6.0, -8.0)))
    assert one.text == "coffee"  # -1.5 a character, against -2 and -1.6


def value(rows: list[KnowledgeRow], metric: str, model: str = "m", form: str = "short") -> float:
    (found,) = (r.value for r in rows if (r.metric, r.model, r.form) == (metric, model, form))
    return found


def test_rows_are_means_over_questions_in_which_draws_count_together() -> None:
    answers = [short("tea"), short("coffee", draw=1), short("bread", "breakfast")]
    rows = knowledge_rows(scored(*answers), TEST)
    assert value(rows, "answer_credit") == pytest.approx((0.5 + 1) / 2)
    person = (3 * 2 / 2 + 0) / 5  # one of five did not know, and the rare answer is alone
    assert value(rows, "person_credit", "people") == pytest.approx(person)
    assert value(rows, "credit_over_person") == pytest.approx(0.75 - person)
    assert value(rows, "exact_match_rate") == pytest.approx(0.75)
    assert value(rows, "unmatched_rate") == pytest.approx(0.25)
    spread = [row for row in rows if row.metric.startswith("simbench")]  # of draws of one question
    assert {row.n for row in spread} == {1}
    rest = [row for row in rows if row not in spread]
    assert {row.n for row in rest} == {2} and {row.n_raters for row in rest} == {5}
    assert {row.mentions for row in rest} == {8}


def test_invalid_options_are_apart_and_baselines_read_nothing() -> None:
    answers = [
        KnowledgeAnswer(
            "m", id_, "IRN", text, "en", form="options",
            options=tuple(COMMON[id_][c][1] for c in FROM), option_communities=FROM,
        )
        for id_, text in zip(COMMON, "BBA?", strict=True)
    ]  # fmt: skip
    rows = knowledge_rows(scored(*answers), TEST)
    assert value(rows, "accuracy", form="options") == 0.5
    assert value(rows, "invalid_rate", form="options") == 0.25
    assert value(rows, "accuracy_of_valid", form="options") == pytest.approx(2 / 3)
    assert value(rows, "accuracy", "baseline: random", "options") == pytest.approx(1 / 3)
    assert value(rows, "accuracy", "baseline: position", "options") == 1.0
    assert value(rows, "accuracy", "baseline: longest", "options") == pytest.approx(0.5)


def test_an_answer_to_an_unknown_question_is_counted() -> None:
    tally = Tally()
    found = AnswerScorer(TEST).score([short("x", "tax"), short("x", place="FRA")], tally)
    assert not found and sum(tally.dropped.values()) == 2
