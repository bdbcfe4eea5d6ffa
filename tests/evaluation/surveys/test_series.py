import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.evaluation.surveys.survey_rows import Series, row_of
from pluralign.metrics import draw_questions, draw_ratios


def asked(questions_of: list[int], questions: int = 60) -> Series:
    """Shares of questions answered right, of communities that were asked different numbers."""
    rng = rng_for(3, "asked")
    bottom_S_Q = np.zeros((len(questions_of), questions))
    for s, count in enumerate(questions_of):
        bottom_S_Q[s, rng.permutation(questions)[:count]] = 1
    top_S_Q = bottom_S_Q * (rng.random(bottom_S_Q.shape) < 0.5)
    draws_B_S = draw_ratios(top_S_Q, bottom_S_Q, draw_questions(questions, rng, 500))
    n_S = bottom_S_Q.sum(axis=1)
    return Series(top_S_Q.sum(axis=1) / n_S, draws_B_S, n_S)


def test_a_draw_without_a_community_s_few_questions_still_counts_for_the_average():
    series = asked([50, 40, 2])
    assert np.isnan(series.draws_B_S).any()
    mean = series.mean(range(3))
    assert mean is not None and not np.isnan(mean.draws_B).any()
    assert mean.value == pytest.approx(series.value_S.mean())
    assert mean.n == 50


def test_communities_with_many_questions_are_averaged_as_a_plain_mean():
    series = asked([50, 40, 60])
    mean = series.mean(range(3))
    assert mean is not None
    np.testing.assert_array_equal(mean.draws_B, series.draws_B_S[:, [0, 1, 2]].mean(axis=1))


def test_a_number_that_was_not_measured_is_not_averaged_and_makes_no_row():
    series = Series(np.array([0.5, np.nan]), np.full((9, 2), 0.5), np.array([4, 0]))
    mean = series.mean(range(2))
    assert mean is not None and mean.value == 0.5
    assert len(list(series.rows("m", [("a", None, "MEX"), ("a", None, "KEN")]))) == 1
    assert series.mean([1]) is None


def test_a_number_on_one_question_has_no_interval():
    mean = asked([1, 1]).mean(range(2))
    assert mean is not None
    assert row_of("m", "a", None, None, mean).low is None
