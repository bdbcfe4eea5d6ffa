"""Asks of knowledge questions: languages, ways to name the place, and options."""

from collections import Counter
from dataclasses import replace

import pytest
from tests.knowledge_tests import COMMON, PLACES, question, small_test

from pluralign.asking import KnowledgePutting, put_knowledge
from pluralign.asking.knowledge_options import NoOptions, OptionDrawer
from pluralign.core import (
    AcceptedAnswer,
    InvalidInput,
    KnowledgeAnswer,
    KnowledgeQuestion,
    KnowledgeTest,
    PlaceWords,
    Reply,
    Tally,
    rng_for,
)

TEST = small_test()


def asks(**how: object) -> list[object]:
    tally = Tally()
    found = put_knowledge(TEST, TEST.questions, KnowledgePutting(**how), tally)  # type: ignore[arg-type]
    return [found, tally]


def test_each_question_is_asked_in_each_of_its_languages() -> None:
    found, tally = asks()
    counts = Counter((one.community, one.ask.language) for one in found)  # type: ignore[attr-defined]
    assert counts == {("IRN", "fa"): 4, ("IRN", "en"): 4, ("MEX", "es"): 4, ("MEX", "en"): 4} | {
        ("USA", "en"): 4
    }
    assert not tally.dropped  # type: ignore[attr-defined]


def test_a_language_that_a_question_lacks_is_counted() -> None:
    found, tally = asks(languages=("fa",))
    assert {one.community for one in found} == {"IRN"}  # type: ignore[attr-defined]
    assert tally.dropped == {"question without a text in fa": 8}  # type: ignore[attr-defined]


def test_without_the_place_neither_question_nor_template_names_it() -> None:
    found, _ = asks(languages=("en",), place_named=(True, False), draws=2)
    assert len({one.ask.key for one in found}) == len(found) == 3 * 4 * 2 * 2  # type: ignore[attr-defined]
    for one in found:  # type: ignore[attr-defined]
        words = one.ask.conversation[-1].content
        assert (PLACES[one.community][1] in words) == one.place_named
        assert (one.ask.community is not None) == one.place_named


def test_a_place_has_the_name_and_the_phrases_that_its_test_gives() -> None:
    own = PlaceWords("یوکاتان", ("در یوکاتان",))
    answers = (AcceptedAnswer({"fa": ("نان",)}, 2),)
    texts = {"fa": "در یوکاتان صبحانه چه می‌خورند؟"}
    question = KnowledgeQuestion("1", "MEX/yucatan", "fa", texts, answers, place={"fa": own})
    putting = KnowledgePutting(place_named=(True, False))
    test, tally = KnowledgeTest("t", (question,)), Tally()
    named, unnamed = put_knowledge(test, test.questions, putting, tally)
    assert "یوکاتان، مکزیک" in named.ask.conversation[-1].content
    assert unnamed.ask.question.text == "صبحانه چه می‌خورند؟"
    plain = KnowledgeTest("t", (replace(question, place={}, texts={"fa": "غذای مکزیک چیست؟"}),))
    put_knowledge(plain, plain.questions, putting, tally)
    reason = "question that names its place in words that cannot be left out in fa"
    assert tally.dropped == {reason: 1}


def test_wrong_options_are_the_right_ones_of_other_peoples() -> None:
    found, _ = asks(languages=("en",), forms=("options",))
    for one in found:  # type: ignore[attr-defined]
        id_ = one.ask.question.id
        shown = dict(zip(one.option_communities, one.ask.shown, strict=True))
        assert shown == {place: COMMON[id_][place][1] for place in PLACES}
    orders = {one.option_communities for one in found}  # type: ignore[attr-defined]
    assert len(orders) > 2


def test_options_in_the_local_language_are_translated_by_answers_of_the_test() -> None:
    both = KnowledgeQuestion(
        "lunch", "IRN", "fa", {"fa": "؟"},
        (
            AcceptedAnswer({"fa": ("غلات",), "en": ("cereal",)}, 1),
            AcceptedAnswer({"fa": ("تامالس",), "en": ("tamales",)}, 1),
        ),
    )  # fmt: skip
    drawer = OptionDrawer(KnowledgeTest("t", (*TEST.questions, both)))
    shown = drawer.draw(question("breakfast", "IRN"), "fa", rng_for(1, "x"))
    assert set(shown.texts) == {"نان", "غلات", "تامالس"}
    with pytest.raises(
        NoOptions, match="the test has too few; add the tests of others, or write options"
    ):
        drawer.draw(question("sport", "IRN"), "fa", rng_for(1, "x"))


def test_an_option_that_people_here_accept_is_left_out_also_as_a_part() -> None:
    here = question("breakfast", "IRN")
    answers = (*here.answers, AcceptedAnswer({"en": ("cereal with milk",)}, 1))
    wider = KnowledgeQuestion(
        here.id, here.community, here.language, here.texts, answers, unanswered={}
    )
    rest = [q for q in TEST.questions if (q.id, q.community) != (here.id, here.community)]
    with pytest.raises(
        NoOptions, match="the test has too few; add the tests of others, or write options"
    ):
        OptionDrawer(KnowledgeTest("t", (wider, *rest))).draw(wider, "en", rng_for(0, "x"))


@pytest.mark.parametrize("seed", range(6))
def test_a_limit_draws_among_the_questions_that_can_be_asked(seed: int) -> None:
    elsewhere = [q for q in TEST.questions if q.community != "IRN" and q.id == "fruit"]
    test = KnowledgeTest("few", (*TEST.of("IRN"), *elsewhere))
    putting = KnowledgePutting(("en",), forms=("options",), limit=1, seed=seed)
    tally, again = Tally(), Tally()
    asks = put_knowledge(test, test.of("IRN"), putting, tally)
    assert [one.ask.question.id for one in asks] == ["fruit"]
    assert asks == put_knowledge(test, test.of("IRN"), putting, again) and tally == again
    assert tally.dropped.total() <= 3


def test_a_limit_above_the_number_of_questions_asks_all_in_the_order_of_the_test() -> None:
    all_, _ = asks(forms=("options",), languages=("en",))
    limited, tally = asks(forms=("options",), languages=("en",), limit=9)
    assert limited == all_ and len(all_) == 12 and not tally.dropped  # type: ignore[arg-type,attr-defined]


def test_questions_whose_place_cannot_be_left_out_are_named() -> None:
    texts = {"es": "¿Qué comen los yucatecos de Yucatán?"}
    answers = (AcceptedAnswer({"es": ("papadzules",)}, 2),)
    questions = tuple(
        KnowledgeQuestion(f"q{k}", "MEX/yucatan", "es", texts, answers) for k in range(7)
    )
    tally = Tally()
    putting = KnowledgePutting(place_named=(False,), forms=("short", "options"))
    test = KnowledgeTest("yucatan", questions)
    assert not put_knowledge(test, questions, putting, tally)
    (sentence,) = tally.advice
    assert "questions in es" in sentence and "q0 (MEX/yucatan), q1 (MEX/yucatan)" in sentence
    assert "q4 (MEX/yucatan) and 2 more; reword them" in sentence


def test_a_question_keeps_its_own_options_in_their_order() -> None:
    own = KnowledgeQuestion(
        "q", "IRN", "fa", {"fa": "؟"}, (AcceptedAnswer({"fa": ("ب",)}),), {"fa": ("الف", "ب")}
    )
    drawer = OptionDrawer(KnowledgeTest("t", (own,)))
    assert drawer.draw(own, "fa", rng_for(0, "x")).texts == ("الف", "ب")
    with pytest.raises(NoOptions, match="another language"):
        drawer.draw(own, "en", rng_for(0, "x"))


def test_the_record_of_an_answer_has_all_that_was_shown() -> None:
    found, _ = asks(languages=("en",), forms=("options",), place_named=(False,))
    one = found[0]  # type: ignore[index]
    answer = one.answered("m", Reply("B", log_probs_O=(-1.0, -2.0, -3.0), finish_reason="length"))
    assert answer == KnowledgeAnswer(
        "m",
        one.ask.question.id,
        one.community,
        "B",
        "en",
        place_named=False,
        form="options",
        options=one.ask.shown,
        option_communities=one.option_communities,
        log_probs=(-1.0, -2.0, -3.0),
        finish_reason="length",
    )


@pytest.mark.parametrize(
    "how", [{"draws": 0}, {"options": 2}, {"limit": 0}, {"languages": ()}, {"forms": ()}]
)
def test_numbers_that_make_no_asks_are_refused(how: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        KnowledgePutting(**how)  # type: ignore[arg-type]
