"""SCPO's filter and weights, to the letter (arXiv 2606.18606)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput
from pluralign.methods import (
    AdaptiveConfig,
    RidgeConfig,
    ScpoConfig,
    inverse_weights,
    pair_weights,
    scpo_filter,
    scpo_weights,
)

MARGINS = st.lists(st.floats(-25, 25), min_size=1, max_size=20).map(np.array)
EXTREME = np.array([-1000.0, -1e-9, 0.0, 1e-9, 1000.0])


@given(MARGINS, st.floats(0.01, 0.99))
def test_the_filter_keeps_what_the_reference_is_not_confident_of(
    margin_N: np.ndarray, tau: float
) -> None:
    confidence_N = 1 / (1 + np.exp(-margin_N))
    sure_N = np.abs(confidence_N - tau) > 1e-9
    assert np.array_equal(scpo_filter(margin_N, tau)[sure_N], (confidence_N < tau)[sure_N])


def test_at_the_published_threshold_mild_agreement_is_kept() -> None:
    assert scpo_filter(np.log([0.69 / 0.31, 0.71 / 0.29]), tau=0.7).tolist() == [True, False]


@given(MARGINS, st.floats(0.1, 10))
def test_the_weight_is_the_smaller_of_one_and_the_softened_odds(
    margin_N: np.ndarray, beta: float
) -> None:
    np.testing.assert_allclose(scpo_weights(margin_N, beta), np.minimum(np.exp(margin_N / beta), 1))


@given(MARGINS)
def test_the_inverse_weight_is_the_larger_of_one_and_the_odds_against(margin_N: np.ndarray) -> None:
    np.testing.assert_allclose(inverse_weights(margin_N), np.maximum(np.exp(-margin_N), 1))


@pytest.mark.filterwarnings("error")
def test_no_margin_overflows() -> None:
    np.testing.assert_allclose(scpo_weights(EXTREME, beta=1.1), [0, 1, 1, 1, 1], atol=1e-6)
    assert np.isfinite(inverse_weights(EXTREME)).all()
    assert inverse_weights(EXTREME).tolist() == sorted(inverse_weights(EXTREME), reverse=True)
    assert scpo_filter(EXTREME, tau=0.7).tolist() == [True, True, True, True, False]


@pytest.mark.filterwarnings("error")
def test_a_threshold_of_one_keeps_every_pair() -> None:
    assert scpo_filter(EXTREME, tau=1.0).all()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ScpoConfig(), [np.exp(-1), 1, 0]),
        (ScpoConfig(weight=False), [1, 1, 0]),
        (ScpoConfig(filter=False), [np.exp(-1), 1, 1]),
        (ScpoConfig(filter=False, weight=False), [1, 1, 1]),
        (ScpoConfig(tau=1.0), [np.exp(-1), 1, 1]),
        (ScpoConfig(filter=False, weight=False, inverse_weight=True), [np.exp(1.1), 1, 1]),
        (ScpoConfig(filter=False, weight=True, inverse_weight=True), [np.exp(1.1), 1, 1]),
    ],
)
def test_each_ablation_weighs_pairs_as_its_name_states(
    config: ScpoConfig, expected: list[float]
) -> None:
    np.testing.assert_allclose(pair_weights(np.array([-1.1, 0.5, 2.0]), config), expected)


@pytest.mark.parametrize("tau", [0.0, -0.5, 1.3, np.nan, np.inf])
def test_a_threshold_out_of_range_is_refused(tau: float) -> None:
    with pytest.raises(InvalidInput, match="tau"):
        ScpoConfig(tau=tau)
    with pytest.raises(InvalidInput, match="tau"):
        scpo_filter(np.zeros(2), tau)


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan])
def test_a_softness_out_of_range_is_refused(beta: float) -> None:
    with pytest.raises(InvalidInput, match="beta"):
        ScpoConfig(beta=beta)
    with pytest.raises(InvalidInput, match="beta"):
        scpo_weights(np.zeros(2), beta)


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan, np.inf])
def test_a_pull_that_is_no_positive_number_is_refused_before_anything_is_fitted(
    ridge: float,
) -> None:
    for config in (RidgeConfig, ScpoConfig):
        with pytest.raises(InvalidInput, match="ridge"):
            config(ridge=ridge)
    with pytest.raises(InvalidInput, match="ridge"):
        AdaptiveConfig(own_ridges=(1.0, ridge))
    with pytest.raises(InvalidInput, match="ridge"):
        AdaptiveConfig(shared_ridges=(ridge,))


@pytest.mark.parametrize("guard", [-1.0, np.nan, np.inf])
def test_a_guard_that_is_no_number_from_zero_is_refused(guard: float) -> None:
    with pytest.raises(InvalidInput, match="guard"):
        AdaptiveConfig(guard=guard)
