"""Pairs as signs times their distinct features, so that each comparison is multiplied once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pluralign.core import BoolArray, FloatArray, IntArray
from pluralign.rewards.features import PairFeatures, TableFeatures


@dataclass(frozen=True, slots=True)
class DistinctPairs:
    """N pairs of which many compare the same responses to the same prompt.

    In a survey that several communities answered, M is a small part of N.

    Attributes:
        feature_M_D: Features of the distinct pairs, float64, shape (M, D).
        sign_N_M: Which distinct pair each pair is: 1, or -1 where the choice was the other one;
            sparse, shape (N, M).
    """

    feature_M_D: FloatArray
    sign_N_M: Any

    @classmethod
    def of(cls, features: PairFeatures) -> "DistinctPairs":
        """The distinct pairs among these; features that are at hand as a matrix stay apart.

        >>> vector_T_d = np.eye(3, dtype=np.float32)
        >>> pairs = TableFeatures(vector_T_d, np.array([[0, 1, 0], [1, 0, 2]]))
        >>> found = DistinctPairs.of(pairs)
        >>> found.feature_M_D.tolist(), found.sign_N_M.toarray().tolist()
        ([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0]], [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
        """
        pairs = features.shape[0]
        number_N: IntArray = np.arange(pairs)
        sign_N = np.ones(pairs)
        if isinstance(features, TableFeatures):
            first_M, number_N, turned_N = comparisons(features)
            sign_first_M = np.where(turned_N[first_M], -1.0, 1.0)
            feature_M_D = sign_first_M[:, None] * features.take(first_M).dense()
            sign_N = np.where(turned_N, -1.0, 1.0)
        else:
            feature_M_D = features.dense()
        sign_N_M = csr_array(
            (sign_N, (np.arange(pairs), number_N)), shape=(pairs, len(feature_M_D))
        )
        return cls(np.asarray(feature_M_D, dtype=np.float64), sign_N_M)

    def margins(self, theta_D_K: FloatArray) -> FloatArray:
        """Margins of every pair under K heads, in logits, shape (N, K)."""
        margin_N_K: FloatArray = self.sign_N_M @ (self.feature_M_D @ theta_D_K)
        return margin_N_K

    def slope(self, force_N_K: FloatArray) -> FloatArray:
        """The gradient by K heads of a loss with this slope by the margins, shape (D, K)."""
        slope_D_K: FloatArray = self.feature_M_D.T @ (self.sign_N_M.T @ force_N_K)
        return slope_D_K

    def rounded(self, weight_N: FloatArray) -> tuple["DistinctPairs", FloatArray, FloatArray]:
        """The pairs in coordinates in which their curvature is diagonal.

        Args:
            weight_N: How much each pair counts, shape (N,).

        Returns:
            The pairs in P <= D coordinates; an orthonormal basis, shape (D, P), so that ``theta =
            basis @ b``; and the curvature along each coordinate where every pair is undecided
            (a quarter of its weight times its square), shape (P,).
        """
        times_M = abs(self.sign_N_M).T @ weight_N
        curvature_D_D = 0.25 * (self.feature_M_D * times_M[:, None]).T @ self.feature_M_D
        value_D, basis_D_D = np.linalg.eigh(curvature_D_D)
        # No pair reads the other directions, so no fit leaves its prior there.
        seen_D = value_D > 1e-9 * max(value_D[-1], 1e-300)
        basis_D_P = basis_D_D[:, seen_D]
        turned = DistinctPairs(self.feature_M_D @ basis_D_P, self.sign_N_M)
        return turned, basis_D_P, value_D[seen_D]


def comparisons(features: TableFeatures) -> tuple[IntArray, IntArray, BoolArray]:
    """The distinct comparisons among pairs, whichever of the two responses was chosen.

    Returns:
        A pair of each comparison, shape (M,); the comparison of each pair, shape (N,); and whether
        its chosen response comes after the rejected one in the table, shape (N,).

    >>> vector_T_d = np.eye(3, dtype=np.float32)
    >>> pairs = TableFeatures(vector_T_d, np.array([[0, 1, 0], [1, 0, 2]]))
    >>> [found.tolist() for found in comparisons(pairs)]
    [[0, 2], [0, 0, 1], [False, True, False]]
    """
    index_3_N = features.index_3_N.copy()
    turned_N: BoolArray = index_3_N[0] > index_3_N[1]
    index_3_N[:2, turned_N] = index_3_N[1::-1, turned_N]
    number_N: IntArray = np.zeros(len(turned_N), dtype=np.int64)
    # Row by row: numbers are sorted much faster than columns.
    for index_N in index_3_N:
        code_N = number_N * len(features.vector_T_d) + index_N
        _, first_M, number_N = np.unique(code_N, return_index=True, return_inverse=True)
    return first_M, number_N, turned_N
