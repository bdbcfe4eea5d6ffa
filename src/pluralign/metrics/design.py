"""Which comparison reveals most about a linear taste: D-optimal design with Fisher weights.

A pair with feature difference x and margin m = x . theta has the Fisher information w x x', where w
is p (1 - p) and p is sigmoid(m). A design is D-optimal if the determinant of the summed information
is largest, and with it the confidence region of theta smallest (Shen, Sun and Ton, ICML 2025, arXiv
2502.04354). Uncertainty sampling would take the pair with the largest w alone.
"""

import numpy as np
from scipy.special import expit

from pluralign.core import FloatArray, InvalidInput


def fisher_weights(margin_N: FloatArray) -> FloatArray:
    """Information of a choice about its margin: p (1 - p) with p = sigmoid(margin).

    Args:
        margin_N: Margins in logits, shape (N,).

    Returns:
        Weights in [0, 0.25], shape (N,); 0.25 where both responses are equally likely.

    >>> fisher_weights(np.array([0.0, 2.0, -2.0])).round(3).tolist()
    [0.25, 0.105, 0.105]
    """
    weight_N: FloatArray = expit(margin_N) * expit(-np.asarray(margin_N))
    return weight_N


def information(feature_N_D: FloatArray, weight_N: FloatArray, ridge: float) -> FloatArray:
    """Information of pairs that were answered, and of a prior: ridge I + sum of w x x'.

    Args:
        feature_N_D: Feature differences, shape (N, D).
        weight_N: Fisher weights, >= 0, shape (N,).
        ridge: Information of the prior in each direction, > 0.

    Returns:
        A symmetric positive definite matrix, shape (D, D).

    Raises:
        InvalidInput: If the ridge is not > 0.
    """
    if not ridge > 0:
        raise InvalidInput(f"ridge must be > 0, got {ridge}")
    sum_D_D: FloatArray = (feature_N_D * weight_N[:, None]).T @ feature_N_D
    return sum_D_D + ridge * np.eye(feature_N_D.shape[1])


def d_optimal_gains(
    inverse_D_D: FloatArray, feature_N_D: FloatArray, weight_N: FloatArray
) -> FloatArray:
    """Growth of log det of the information if a pair were answered: log(1 + w x' A^-1 x).

    Args:
        inverse_D_D: Inverse of the information A of the answers so far, shape (D, D).
        feature_N_D: Feature differences of the candidates, shape (N, D).
        weight_N: Their Fisher weights, >= 0, shape (N,).

    Returns:
        Gains >= 0, shape (N,); each one as if its pair alone were answered next.

    >>> two_pairs = np.array([[2.0, 0.0], [0.0, 0.0]])
    >>> d_optimal_gains(np.eye(2), two_pairs, np.full(2, 0.25)).round(3).tolist()
    [0.693, 0.0]
    """
    variance_N = ((feature_N_D @ inverse_D_D) * feature_N_D).sum(axis=1)
    # Rounding may leave a variance just below 0.
    gain_N: FloatArray = np.log1p(weight_N * np.maximum(variance_N, 0.0))
    return gain_N


def updated_inverse(inverse_D_D: FloatArray, feature_D: FloatArray, weight: float) -> FloatArray:
    """Inverse of A + w x x' from the inverse of A (Sherman and Morrison, 1950).

    Args:
        inverse_D_D: Inverse of the information A, symmetric, shape (D, D).
        feature_D: Feature difference x of the pair that was answered, shape (D,).
        weight: Its Fisher weight w, >= 0.

    Returns:
        A symmetric matrix, shape (D, D); the given one is unchanged.

    >>> updated_inverse(np.eye(2), np.array([1.0, 0.0]), 1.0).tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    turned_D = inverse_D_D @ feature_D
    scale = weight / (1 + weight * float(feature_D @ turned_D))
    inverse: FloatArray = inverse_D_D - scale * np.outer(turned_D, turned_D)
    return inverse
