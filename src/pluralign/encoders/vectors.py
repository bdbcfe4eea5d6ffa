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
    length_N = np.linalg.norm(embedding_N_D.astype(np.float64), axis=1)
    return (embedding_N_D / np.where(length_N > 0, length_N, 1.0)[:, None]).astype(np.float32)
