"""Checks of the input of measures: aligned finite numbers, weights >= 0, ids that can be sorted."""

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray, IntArray, InvalidInput, NotEnoughData


def checked_values(
    value_N: npt.ArrayLike, weight_N: npt.ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """Values and their weights, checked.

    Args:
        value_N: Numbers, shape (N,).
        weight_N: How much each counts, >= 0, shape (N,); 1 each where None.

    Returns:
        Values and weights as float64, both of shape (N,).

    Raises:
        NotEnoughData: If there are no values, or every weight is 0.
        InvalidInput: If the shapes differ, a number is not finite, or a weight is negative.

    >>> checked_values([1, 0])[1].tolist()
    [1.0, 1.0]
    """
    values = np.asarray(value_N, dtype=np.float64)
    weights = np.ones(values.shape) if weight_N is None else np.asarray(weight_N, dtype=np.float64)
    if values.ndim != 1 or weights.shape != values.shape:
        raise InvalidInput(
            f"values of shape {values.shape} and weights of shape {weights.shape} "
            "are not aligned rows"
        )
    if not values.size:
        raise NotEnoughData(
            "there are no values to measure",
            hint="check that the filters before this left some rows",
        )
    if not (np.isfinite(values).all() and np.isfinite(weights).all()):
        row = int(np.flatnonzero(~(np.isfinite(values) & np.isfinite(weights)))[0])
        raise InvalidInput("a value or weight is not a finite number", where=f"row {row}")
    if (weights < 0).any():
        raise InvalidInput(
            "a weight is negative", where=f"row {int(np.flatnonzero(weights < 0)[0])}"
        )
    if not weights.any():
        raise NotEnoughData("every weight is 0")
    return values, weights


def coded(ids_N: npt.ArrayLike, name: str, n: int) -> tuple[npt.NDArray[np.generic], IntArray]:
    """Number the ids: the distinct ones, sorted, and where each row's id stands among them.

    Args:
        ids_N: One id for each row, all of one kind: text or numbers.
        name: Name of the ids, for the error.
        n: How many rows there must be.

    Returns:
        Distinct ids, shape (K,), and codes in 0..K-1, shape (N,).

    Raises:
        InvalidInput: If the number of ids differs from ``n``, or ids are missing or of mixed kinds.

    >>> coded(["b", "a", "b"], "rater", 3)[1].tolist()
    [1, 0, 1]
    """
    ids = np.asarray(ids_N)
    if ids.shape != (n,):
        raise InvalidInput(f"{name} ids of shape {ids.shape} for {n} rows")
    # Floats may contain nan, and objects None: missing ids would become clusters of their own.
    if ids.dtype.kind not in "USbiu":
        raise InvalidInput(
            f"{name} ids are missing or of mixed kinds",
            hint="give every row an id: where there is no rater, cluster by question",
        )
    distinct, codes = np.unique(ids, return_inverse=True)
    return distinct, codes
