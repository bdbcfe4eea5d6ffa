"""Intervals of mixtures of normal distributions."""

import numpy as np
from scipy.special import ndtr

from pluralign.core import FloatArray
from pluralign.metrics.clustered import NORMAL_95

_HALVINGS = 50


def mixture_interval(
    share_K: FloatArray, mean_K_N: FloatArray, error_K_N: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The 95 % intervals of N mixtures of K normal distributions.

    Args:
        share_K: Share of each part, sum 1, shape (K,).
        mean_K_N: Their means, shape (K, N).
        error_K_N: Their standard deviations, > 0, shape (K, N).

    Returns:
        Lower ends, below which 2.5 % lie, and upper ends, each of shape (N,).

    >>> low_N, high_N = mixture_interval(np.array([1.0]), np.zeros((1, 1)), np.ones((1, 1)))
    >>> round(float(low_N[0]), 2), round(float(high_N[0]), 2)
    (-1.96, 1.96)
    """
    return (
        _ends(share_K, mean_K_N, error_K_N, -NORMAL_95),
        _ends(share_K, mean_K_N, error_K_N, NORMAL_95),
    )


def _ends(
    share_K: FloatArray, mean_K_N: FloatArray, error_K_N: FloatArray, deviations: float
) -> FloatArray:
    """Where as much of a mixture lies below as of a normal distribution, shape (N,).

    The end of a mixture is between those of its parts, and is found by halving.
    """
    end_K_N = mean_K_N + deviations * error_K_N
    low_N, high_N = end_K_N.min(axis=0), end_K_N.max(axis=0)
    for _ in range(_HALVINGS):
        middle_N = (low_N + high_N) / 2
        below_N = share_K @ ndtr((middle_N - mean_K_N) / error_K_N)
        under_N = below_N < ndtr(deviations)
        low_N, high_N = np.where(under_N, middle_N, low_N), np.where(under_N, high_N, middle_N)
    ends_N: FloatArray = (low_N + high_N) / 2
    return ends_N
