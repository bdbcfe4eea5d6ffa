"""The jackknife for any number that is a function of sums over independent things."""

from collections.abc import Callable

import numpy as np

from pluralign.core.arrays import FloatArray

Statistic = Callable[[FloatArray], FloatArray]
"""From sums of shape (..., K) to numbers of shape (...)."""


def jackknife(value_P_K: FloatArray, statistic: Statistic) -> tuple[float, float]:
    """A number and its standard error, leaving out one prompt (or set) at a time.

    Args:
        value_P_K: K values of each of P independent things, shape (P, K).
        statistic: Function of their sums, such as a ratio of two of them.

    Returns:
        The number, and its standard error (Tukey 1958); the error is infinite for one thing, and
        where the number is not finite without one of them.

    >>> ratio = lambda sums: sums[..., 0] / sums[..., 1]
    >>> value, error = jackknife(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 2.0]]), ratio)
    >>> round(value, 3), round(error, 3)
    (0.667, 0.167)
    """
    n, total_K = len(value_P_K), value_P_K.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(statistic(total_K))
        without_P = statistic(total_K - value_P_K)
    if n < 2 or not np.isfinite(without_P).all():
        return value, float("inf")
    variance = (n - 1) / n * ((without_P - without_P.mean()) ** 2).sum()
    return value, float(np.sqrt(variance))
