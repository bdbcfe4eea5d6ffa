"""Planted knowledge: counts that are known, and the same test in several languages."""

import pytest

from pluralign.core import InvalidInput
from pluralign.metrics import answer_credit, match_answer
from pluralign.simulation import plant_knowledge


def test_the_credit_of_a_planted_answer_is_that_of_its_word_in_any_language():
    planted = plant_knowledge(["~hill", "~coast"], seed=1, questions=5)
    test = planted.test()

    for number, id_ in enumerate(planted.questions):
        question = test.question(id_, "~coast")
        answer = planted.common("~hill", number)
        for language in ("qaa", "qab", "en"):
            match = match_answer(planted.word(number, answer, language), question, language)
            credit = answer_credit(question, None if match is None else match.answer)
            assert credit == planted.credits(number, answer)["~coast"]


def test_the_common_answer_of_a_community_has_full_credit_there_and_less_elsewhere():
    planted = plant_knowledge(["~hill", "~coast"], seed=2, questions=200)

    found = [planted.credits(q, planted.common("~hill", q)) for q in range(200)]

    assert all(credit["~hill"] == 1 for credit in found)
    assert 0.1 < sum(credit["~coast"] for credit in found) / 200 < 0.5


def test_all_words_and_questions_differ_and_english_may_be_a_local_language():
    planted = plant_knowledge(["~hill", "~coast"], seed=0, english=["~coast"], questions=30)
    words = [planted.word(q, a, tag) for q in range(30) for a in range(8) for tag in ("qaa", "en")]

    assert planted.languages == {"~hill": "qaa", "~coast": "en"}
    assert len(set(words)) == len(words)
    assert len({planted.text(q, "qaa") for q in range(30)}) == 30


def test_numbers_out_of_range_are_refused():
    with pytest.raises(InvalidInput, match="answers must be >= 2, got 1"):
        plant_knowledge(["~hill"], seed=0, answers=1)
    with pytest.raises(InvalidInput, match="different ids"):
        plant_knowledge(["~hill", "~hill"], seed=0)
