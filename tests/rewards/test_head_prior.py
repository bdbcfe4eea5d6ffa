"""The most probable head under a prior, and the errors of its margins."""

import tracemalloc

import numpy as np
import pytest

from pluralign.core import PreferencePair, rng_for
from pluralign.rewards import DenseFeatures, EncodedPairs, HeadPrior


def a_prior(dimensions: int = 8, rank: int = 2) -> HeadPrior:
    rng = rng_for(0, "prior")
    return HeadPrior(rng.normal(size=dimensions), 3 * rng.normal(size=(dimensions, rank)), 2.0)


def choices(count: int, dimensions: int = 8, flip: float = 0.0) -> EncodedPairs:
    difference_N_D = rng_for(1).normal(size=(count, dimensions))
    pairs = [PreferencePair(str(k), "Q", "A", "B", "KEN", flip=flip) for k in range(count)]
    return EncodedPairs(tuple(pairs), DenseFeatures(difference_N_D))


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
