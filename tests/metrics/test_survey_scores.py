import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.metrics import (
    answer_closeness,
    cultural_alignment_score,
    draw_questions,
    draw_ratios,
    exact_accuracy,
    percentile_interval,
    squared_errors,
)

NAN = float("nan")
SIZES = st.lists(st.integers(2, 11), min_size=1, max_size=12)


def test_the_published_score_of_a_case_worked_by_hand() -> None:
    # distances 1, 0, 3 on scales of length 3, 1, 9: 100 * (1 - sqrt(10) / sqrt(91))
    assert cultural_alignment_score([1, 0, 3], [2, 0, 6], [4, 2, 10]) == pytest.approx(
        100 * (1 - math.sqrt(10 / 91))
    )


@given(SIZES, st.data())
def test_gold_answers_score_a_hundred_and_opposite_ends_nothing(
    sizes: list[int], data: st.DataObject
) -> None:
    gold = [data.draw(st.integers(0, k - 1)) for k in sizes]
    assert cultural_alignment_score(gold, gold, sizes) == 100
    ends = [0] * len(sizes)
    assert cultural_alignment_score(ends, [k - 1 for k in sizes], sizes) == pytest.approx(0)


@given(SIZES, st.randoms(use_true_random=False), st.data())
def test_the_order_of_the_questions_does_not_matter(
    sizes: list[int], random: object, data: st.DataObject
) -> None:
    rows = [(data.draw(st.integers(0, k - 1)), data.draw(st.integers(0, k - 1)), k) for k in sizes]
    turned = rows[::-1]
    one, other = (
        cultural_alignment_score(*map(list, zip(*r, strict=True))) for r in (rows, turned)
    )
    assert one == pytest.approx(other)


def test_unreadable_answers_and_questions_without_gold_are_left_out() -> None:
    whole = cultural_alignment_score([1, 2], [0, 2], [4, 4])
    assert cultural_alignment_score([1, 2, NAN, 3], [0, 2, 1, NAN], [4, 4, 9, 9]) == whole
    assert exact_accuracy([1, 2, NAN, 3], [0, 2, 1, NAN]) == 0.5
    error, scale = squared_errors([1, NAN], [0, 1], [4, 4])
    assert (error.tolist(), scale.tolist()) == ([1, 0], [9, 0])


def test_nothing_is_an_error_and_not_a_zero() -> None:
    for score in (
        lambda: cultural_alignment_score([NAN], [1], [4]),
        lambda: exact_accuracy([], []),
    ):
        with pytest.raises(NotEnoughData):
            score()
    with pytest.raises(InvalidInput, match="fewer than two"):
        cultural_alignment_score([0], [0], [1])
    with pytest.raises(InvalidInput, match="questions"):
        cultural_alignment_score([0, 1], [0], [4])


def test_a_number_beyond_the_options_can_cost_more_than_everything() -> None:
    assert cultural_alignment_score([10], [0], [4]) < 0


def test_closeness_counts_every_question_the_same_and_nominal_ones_as_right_or_wrong() -> None:
    close = answer_closeness([1, 9, 1, 2], [2, 0, 2, 2], [3, 10, 3, 3], [False, False, True, True])
    np.testing.assert_allclose(close, [0.5, 0, 0, 1])
    assert answer_closeness([50], [0], [4]).tolist() == [0]


def test_every_draw_takes_one_question_less_than_there_are() -> None:
    counts = draw_questions(7, np.random.default_rng(0), 50)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 6).all()
    assert (draw_questions(1, np.random.default_rng(0), 5) == 1).all()
    with pytest.raises(NotEnoughData):
        draw_questions(0, np.random.default_rng(0))


def test_a_draw_is_the_score_of_the_questions_drawn() -> None:
    rng = np.random.default_rng(1)
    answer, gold, sizes = rng.integers(0, 4, 9), rng.integers(0, 4, 9), np.full(9, 4)
    counts = draw_questions(9, rng, 5)
    error, scale = squared_errors(answer, gold, sizes)
    ratios = draw_ratios(error[None], scale[None], counts)[:, 0]
    for draw, ratio in zip(counts.astype(int), ratios, strict=True):
        again = np.repeat(np.arange(9), draw)
        assert 100 * (1 - math.sqrt(ratio)) == pytest.approx(
            cultural_alignment_score(answer[again], gold[again], sizes[again]), abs=1e-4
        )


def test_a_draw_without_any_question_of_a_series_has_no_number() -> None:
    assert np.isnan(
        draw_ratios(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]))
    ).all()


def test_intervals_over_questions_cover_the_truth_about_as_often_as_stated() -> None:
    rng, hits = np.random.default_rng(3), 0
    for _ in range(200):
        right = (rng.random(60) < 0.4).astype(float)
        draws = draw_ratios(right[None], np.ones((1, 60)), draw_questions(60, rng, 400))[:, 0]
        low, high = percentile_interval(draws)
        hits += low <= 0.4 <= high  # type: ignore[operator]
    assert 0.88 <= hits / 200 <= 0.99
