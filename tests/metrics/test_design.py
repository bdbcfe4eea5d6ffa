"""D-optimal design: a gain is the growth of log det, and an updated inverse is the inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput
from pluralign.metrics.design import (
    d_optimal_gains,
    fisher_weights,
    information,
    updated_inverse,
)

seeds = st.integers(0, 2**32 - 1)


def _drawn(seed, n=12, d=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.uniform(0, 0.25, size=n)


def _log_det(matrix_D_D):
    sign, value = np.linalg.slogdet(matrix_D_D)
    assert sign == 1
    return value


@given(seeds)
def test_a_gain_is_the_growth_of_log_det(seed):
    feature_N_D, weight_N = _drawn(seed)
    before = information(feature_N_D[:6], weight_N[:6], ridge=0.5)
    gain_N = d_optimal_gains(np.linalg.inv(before), feature_N_D[6:], weight_N[6:])
    grown = [
        _log_det(before + w * np.outer(x, x)) - _log_det(before)
        for x, w in zip(feature_N_D[6:], weight_N[6:], strict=True)
    ]
    np.testing.assert_allclose(gain_N, grown, rtol=1e-9, atol=1e-12)


@given(seeds)
def test_updating_an_inverse_equals_inverting_the_sum_in_any_order(seed):
    feature_N_D, weight_N = _drawn(seed)
    order = np.random.default_rng(seed).permutation(len(weight_N))
    inverse = np.eye(feature_N_D.shape[1]) / 0.5
    for row in order:
        inverse = updated_inverse(inverse, feature_N_D[row], weight_N[row])
    whole = np.linalg.inv(information(feature_N_D, weight_N, ridge=0.5))
    np.testing.assert_allclose(inverse, whole, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(inverse, inverse.T, atol=1e-14)


@given(seeds)
def test_gains_follow_the_pairs_in_any_order_and_ignore_which_response_is_first(seed):
    feature_N_D, weight_N = _drawn(seed)
    inverse = np.linalg.inv(information(feature_N_D, weight_N, ridge=1.0))
    gain_N = d_optimal_gains(inverse, feature_N_D, weight_N)
    order = np.random.default_rng(seed).permutation(len(weight_N))
    np.testing.assert_allclose(
        d_optimal_gains(inverse, -feature_N_D[order], weight_N[order]), gain_N[order], rtol=1e-12
    )


@given(seeds)
def test_a_pair_that_was_answered_gains_less_the_next_time(seed):
    feature_N_D, weight_N = _drawn(seed, n=1)
    inverse = np.eye(feature_N_D.shape[1])
    first = d_optimal_gains(inverse, feature_N_D, weight_N)
    after = updated_inverse(inverse, feature_N_D[0], weight_N[0])
    assert d_optimal_gains(after, feature_N_D, weight_N) <= first


def test_a_fisher_weight_is_the_slope_of_the_probability_and_symmetric():
    margin_N = np.linspace(-8, 8, 33)
    step = 1e-5
    slope_N = (1 / (1 + np.exp(-margin_N - step)) - 1 / (1 + np.exp(-margin_N + step))) / (2 * step)
    np.testing.assert_allclose(fisher_weights(margin_N), slope_N, atol=1e-9)
    np.testing.assert_allclose(fisher_weights(-margin_N), fisher_weights(margin_N))
    assert fisher_weights(np.array([800.0, -800.0])).tolist() == [0.0, 0.0]


def test_rounding_gives_no_negative_gain():
    assert d_optimal_gains(-1e-18 * np.eye(2), np.ones((1, 2)), np.ones(1)).tolist() == [0.0]


@pytest.mark.parametrize("ridge", [0.0, -1.0, float("nan")])
def test_information_needs_a_prior(ridge):
    with pytest.raises(InvalidInput, match="ridge must be > 0"):
        information(np.ones((1, 2)), np.ones(1), ridge)
