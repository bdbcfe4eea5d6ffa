"""Effects of language and place on answers to knowledge questions."""

import numpy as np
import pytest

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.metrics import (
    ScoredAnswer,
    culture_fits,
    default_cultures,
    language_place_effects,
)
from pluralign.metrics.scored_answers import local_languages


def scored(question="q1", community="A", language="loc", named=True, credit=None, **more):
    return ScoredAnswer(
        **{"model": "m", "topic": question, "form": "short"} | more,
        question=question,
        community=community,
        language=language,
        place_named=named,
        credits=credit or {"A": 1.0, "B": 0.0},
    )


def effect(effects, kind, community, other="", named=True, language=None):
    [found] = [
        one
        for one in effects
        if (one.kind, one.community, one.other, one.place_named) == (kind, community, other, named)
        and language in {None, one.language}
    ]
    return found.means


def test_an_answer_has_the_credit_of_the_place_that_it_is_about():
    assert scored(community="B").own == 0.0


def test_an_answer_without_credit_in_its_place_or_with_one_above_1_is_refused():
    with pytest.raises(InvalidInput, match="no credit in the place"):
        scored(community="C")
    with pytest.raises(InvalidInput, match=r"credit in B must be in \[0, 1\]"):
        scored(credit={"A": 1.0, "B": 1.5})


def test_the_effect_of_the_language_is_paired_by_question_and_keeps_the_place():
    answers = [
        scored("q1", language="loc", credit={"A": 1.0}),
        scored("q2", language="loc", credit={"A": 0.5}),
        scored("q3", language="loc", credit={"A": 0.0}),  # not asked in English: not compared
        scored("q1", language="en", credit={"A": 0.5}),
        scored("q2", language="en", credit={"A": 0.5}),
    ]

    means = effect(language_place_effects(answers), "language", "A")

    assert means.difference.value == pytest.approx(0.25)
    assert means.difference.n == 2
    assert (means.first.value, means.second.value) == (0.75, 0.5)
    assert means.by_question == {"q1": 0.5, "q2": 0.0}


def test_draws_of_a_question_are_averaged_before_questions_are():
    answers = [
        scored("q1", language="loc", credit={"A": 1.0}, draw=0),
        scored("q1", language="loc", credit={"A": 0.0}, draw=1),
        scored("q1", language="en", credit={"A": 0.25}),
        scored("q2", language="loc", credit={"A": 1.0}),
        scored("q2", language="en", credit={"A": 0.25}),
    ]

    means = effect(language_place_effects(answers), "language", "A")

    assert means.by_question == {"q1": 0.25, "q2": 0.75}


def test_naming_the_place_is_compared_in_one_language():
    answers = [
        scored("q1", named=True, credit={"A": 0.75}),
        scored("q1", named=False, credit={"A": 0.5}),
    ]

    assert effect(language_place_effects(answers), "naming", "A").difference.value == 0.25


def test_a_model_that_gives_one_answer_for_all_places_has_no_effect_of_place():
    same = {"A": 0.25, "B": 1.0, "C": 0.0}
    answers = [
        scored(q, place, "en", credit=same) for q in ("q1", "q2") for place in ("A", "B", "C")
    ]

    effects = language_place_effects(answers)

    for place in ("A", "B", "C", ""):
        assert effect(effects, "place", place).difference.value == 0
    assert effect(effects, "place", "A", other="B").difference.value == 0


def test_a_model_that_takes_two_places_for_each_other_has_negative_effects_of_place():
    answers = [
        scored(q, place, "en", credit=credit)
        for q in ("q1", "q2", "q3")
        for place, credit in (("A", {"A": 0.0, "B": 1.0}), ("B", {"A": 1.0, "B": 0.0}))
    ]

    effects = language_place_effects(answers)

    assert effect(effects, "place", "A", other="B").difference.value == -1
    assert effect(effects, "place", "").difference.value == -1
    assert effect(effects, "place", "").difference.n == 6


def test_english_pulls_answers_about_other_places_to_the_place_that_speaks_it():
    languages = {"A": "loc", "B": "en"}
    answers = [
        scored("q1", "A", "loc", credit={"A": 1.0, "B": 0.0}),
        scored("q1", "A", "en", credit={"A": 0.25, "B": 1.0}),
        scored("q1", "B", "en", credit={"A": 0.25, "B": 1.0}),
    ]

    effects = language_place_effects(answers, languages)

    assert effect(effects, "home", "B", language="en").difference.value == 1.0
    assert not [one for one in effects if one.kind == "home" and one.community == "A"]


def test_questions_of_one_topic_have_an_effect_without_an_interval():
    answers = [
        scored(q, language=tag, credit={"A": credit}, topic="Food")
        for q in ("q1", "q2")
        for tag, credit in (("loc", 1.0), ("en", 0.5))
    ]

    means = effect(language_place_effects(answers), "language", "A")

    assert means.difference.value == 0.5
    assert means.difference.low is None
    assert np.isnan(means.error)


def test_intervals_of_many_alike_questions_in_few_topics_are_as_wide_as_those_of_the_topics():
    def answers(topics):
        return [
            scored(f"q{k}", language=tag, topic=f"t{k % topics}", credit={"A": credit})
            for k in range(40)
            for tag, credit in (("loc", float(k % topics % 2)), ("en", 0.5))
        ]

    few = effect(language_place_effects(answers(4)), "language", "A").difference
    many = effect(language_place_effects(answers(40)), "language", "A").difference

    assert few.high - few.low > 2 * (many.high - many.low)


def test_the_fewest_people_behind_the_counts_are_reported():
    answers = [
        scored("q1", people=5),
        scored("q2", people=9),
        scored("q1", language="en"),
        scored("q2", language="en"),
    ]

    assert effect(language_place_effects(answers), "language", "A").people == 5


def test_answers_of_two_models_or_forms_are_not_mixed():
    with pytest.raises(InvalidInput, match="one model in one form, got m, short; other, short"):
        language_place_effects([scored(), scored(model="other")])
    with pytest.raises(NotEnoughData, match="no scored answers"):
        language_place_effects([])


def test_a_place_asked_in_two_languages_besides_english_needs_its_own_one():
    answers = [scored(language="loc"), scored(language="far")]

    with pytest.raises(InvalidInput, match="A was asked in far, loc"):
        language_place_effects(answers)
    assert local_languages(answers, {"A": "far"}) == {"A": "far"}


def test_the_default_culture_is_the_other_community_that_the_answers_fit_best():
    credit = {"A": 0.25, "B": 1.0, "C": 0.5}
    answers = [scored(f"q{k}", named=False, credit=credit) for k in range(12)]

    [fit] = culture_fits(answers)

    assert (fit.community, fit.default, fit.place_named) == ("A", "B", False)
    assert fit.lead.difference.value == 0.75
    assert fit.lead.difference.low > 0.05
    assert {name: one.value for name, one in fit.credits.items()} == credit
    assert fit.as_close == ()


def test_a_community_that_fits_as_well_as_the_default_one_is_reported_with_it():
    answers = [
        scored(f"q{k}", credit={"A": 0.0, "B": float(k % 5 > 0), "C": float(k % 5 > 1)})
        for k in range(10)
    ]

    [fit] = culture_fits(answers)

    assert fit.default == "B"
    assert fit.as_close == ("C",)


def test_a_model_that_knows_its_places_is_below_zero_for_every_other_community():
    answers = [scored(f"q{k}", credit={"A": 1.0, "B": 0.25}) for k in range(8)]

    [fit] = culture_fits(answers)

    assert fit.lead.difference.value == -0.75


def test_english_questions_without_a_place_have_no_default_culture_of_a_place():
    answers = [scored(f"q{k}", language="en", named=False) for k in range(4)]

    assert culture_fits(answers, {"A": "loc"}) == ()


def test_a_community_with_a_credit_on_few_of_the_questions_is_left_out_and_reported():
    some = [scored(f"q{k}", credit={"A": 0.5, "B": 0.5, "C": 1.0}) for k in range(3)]
    most = [scored(f"q{k}", credit={"A": 0.5, "B": 0.5}) for k in range(3, 10)]

    [fit] = culture_fits([*some, *most])

    assert set(fit.credits) == {"A", "B"}
    assert fit.too_few == ("C",)
    assert fit.lead.difference.n == 10


def test_a_default_culture_is_measured_on_all_places_but_its_own():
    credit = {"A": 0.25, "B": 1.0, "C": 0.25}
    answers = [
        scored(f"q{k}", place, f"loc-{place}", credit=credit) for k in range(8) for place in "ABC"
    ]

    [default] = default_cultures(answers)

    assert (default.community, default.in_english, default.place_named) == ("B", False, True)
    assert default.lead.difference.value == 0.75
    assert default.lead.difference.n == 16
    assert {c: m.difference.value for c, m in default.by_place.items()} == {"A": 0.75, "C": 0.75}
    assert default.candidates == 3


def test_one_place_alone_has_no_default_culture_over_places():
    assert default_cultures([scored(f"q{k}") for k in range(4)]) == ()
