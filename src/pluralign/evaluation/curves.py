"""Learning curves: how accuracy grows with training data, and how much data a method needs."""

from dataclasses import dataclass

import numpy as np

from pluralign.core import FloatArray, InvalidInput


@dataclass(frozen=True, slots=True)
class Needed:
    """How much of the data a method needs to reach a target.

    Attributes:
        fraction: Fraction of the training data in (0, 1]; None where even all of it does not reach
            the target.
        low: Lower end of the 95 % interval.
        high: Upper end; None where the target is not reached in more than 2.5 % of the draws.
    """

    fraction: float | None
    low: float | None
    high: float | None


def fraction_needed(
    fraction_K: FloatArray,
    value_K: FloatArray,
    target: float,
    draws_B_K: FloatArray,
    target_B: FloatArray,
) -> Needed:
    """The smallest fraction of the training data with which a method reaches a target.

    Between two sizes accuracy is taken to grow with the logarithm of the size; where it already
    reaches the target at the smallest size, that size is the answer, so the true one may be smaller
    still.

    Args:
        fraction_K: Sizes, increasing, in (0, 1], shape (K,).
        value_K: Accuracy at each size, shape (K,).
        target: Accuracy to reach, such as that of full fine-tuning on everything.
        draws_B_K: Bootstrap draws of ``value_K``, shape (B, K).
        target_B: Draws of the target, paired with ``draws_B_K``, shape (B,).

    Returns:
        The fraction, with an interval over the draws.

    Raises:
        InvalidInput: If the sizes do not increase.

    >>> draws = np.tile([0.5, 0.6, 0.7], (10, 1))
    >>> sizes, target_B = np.array([0.25, 0.5, 1.0]), np.full(10, 0.65)
    >>> round(fraction_needed(sizes, draws[0], 0.65, draws, target_B).fraction, 3)
    0.707
    """
    if not (np.diff(fraction_K) > 0).all():
        raise InvalidInput(f"sizes {fraction_K.tolist()} do not increase")
    found = _crossing(fraction_K, value_K, target)
    drawn = zip(draws_B_K, target_B, strict=True)
    drawn_B = np.array([_crossing(fraction_K, value_K, target) for value_K, target in drawn])
    # Order statistics, not interpolation: a draw that never reaches the target is infinitely far.
    low, high = np.quantile(drawn_B, [0.025, 0.975], method="nearest")
    finite = [None if np.isinf(x) else float(x) for x in (found, low, high)]
    return Needed(*finite)


def _crossing(fraction_K: FloatArray, value_K: FloatArray, target: float) -> float:
    reached = np.flatnonzero(value_K >= target)
    if not len(reached):
        return np.inf
    k = int(reached[0])
    if k == 0:
        return float(fraction_K[0])
    # The size before did not reach the target, so the difference is not 0.
    share = (target - value_K[k - 1]) / (value_K[k] - value_K[k - 1])
    return float(fraction_K[k - 1] * (fraction_K[k] / fraction_K[k - 1]) ** share)
