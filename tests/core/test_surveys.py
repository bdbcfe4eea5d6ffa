import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import (
    AnswerDistribution,
    InvalidInput,
    Survey,
    SurveyQuestion,
    pairs_from_survey,
)
from pluralign.simulation import SocietySurvey

QUESTION = SurveyQuestion("Q1", "Is tea good?", ("Yes", "Somewhat", "No"))
TEA = {"Q1": QUESTION}


def test_a_question_needs_options_and_as_many_codes() -> None:
    assert (QUESTION.codes, QUESTION.stem) == (("1", "2", "3"), "Is tea good?")
    with pytest.raises(InvalidInput, match="question Q2: a question must have options"):
        SurveyQuestion("Q2", "Why?", ())
    with pytest.raises(InvalidInput, match="question Q2: options and codes differ"):
        SurveyQuestion("Q2", "Why?", ("Yes", "No"), ("0",))


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, math.inf])
def test_a_share_outside_zero_to_one_is_refused_with_its_place(share: float) -> None:
    with pytest.raises(InvalidInput, match="question Q1, community MEX"):
        AnswerDistribution("Q1", "MEX", (0.5, share))


def test_shares_are_kept_as_published_and_rescaled_on_request_only() -> None:
    answers = AnswerDistribution("Q1", "MEX", (0.6, 0.2, 0.0))
    assert math.fsum(answers.probs_O) == pytest.approx(0.8)
    assert answers.normalised() == pytest.approx((0.75, 0.25, 0.0))
    with pytest.raises(InvalidInput, match="nobody gave a real answer"):
        AnswerDistribution("Q1", "MEX", (0.0, 0.0, 0.0)).normalised()


@pytest.mark.parametrize(
    ("distributions", "what"),
    [
        ((AnswerDistribution("Q9", "MEX", (0.5, 0.5)),), "unknown question"),
        ((AnswerDistribution("Q1", "MEX", (0.5, 0.5)),), "shares and options differ in number"),
        ((AnswerDistribution("Q1", "MEX", (0.5, 0.5, 0.0)),) * 2, "two distributions"),
    ],
)
def test_a_survey_whose_parts_do_not_fit_is_refused(
    distributions: tuple[AnswerDistribution, ...], what: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"tiny, question Q\d, community MEX: .*{what}"):
        Survey("tiny", TEA, distributions)


def test_a_survey_finds_the_answers_of_a_community_in_any_order() -> None:
    answers = (
        AnswerDistribution("Q1", "MEX", (0.5, 0.5, 0.0)),
        AnswerDistribution("Q1", "GBR", (0.1, 0.5, 0.4)),
    )
    survey = Survey("tiny", TEA, answers)
    assert survey.communities == ("GBR", "MEX")
    assert survey.distribution("Q1", "MEX") is answers[0]
    assert survey.distribution("Q1", "NZL") is None


@given(st.lists(st.lists(st.integers(0, 10), min_size=2, max_size=6), min_size=1, max_size=3))
def test_each_two_unequal_options_give_one_pair_whose_strength_is_their_difference(
    counts: list[list[int]],
) -> None:
    questions = {
        f"Q{i}": SurveyQuestion(f"Q{i}", f"T{i}", tuple(map(str, range(len(c)))))
        for i, c in enumerate(counts)
    }
    shares = {f"Q{i}": tuple(k / 60 for k in c) for i, c in enumerate(counts)}
    survey = Survey(
        "s",
        questions,
        tuple(AnswerDistribution(q, "MEX", p) for q, p in shares.items()),
        license="CC0",
    )
    pairs = list(pairs_from_survey(survey))
    expected = {
        (q, frozenset((str(i), str(j)))): abs(p[i] - p[j])
        for q, p in shares.items()
        for i, j in combinations(range(len(p)), 2)
        if p[i] != p[j]
    }
    assert {(p.question, frozenset((p.chosen, p.rejected))): p.strength for p in pairs} == expected
    assert len(pairs) == len(expected) == len({p.id for p in pairs})
    for pair in pairs:
        assert shares[pair.question][int(pair.chosen)] > shares[pair.question][int(pair.rejected)]
        assert (pair.community, pair.rater, pair.source, pair.license) == ("MEX", None, "s", "CC0")


def test_options_written_alike_give_no_pair_and_pairs_keep_the_stem() -> None:
    question = SurveyQuestion(
        "Q1", "Is tea good?", ("Yes", "Yes", "No"), ("a", "b", "c"), stem="Is ... good?"
    )
    survey = Survey("s", {"Q1": question}, (AnswerDistribution("Q1", "MEX", (0.5, 0.3, 0.2)),))
    pairs = list(pairs_from_survey(survey))
    assert [p.id for p in pairs] == ["Q1:MEX:a>c", "Q1:MEX:b>c"]
    assert {p.stem for p in pairs} == {"Is ... good?"}


def test_a_survey_shows_itself_in_a_line_without_its_answers() -> None:
    shown = repr(SocietySurvey(questions=4).survey())
    assert shown.startswith("Survey(")
    assert ": 4 questions, answered by ~coast, " in shown
    assert len(shown) < 150
