"""How often a reward model prefers what the rater preferred."""

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray
from pluralign.metrics.input_checks import checked_values


def correct(margin_N: npt.ArrayLike) -> FloatArray:
    """Credit for each pair: 1 if the chosen response scores higher, 0 if lower, 0.5 for a tie.

    Args:
        margin_N: Reward of chosen minus rejected, shape (N,), in logits.

    Returns:
        Credits in {0, 0.5, 1}, shape (N,).

    Raises:
        NotEnoughData: If there are no pairs.
        InvalidInput: If a margin is not a finite number.

    >>> correct([2.0, 0.0, -0.1]).tolist()
    [1.0, 0.5, 0.0]
    """
    margins, _ = checked_values(margin_N)
    credit: FloatArray = (np.sign(margins) + 1) / 2
    return credit


def pairwise_accuracy(margin_N: npt.ArrayLike, weight_N: npt.ArrayLike | None = None) -> float:
    """Share of pairs on which the model agrees with the rater; a tie counts half.

    Args:
        margin_N: Reward of chosen minus rejected, shape (N,), in logits.
        weight_N: How much each pair counts, >= 0, shape (N,).

    Returns:
        Accuracy in [0, 1].

    Raises:
        NotEnoughData: If there are no pairs, or every weight is 0.
        InvalidInput: If a margin is not finite, or a weight is negative or not finite.

    >>> pairwise_accuracy([2.0, 0.0, -0.1])
    0.5
    >>> pairwise_accuracy([2.0, -0.1], weight_N=[3, 1])
    0.75
    """
    margins, weights = checked_values(margin_N, weight_N)
    return float(np.average(correct(margins), weights=weights))
