from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pluralign.core import AcceptedAnswer, InvalidInput, KnowledgeQuestion, NotEnoughData
from pluralign.metrics import (
    answer_credit,
    answer_share,
    match_answer,
    person_credit,
    score_answers,
)

COMMUNITIES = {"fa": "IRN", "am": "ETH", "zh": "CHN", "id": "IDN", "es": "MEX"}


def ask(
    *answers: tuple[str, int | None], language: str = "en", id_: str = "q", **changes: Any
) -> KnowledgeQuestion:
    """A question whose answers are given as "variant | variant" with the number of people."""
    return KnowledgeQuestion(
        id=id_,
        community=COMMUNITIES.get(language, "GBR"),
        language=language,
        texts={language: "?"},
        answers=tuple(
            AcceptedAnswer({language: tuple(v.strip() for v in text.split("|"))}, count)
            for text, count in answers
        ),
        **changes,
    )


# Answers of people, an answer to score, and its score by hand: its people / the most common one's.
BY_HAND = {
    "fa": [
        ((("میوه | ميوه", 3), ("لقمه", 1)), "میوه", 1.0),
        ((("میوه | ميوه", 3), ("لقمه", 1)), "ميوه", 1.0),  # Arabic yeh
        ((("کیک و شیر", 2), ("نان", 1)), "كيك و شير", 1.0),  # Arabic kaf
        ((("تخم‌مرغ", 1), ("نان و پنیر", 4)), "تخم مرغ", 0.25),
        ((("خانه سالمندان", 4), ("خانه", 2)), "در خانه سالمندان", 1.0),  # the longer variant
        ((("خانه سالمندان", 4), ("خانه", 2)), "خانه", 0.5),
        ((("۱۲", 2), ("۷", 1)), "12", 1.0),  # digits
        ((("نوروز", 5),), "عید نوروز", 1.0),  # contained
        ((("نوروز", 5),), "یلدا", 0.0),
        ((("چای", 3), ("دوغ", 2)), "دوغ و چای", 2 / 3),  # the first of two
    ],
    "am": [
        ((("ዳቦ", 2), ("ሽሮ", 1)), "ዳቦ", 1.0),
        ((("ዳቦ", 2), ("ሽሮ", 1)), "ሽሮ።", 0.5),  # the full stop
        ((("ሻይ በዳቦ", 2), ("ቡና", 4)), "ሻይ በዳቦ", 0.5),
        ((("ሥራ", 3),), "ስራ", 1.0),  # letters pronounced alike
        ((("ፀሐይ", 3), ("ጨረቃ", 1)), "ጸሀይ", 1.0),
        ((("ዓመት በዓል", 1), ("መስቀል", 2)), "አመት በአል", 0.5),
        ((("እግር ኳስ", 5),), "እግር ኳስ ጨዋታ", 1.0),  # contained
        ((("እግር ኳስ", 5),), "እግር", 0.0),  # a part of a variant
        ((("ቺፕስ | ድንች ጥብስ", 2), ("ኬክ", 2)), "ድንች ጥብስ", 1.0),
        ((("እንጀራ", 4),), "ሩዝ", 0.0),
    ],
    "zh": [
        ((("养老院", 1), ("子女家 | 子女家里", 3)), "养老院", 1 / 3),
        ((("养老院", 1), ("子女家 | 子女家里", 3)), "子女家里", 1.0),
        ((("养老院", 1), ("子女家 | 子女家里", 3)), "住在子女家。", 1.0),  # contained
        ((("奶酪棒 | 芝士棒", 2), ("薯片", 1)), "芝士棒", 1.0),
        ((("ad钙奶", 1), ("薯片", 2)), "ＡＤ钙奶", 0.5),  # full-width letters
        ((("糖果 | 糖", 2),), "糖", 1.0),
        ((("糖果 | 糖", 2),), "无糖酸奶", 0.0),  # one character matches exactly only
        ((("春节", 5), ("中秋节", 2)), "中秋节", 0.4),
        ((("春节", 5), ("中秋节", 2)), "春节和中秋节", 1.0),  # the first of two
        ((("5月", 2), ("6月", 1)), "５月", 1.0),
    ],
    "id": [
        ((("choki-choki | coklat", 2), ("keripik", 1)), "coklat", 1.0),
        ((("choki-choki | coklat", 2), ("keripik", 1)), "Choki choki", 1.0),  # the hyphen
        ((("choki-choki | coklat", 2), ("keripik", 1)), "KERIPIK!", 0.5),
        ((("panti jompo | rumah jompo", 3),), "di panti jompo", 1.0),  # contained
        ((("rumah", 1), ("rumah jompo", 3)), "rumah jompo", 1.0),
        ((("rumah", 1), ("rumah jompo", 3)), "rumah", 1 / 3),
        ((("nasi goreng", 4), ("nasi uduk", 2)), "nasi", 0.0),  # a part of two variants
        ((("nasi goreng", 4), ("nasi uduk", 2)), "nasi uduk", 0.5),
        ((("bulu tangkis", 5),), "bulutangkis", 0.0),  # a spelling that nobody gave
        ((("kue cubit", 1), ("wafer", 1)), "kue cubit", 1.0),
    ],
    "es": [
        ((("sandwich | sándwich", 2), ("huevo", 3)), "Sándwich", 2 / 3),
        ((("sandwich | sándwich", 2), ("huevo", 3)), "un huevo", 1.0),  # the article
        ((("las quesadillas", 1), ("huevo", 3)), "quesadillas", 1 / 3),
        ((("con la familia", 3), ("asilo", 1)), "con familia", 1.0),  # an article within
        ((("con la familia", 3), ("asilo", 1)), "en un asilo", 1 / 3),  # contained
        ((("papas fritas", 1), ("fruta", 4)), "papas", 0.0),
        ((("año nuevo", 2), ("navidad", 4)), "Año Nuevo", 0.5),
        ((("año", 2),), "ano", 0.0),  # another word
        ((("fútbol", 5), ("béisbol", 1)), "futbol", 1.0),  # without its accent
        ((("fútbol", 5), ("béisbol", 1)), "béisbol, fútbol", 0.2),  # the first of two
    ],
}


@pytest.mark.parametrize("language", BY_HAND)
def test_ten_questions_score_as_they_do_by_hand(language: str) -> None:
    assert len(BY_HAND[language]) == 10
    for answers, text, expected in BY_HAND[language]:
        question = ask(*answers, language=language)
        match = match_answer(text, question, language)
        credit = answer_credit(question, None if match is None else match.answer)
        assert credit == pytest.approx(expected), text


def test_an_exact_answer_and_a_longer_one_are_distinguished() -> None:
    question = ask(("green tea", 3), ("tea", 1))
    kinds = [
        None if (m := match_answer(text, question, "en")) is None else (m.answer, m.kind)
        for text in ("Tea", "a cup of green tea", "steak")
    ]
    assert kinds == [(1, "exact"), (0, "contained"), None]


@pytest.mark.parametrize(("text", "language"), [("5 days", "en"), ("about 5", "en"), ("5天", "zh")])
def test_a_number_of_one_digit_is_found_in_a_longer_answer(text: str, language: str) -> None:
    match = match_answer(text, ask(("5", 3), ("15", 1), language=language), language)
    assert match is not None
    assert (match.answer, match.kind) == (0, "contained")


@pytest.mark.parametrize("text", ["0.5", "0.5 hours", "12/5", "5:30", "15,000"])
def test_a_part_of_another_number_is_not_found(text: str) -> None:
    assert match_answer(text, ask(("5", 3), ("15", 1)), "en") is None


def test_a_variant_of_two_answers_counts_for_the_one_of_more_people() -> None:
    question = ask(("bread", 1), ("bread | toast", 4))
    match = match_answer("bread", question, "en")
    assert match is not None
    assert match.answer == 1


def test_a_question_without_variants_in_the_language_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"question q, community GBR: .*'fa'"):
        match_answer("نان", ask(("bread", 1)), "fa")


def test_people_who_do_not_know_are_in_the_denominator_where_stated() -> None:
    question = ask(("tea", 6), ("milk", 2), unanswered={"idk": 2})
    assert answer_share(question, 0) == pytest.approx(0.6)
    assert answer_share(question, 0, count_unanswered=False) == pytest.approx(0.75)
    asked = ask(("tea", 6), ("milk", 2), unanswered={"idk": 2}, people=12)
    assert answer_share(asked, 0) == pytest.approx(0.5)
    assert answer_share(asked, 1, count_unanswered=False) == pytest.approx(0.2)
    with pytest.raises(NotEnoughData, match="no counts"):
        answer_share(ask(("tea", None)), 0)


def test_a_typical_person_is_compared_with_the_others() -> None:
    question = ask(("tea", 3), ("milk", 1), unanswered={"idk": 1})
    # Three tea drinkers: 2 of the 2 others; the one of milk: 0 of the 3 others.
    assert person_credit(question, count_unanswered=False) == pytest.approx(3 / 4)
    assert person_credit(question) == pytest.approx(3 / 5)
    assert person_credit(ask(("tea", 1))) is None  # nobody to be compared with
    assert person_credit(ask(("tea", None))) is None


COUNTS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def counted(counts: list[int]) -> KnowledgeQuestion:
    return ask(*((f"word{k}", count) for k, count in enumerate(counts)))


@given(COUNTS)
def test_an_answer_scores_at_least_what_its_person_scores_against_the_others(
    counts: list[int],
) -> None:
    assume(sum(counts) > 1)
    question = counted(counts)
    own = [answer_credit(question, k) for k in range(len(counts))]
    average = float(np.average(own, weights=counts))
    left_out = person_credit(question)
    assert left_out is not None
    assert 0 <= left_out <= average <= 1 == max(own)


@given(COUNTS, st.integers(2, 20))
def test_scores_do_not_depend_on_the_unit_of_the_counts(counts: list[int], factor: int) -> None:
    one, many = counted(counts), counted([count * factor for count in counts])
    for k in range(len(counts)):
        assert answer_credit(one, k) == pytest.approx(answer_credit(many, k))
        assert answer_share(one, k) == pytest.approx(answer_share(many, k))


WORDS = st.sampled_from(["tea", "green tea", "milk", "the tea", "Tea!", "milk tea", "water"])
ANSWERS = st.lists(
    st.tuples(st.lists(WORDS, min_size=1, max_size=4), st.integers(1, 4)), min_size=1, max_size=4
)


@given(ANSWERS, st.randoms(use_true_random=False), st.sampled_from(["green tea", "a milk tea", ""]))
def test_the_order_and_repetition_of_variants_and_answers_change_no_score(
    answers: list[tuple[list[str], int]], random: Any, text: str
) -> None:
    shuffled = [([*variants, *variants], count) for variants, count in answers]
    for variants, _ in shuffled:
        random.shuffle(variants)
    random.shuffle(shuffled)
    found = []
    for given_answers in (answers, shuffled):
        question = ask(*((" | ".join(variants), count) for variants, count in given_answers))
        match = match_answer(text, question, "en")
        found.append(answer_credit(question, None if match is None else match.answer))
    assert found[0] == found[1]


def test_scores_of_many_questions_come_with_intervals_over_topics() -> None:
    questions = [
        ask(("tea", 3), ("milk", 1), id_=f"q{k}", topic=f"topic {k % 4}") for k in range(20)
    ]
    answers = {q.id: "tea" if k % 2 else "milk" for k, q in enumerate(questions[:18])}
    answers["q0"] = "steak"
    score = score_answers(questions, answers, "en")
    assert score.credit.value == pytest.approx((9 + 8 / 3) / 18)
    assert score.credit.n == 18
    assert score.credit.low is not None
    assert score.credit.high is not None
    assert 0 <= score.credit.low < score.credit.value < score.credit.high <= 1
    assert score.person is not None
    assert score.gain is not None
    assert score.person.value == pytest.approx(0.75)
    assert score.gain.value == pytest.approx(score.credit.value - 0.75)
    assert (score.exact, score.contained, score.unmatched) == (17 / 18, 0, ("q0",))


def test_answers_that_cannot_be_scored_are_refused() -> None:
    question = ask(("tea", 3))
    with pytest.raises(InvalidInput, match="unknown question: 'q9'"):
        score_answers([question], {"q9": "tea"}, "en")
    with pytest.raises(NotEnoughData, match="no answers"):
        score_answers([question], {}, "en")
    with pytest.raises(InvalidInput, match="one community"):
        score_answers([question, ask(("té", 1), language="es")], {}, "en")
