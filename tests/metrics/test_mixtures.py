"""Intervals of mixtures of normal distributions."""

import numpy as np

from pluralign.core import rng_for
from pluralign.metrics import NORMAL_95, mixture_interval


def test_one_part_has_the_interval_of_a_normal_distribution() -> None:
    mean_N, error_N = np.array([[0.0, 3.0]]), np.array([[1.0, 2.0]])
    low_N, high_N = mixture_interval(np.ones(1), mean_N, error_N)
    np.testing.assert_allclose(low_N, (mean_N - NORMAL_95 * error_N)[0])
    np.testing.assert_allclose(high_N, (mean_N + NORMAL_95 * error_N)[0])


def test_the_interval_is_that_of_draws_from_the_mixture() -> None:
    rng, share_K = rng_for(0), np.array([0.2, 0.5, 0.3])
    mean_K, error_K = np.array([-2.0, 0.0, 1.0]), np.array([0.5, 1.0, 4.0])
    part_B = rng.choice(3, size=200_000, p=share_K)
    drawn_B = rng.normal(mean_K[part_B], error_K[part_B])
    low_N, high_N = mixture_interval(share_K, mean_K[:, None], error_K[:, None])
    expected = np.quantile(drawn_B, [0.025, 0.975])
    np.testing.assert_allclose([low_N[0], high_N[0]], expected, atol=0.06)
