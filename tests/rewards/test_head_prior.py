"""The most probable head under a prior, and the errors of its margins."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from pluralign.core import PreferencePair, rng_for
from pluralign.metrics import NORMAL_95
from pluralign.rewards import DenseFeatures, EncodedPairs, HeadPrior


def a_prior(dimensions: int = 8, rank: int = 2) -> HeadPrior:
    rng = rng_for(0, "prior")
    return HeadPrior(rng.normal(size=dimensions), 3 * rng.normal(size=(dimensions, rank)), 2.0)


def choices(count: int, dimensions: int = 8, flip: float = 0.0) -> EncodedPairs:
    difference_N_D = rng_for(1).normal(size=(count, dimensions))
    pairs = [PreferencePair(str(k), f"Q {k}", "A", "B", "KEN", flip=flip) for k in range(count)]
    return EncodedPairs(tuple(pairs), DenseFeatures(difference_N_D))


def of_scales(*scales: float) -> HeadPrior:
    """The prior with scales of equal shares."""
    return replace(a_prior(), scales=scales, shares=(1 / len(scales),) * len(scales))


def test_no_choices_give_the_mean_and_no_errors() -> None:
    prior, none = a_prior(), choices(0)
    np.testing.assert_array_equal(prior.head(none), prior.mean_D)
    assert prior.errors(none, prior.mean_D).shape == (0,)


@pytest.mark.parametrize("count", [1, 5, 30])
def test_errors_are_those_of_the_curvature_at_the_head(count: int) -> None:
    prior, given = a_prior(), choices(count)
    head_D = prior.head(given)
    rows = given.features.dense()
    sure_N = 1 / (1 + np.exp(-rows @ head_D))
    precision = np.linalg.inv(prior.covariance()) + (rows.T * (sure_N * (1 - sure_N))) @ rows
    expected_N = np.sqrt(np.diag(rows @ np.linalg.inv(precision) @ rows.T))
    np.testing.assert_allclose(prior.errors(given, head_D), expected_N, rtol=1e-6)


def test_errors_of_many_choices_need_no_matrix_of_all_pairs_of_choices() -> None:
    prior, given = a_prior(), choices(20_000)
    tracemalloc.start()
    errors_N = prior.errors(given, prior.mean_D)
    largest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert errors_N.shape == (20_000,)
    assert largest < 50e6


def test_a_report_teaches_less_than_a_choice() -> None:
    prior = a_prior()
    sure_N, unsure_N = (
        prior.errors(given, prior.mean_D) for given in (choices(6), choices(6, flip=0.3))
    )
    assert (unsure_N > sure_N).all()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="directions"):
        HeadPrior(np.zeros(4), np.zeros((3, 1)), 1.0)
    with pytest.raises(ValueError, match="ridge"):
        HeadPrior(np.zeros(4), np.zeros((4, 1)), 0.0)
    with pytest.raises(ValueError, match="scales"):
        HeadPrior(np.zeros(4), np.zeros((4, 1)), 1.0, scales=(1.0, 2.0))


def test_no_choices_give_the_mean_whatever_the_scales() -> None:
    prior, none = of_scales(0.5, 2.0), choices(0)
    np.testing.assert_allclose(prior.head(none), prior.mean_D)
    np.testing.assert_array_equal(prior.given(none).share_S, prior.shares)
    assert prior.interval(none, prior.given(none))[0].shape == (0,)


@pytest.mark.parametrize("scale", [0.25, 4.0])
def test_a_scale_is_a_multiple_of_the_covariance(scale: float) -> None:
    prior, given = of_scales(scale), choices(12)
    wide = replace(a_prior(), ridge=a_prior().ridge / scale)
    np.testing.assert_allclose(prior.head(given), wide.head(given), atol=1e-8)
    low_N, high_N = prior.interval(given, prior.given(given))
    reach_N = NORMAL_95 * wide.errors(given, wide.head(given))
    np.testing.assert_allclose(high_N - low_N, 2 * reach_N)


def test_the_head_is_the_mean_of_the_heads_under_the_scales() -> None:
    prior, given = of_scales(0.5, 1.0, 2.0), choices(12)
    expected_D = prior.shares_given(given) @ np.stack(
        [of_scales(scale).head(given) for scale in prior.scales]
    )
    np.testing.assert_allclose(prior.head(given), expected_D, atol=1e-6)


@pytest.mark.parametrize(("flip", "near"), [(0.0, 0.05), (0.2, 0.15)])
def test_a_score_is_near_that_of_heads_made_without_each_choice(flip: float, near: float) -> None:
    prior, given = of_scales(0.5, 2.0), choices(40, flip=flip)
    expected_S = np.zeros(2)
    for n in range(len(given)):
        others, left = (
            given.take(np.flatnonzero(np.arange(len(given)) != n)),
            given.take(np.array([n])),
        )
        for k, scale in enumerate(prior.scales):
            head_D = of_scales(scale).head(others)
            rows = others.features.dense()
            sure_N = expit(rows @ head_D)
            slope_N = (1 - 2 * flip) * sure_N * (1 - sure_N)
            report_N = flip + (1 - 2 * flip) * sure_N
            known_N = slope_N**2 / (report_N * (1 - report_N))
            precision = np.linalg.inv(scale * prior.covariance()) + (rows.T * known_N) @ rows
            x_D = left.features.dense()[0]
            variance = x_D @ np.linalg.solve(precision, x_D)
            sure = expit(x_D @ head_D / np.sqrt(1 + np.pi / 8 * variance))
            expected_S[k] += np.log(flip + (1 - 2 * flip) * sure)
    np.testing.assert_allclose(prior.scores(given), expected_S, rtol=near)


def test_choices_of_one_stem_count_once_in_a_score() -> None:
    prior, given = of_scales(0.5, 2.0), choices(5)
    pairs = tuple(replace(pair, stem=f"stem {k % 2}") for k, pair in enumerate(given.pairs))
    alike = EncodedPairs(pairs, given.features)
    np.testing.assert_allclose(prior.scores(alike), prior.scores(given.take(np.array([0, 1]))))


def test_a_community_far_from_the_others_gets_a_large_scale() -> None:
    prior, rng = of_scales(0.25, 1.0, 4.0, 16.0), rng_for(6)
    likely = []
    for scale in (0.25, 16.0):
        spread_D_D = np.linalg.cholesky(scale * prior.covariance())
        head_D = prior.mean_D + spread_D_D @ rng.normal(size=8)
        rows = rng.normal(size=(100, 8))
        sign_N = np.where(rng.random(100) < expit(rows @ head_D), 1.0, -1.0)
        given = EncodedPairs(choices(100).pairs, DenseFeatures(rows * sign_N[:, None]))
        likely.append(prior.shares_given(given) @ np.log(prior.scales))
    assert likely[0] < likely[1] - 0.5
