"""Choices between the two responses of each pair, equal comparisons joined."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pluralign.core import FloatArray
from pluralign.rewards.distinct_pairs import comparisons
from pluralign.rewards.features import DenseFeatures, PairFeatures, TableFeatures

# Bytes up to which features are kept as a matrix while heads are fitted.
_AT_HAND = 64 * 1024 * 1024


class Choices(NamedTuple):
    """Choices between the two responses of each pair.

    Because l(-z) = l(z) + z, with l(z) = -log sigmoid(z), the loss of a pair with margin z is
    ``weight * l(z) + against * z``.
    """

    features: PairFeatures
    weight_N: FloatArray  # of all choices of the pair
    against_N: FloatArray  # of those that the other response won


def joined(features: PairFeatures, weight_N: FloatArray) -> Choices:
    """Each comparison once, where pairs are so much alike that it saves half of the work or more.

    In a survey that many communities answered, a comparison occurs once for each of them. Joined
    choices have the same bits for any order of the pairs: comparisons are in the order of their
    rows in the table, the lower row first, and weights of a comparison are added in rising order.

    >>> table = TableFeatures(np.eye(2), np.array([[1, 0, 0, 0], [0, 1, 1, 1]]))
    >>> found = joined(table, np.array([0.5, 1.0, 2.0, 1.0]))
    >>> found.features.dense().tolist(), found.weight_N.tolist(), found.against_N.tolist()
    ([[1.0, -1.0]], [4.5], [0.5])
    """
    if isinstance(features, TableFeatures):
        first_M, number_N, turned_N = comparisons(features)
        if 2 * len(first_M) <= len(weight_N):
            index_3_M = features.index_3_N[:, first_M]
            index_3_M[:2] = np.sort(index_3_M[:2], axis=0)
            order_N = np.lexsort((weight_N, number_N))
            number_N, weight_N, turned_N = number_N[order_N], weight_N[order_N], turned_N[order_N]
            weight_M = np.bincount(number_N, weight_N).astype(np.float64)
            lost_N = np.where(turned_N, weight_N, 0.0)
            against_M = np.bincount(number_N, lost_N).astype(np.float64)
            return Choices(at_hand(replace(features, index_3_N=index_3_M)), weight_M, against_M)
    return Choices(at_hand(features), weight_N, np.zeros_like(weight_N))


def at_hand(features: PairFeatures) -> PairFeatures:
    """The features as a matrix where it is small; larger ones are computed at each reading."""
    pairs, dimensions = features.shape
    small = pairs * dimensions * np.float32().itemsize <= _AT_HAND
    return DenseFeatures(features.dense()) if small else features
