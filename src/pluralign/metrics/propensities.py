"""Estimates from pairs that were chosen with known probabilities."""

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray, InvalidInput
from pluralign.metrics.input_checks import coded


def propensity_weights(
    propensity_N: npt.ArrayLike, person_N: npt.ArrayLike, order_N: npt.ArrayLike
) -> FloatArray:
    """Weights with which answers represent all pairs that their people could have been shown.

    Nobody is shown a pair twice, so a propensity is that among the pairs that were left. A person's
    pair that was shown before the present one is certain to count in the person's total, and the
    present one stands for all pairs that were left: the weight of each pair is 1 / propensity plus
    the number of the person's later pairs (Des Raj, Journal of the American Statistical Association
    51, 1956). A weighted sum of values is then an unbiased estimate of the sum over all pairs,
    times the person's number of pairs, even if each choice depended on earlier answers.

    Args:
        propensity_N: Probability with which each pair was shown, in (0, 1], shape (N,).
        person_N: Id of the person, shape (N,).
        order_N: Numbers or texts that sort each person's pairs by time, shape (N,).

    Returns:
        Weights >= 1, shape (N,), for means: divide by their sum.

    Raises:
        InvalidInput: If a propensity is not in (0, 1], or the shapes differ.

    >>> propensity_weights([0.25, 0.5, 1.0], ["ana", "ana", "ben"], [1, 2, 1]).tolist()
    [5.0, 2.0, 1.0]
    """
    given_N = np.asarray(propensity_N, dtype=np.float64)
    wrong = np.flatnonzero(~((given_N > 0) & (given_N <= 1)))
    if len(wrong):
        raise InvalidInput(
            f"a propensity must be > 0 and at most 1, got {given_N[wrong[0]]}",
            where=f"row {wrong[0]}",
        )
    n = len(given_N)
    _, person = coded(person_N, "person", n)
    _, order = np.unique(order_N, return_inverse=True)
    by_time_N = np.lexsort((-order, person))  # each person's newest pair first
    starts = np.flatnonzero(np.diff(person[by_time_N], prepend=-1))
    later_N = np.empty(n)
    later_N[by_time_N] = np.arange(n) - np.repeat(starts, np.diff(starts, append=n))
    weight_N: FloatArray = 1 / given_N + later_N
    return weight_N
