"""Distance of a tuned policy from its start, from log-probabilities of what it sampled."""

import numpy as np

from pluralign.core.arrays import FloatArray


def sampled_divergence(tuned_N: FloatArray, start_N: FloatArray) -> FloatArray:
    """Estimates of the Kullback-Leibler divergence of a tuned policy from its start, in nats.

    For a sample of the tuned policy with ``d = log start - log tuned``, the estimate is
    ``exp(d) - 1 - d`` (Schulman 2020, "k3"): unbiased, never negative, and less variable than
    ``-d`` where the policies are close. Averages of ``-d`` are the check: where the two disagree,
    some samples are nearly impossible for the start.

    Args:
        tuned_N: Log-probabilities of N whole answers under the tuned policy that sampled them,
            shape (N,).
        start_N: Log-probabilities of the same answers under the start, shape (N,).

    Returns:
        Estimates, shape (N,), each >= 0.

    Raises:
        ValueError: If the shapes differ.

    >>> sampled_divergence(np.array([-1.0, -2.0]), np.array([-1.0, -3.0])).round(3).tolist()
    [0.0, 0.368]
    """
    if tuned_N.shape != start_N.shape:
        raise ValueError(f"shapes must be equal, got {tuned_N.shape} and {start_N.shape}")
    difference_N = start_N - tuned_N
    estimate_N: FloatArray = np.expm1(difference_N) - difference_N
    return estimate_N
