"""The number of communities for which a set of answers has something."""

import numpy as np

from pluralign.core.arrays import FloatArray


def distinct_favourites(reward_P_N_C: FloatArray) -> FloatArray:
    """The number of different answers that are some community's favourite, out of C communities.

    It needs no scale, so sets of equal size from different ways of sampling can be compared. Of
    answers that are all alike in value it is large by chance alone: report `covered` too.

    Args:
        reward_P_N_C: Rewards of N answers to each of P prompts under C communities, shape
            (P, N, C), all finite.

    Returns:
        Shape (P,): from 1 / C, where all communities like the same answer best, to 1.

    >>> distinct_favourites(np.array([[[3.0, 0.0], [1.0, 2.0]], [[3.0, 2.0], [1.0, 0.0]]])).tolist()
    [1.0, 0.5]
    """
    best_P_C = reward_P_N_C.argmax(axis=1)
    return np.array([len(set(best_C)) / len(best_C) for best_C in best_P_C.tolist()])


def covered(reward_P_N_C: FloatArray, least_C: FloatArray) -> FloatArray:
    """The share of communities for which at least one answer has a reward of at least so much.

    Args:
        reward_P_N_C: Rewards, shape (P, N, C); nan for an answer without a reward.
        least_C: Least reward of each community, shape (C,), such as the upper quartile of its
            rewards on a frozen set of answers.

    Returns:
        Shape (P,), in [0, 1].

    >>> covered(np.array([[[3.0, 0.0], [1.0, 2.0]]]), np.array([2.0, 5.0])).tolist()
    [0.5]
    """
    enough_P_C = (reward_P_N_C >= least_C).any(axis=1)
    share_P: FloatArray = enough_P_C.mean(axis=1)
    return share_P
