"""Intervals from fits, losses and orders."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from pluralign.core import FloatArray
from pluralign.metrics import subsample_half_width
from pluralign.serving.bodies import answer
from pluralign.serving.reward_intervals import (
    deviation,
    intervals,
    losses,
    numbers,
    order,
    shares,
)

finite = st.floats(-50, 50, allow_nan=False)
rewards_B_N_S = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=finite)
)


def on_wire(value: Any) -> Any:
    return json.loads(answer(value).body)


@given(
    arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 5)), elements=finite),
    st.floats(0.05, 0.95),
)
def test_an_interval_is_the_published_half_width_around_the_first_fit(
    value_B_X: FloatArray, held_out: float
) -> None:
    value_X, low_X, high_X = intervals(value_B_X, held_out)
    half_X = subsample_half_width(value_B_X, held_out)
    assert np.array_equal(value_X, value_B_X[0])
    assert low_X == pytest.approx(value_X - half_X, abs=1e-9)
    assert high_X == pytest.approx(value_X + half_X, abs=1e-9)


@given(rewards_B_N_S.filter(lambda reward_B_N_S: len(reward_B_N_S) > 1))
def test_the_deviation_is_numpys_to_the_last_bit(reward_B_N_S: FloatArray) -> None:
    expected = reward_B_N_S.std(axis=0, ddof=1)
    assert deviation(reward_B_N_S).tobytes() == expected.tobytes()


def test_one_fit_has_no_interval() -> None:
    assert on_wire(numbers(np.array([[1.0, -0.0]]), held_out=0.2)) == [
        {"value": 1.0, "low": None, "high": None},
        {"value": 0.0, "low": None, "high": None},
    ]


def test_a_number_that_a_fit_lacks_has_no_interval() -> None:
    lacks, has = on_wire(numbers(np.array([[1.0, 1.0], [np.nan, 1.0], [2.0, 1.0]]), held_out=0.5))
    assert lacks == {"value": 1.0, "low": None, "high": None}
    assert has == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_numbers_have_the_shape_of_what_they_are_made_of() -> None:
    assert numbers(np.zeros((2, 3, 4)), held_out=0.2)[2][3] == {
        "value": 0.0,
        "low": 0.0,
        "high": 0.0,
    }
    assert numbers(np.zeros(2), held_out=0.2) == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_shares_are_margins_squeezed_and_keep_what_is_missing() -> None:
    squeezed = shares([{"value": 0.0, "low": float("nan"), "high": 800.0}])
    assert on_wire(squeezed) == [{"value": 0.5, "low": None, "high": 1.0}]
    (share,) = shares([{"value": -1.5, "low": -2.0, "high": -1.0}])
    assert list(share.values()) == pytest.approx(expit([-1.5, -2.0, -1.0]), abs=1e-6)


@given(rewards_B_N_S)
def test_each_steer_has_a_favourite_and_loses_nothing_by_it(reward_B_N_S: FloatArray) -> None:
    loss_B_N_S = losses(reward_B_N_S)
    assert (loss_B_N_S >= 0).all()
    assert (loss_B_N_S.min(axis=1) == 0).all()


@given(rewards_B_N_S, st.lists(finite, min_size=4, max_size=4))
def test_a_constant_added_by_a_steer_changes_no_order(
    reward_B_N_S: FloatArray, added: list[float]
) -> None:
    reward_B_N_S = reward_B_N_S.round(3)
    shifted_B_N_S = reward_B_N_S + np.array(added[: reward_B_N_S.shape[2]]).round()
    ranked, behind_B_N, _ = order(losses(reward_B_N_S).round(6))
    same, still_B_N, _ = order(losses(shifted_B_N_S).round(6))
    assert ranked == same
    assert behind_B_N == pytest.approx(still_B_N, abs=1e-9)


@given(rewards_B_N_S)
def test_an_order_goes_from_the_smallest_greatest_loss_up(reward_B_N_S: FloatArray) -> None:
    loss_B_N_S = losses(reward_B_N_S)
    ranked, behind_B_N, worst_N = order(loss_B_N_S)
    assert sorted(ranked) == list(range(reward_B_N_S.shape[1]))
    assert (np.diff(behind_B_N[0][ranked]) >= 0).all()
    assert behind_B_N[0][ranked[0]] == 0
    assert (
        np.take_along_axis(loss_B_N_S[0], worst_N[:, None], axis=1)[:, 0]
        == loss_B_N_S[0].max(axis=1)
    ).all()


@given(arrays(np.float64, st.tuples(st.just(1), st.integers(1, 6), st.just(1)), elements=finite))
def test_under_one_steer_the_order_is_that_of_the_rewards(reward_B_N_S: FloatArray) -> None:
    ranked, _, _ = order(losses(reward_B_N_S.round(3)))
    assert ranked == np.argsort(-reward_B_N_S[0, :, 0].round(3), kind="stable").tolist()
