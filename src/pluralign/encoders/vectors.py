"""Small pure functions on embedding matrices."""

import numpy as np

from pluralign.core import FloatArray


def unit_rows(embedding_N_D: FloatArray) -> FloatArray:
    """Scale every row to length 1; a row of zeros stays as it is.

    Args:
        embedding_N_D: Any finite numbers, shape (N, D).

    Returns:
        Shape (N, D), float32.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    wide_N_D = embedding_N_D.astype(np.float64, copy=False)
    length_N = np.sqrt(np.add.reduce(wide_N_D * wide_N_D, axis=1))
    length_N[length_N == 0] = 1.0
    unit_N_D: FloatArray = (wide_N_D / length_N[:, None]).astype(np.float32)
    return unit_N_D
