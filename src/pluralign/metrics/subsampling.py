"""Standard errors from fits on random parts of the people."""

import math

from scipy.special import stdtrit  # scipy.stats takes half a second to import

from pluralign.core.arrays import FloatArray


def subsample_error(value_B_X: FloatArray, held_out: float) -> FloatArray:
    """Standard error of a number fitted several times, each time without some of the people.

    Let V be the variance, over people, of a fit on all n of them. Fits on n * (1 - f) of the same
    people spread with the variance V * f / (1 - f), while each of them, over people, has the
    variance V / (1 - f). So the standard error of such a fit is their spread divided by sqrt(f):
    the delete-d jackknife (Shao and Wu 1989, Annals of Statistics 17).

    Args:
        value_B_X: The number in each of B fits, first axis B >= 2.
        held_out: The share f of people left out of each fit, in (0, 1).

    Returns:
        Standard errors of one fit, shape X; nan where a fit lacks the number.

    Raises:
        ValueError: If there are fewer than two fits, or the share lies outside (0, 1).

    >>> import numpy as np
    >>> subsample_error(np.array([[1.0], [2.0], [3.0]]), held_out=0.25).tolist()
    [2.0]
    """
    if len(value_B_X) < 2:
        raise ValueError(f"{len(value_B_X)} fits show no spread")
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must be in (0, 1), got {held_out}")
    spread: FloatArray = value_B_X.std(axis=0, ddof=1)
    return spread / math.sqrt(held_out)


def subsample_half_width(value_B_X: FloatArray, held_out: float, level: float = 0.95) -> FloatArray:
    """Half the width of an interval around one fit, shape X (Student's t, B - 1 degrees).

    >>> import numpy as np
    >>> subsample_half_width(np.array([[1.0], [2.0], [3.0]]), held_out=0.25).round(2).tolist()
    [8.61]
    """
    return float(stdtrit(len(value_B_X) - 1, (1 + level) / 2)) * subsample_error(
        value_B_X, held_out
    )
