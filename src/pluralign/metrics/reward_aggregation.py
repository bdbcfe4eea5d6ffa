"""Rewards of several communities as one value for each candidate."""

import numpy as np
from scipy.special import expit, softmax

from pluralign.core.arrays import FloatArray

_SMALL = 1e-4
"""Added to standard deviations, as in TRL."""


def normalise_then_sum(reward_P_N_C: FloatArray, weight_C: FloatArray | None = None) -> FloatArray:
    """Advantages to which every community contributes on the same scale (GDPO, arXiv 2601.05242).

    For each prompt and community, rewards are centred and divided by their standard deviation over
    the N candidates; the weighted sum over communities is centred and scaled over all candidates.
    This is `multi_objective_aggregation="normalize_then_sum"` of TRL.

    Args:
        reward_P_N_C: Rewards in logits, shape (P, N, C).
        weight_C: Weights of the communities, >= 0, shape (C,); default 1 each.

    Returns:
        Advantages, shape (P, N).

    >>> wide = np.array([[[90.0, 0.0], [0.0, 2.0], [0.0, 1.0]]])
    >>> normalise_then_sum(wide).round(2).tolist()  # the wide margin counts no more than the other
    [[0.3, 0.82, -1.12]]
    """
    weight_C = np.ones(reward_P_N_C.shape[2]) if weight_C is None else weight_C
    mean_P_1_C = reward_P_N_C.mean(axis=1, keepdims=True)
    spread_P_1_C = _spread(reward_P_N_C, axis=1)
    standard_P_N_C = (reward_P_N_C - mean_P_1_C) / (spread_P_1_C + _SMALL)
    summed_P_N = standard_P_N_C @ weight_C
    advantage_P_N: FloatArray = (summed_P_N - summed_P_N.mean()) / (_spread(summed_P_N) + _SMALL)
    return advantage_P_N


def worst_off(shaped_P_N_C: FloatArray) -> FloatArray:
    """The reward of the community that likes a candidate least, shape (P, N).

    Args:
        shaped_P_N_C: Rewards on a common scale, as `RewardScale.shaped` gives them, shape
            (P, N, C).

    >>> worst_off(np.array([[[0.9, 0.2], [0.5, 0.6]]])).tolist()
    [[0.2, 0.5]]
    """
    lowest_P_N: FloatArray = shaped_P_N_C.min(axis=2)
    return lowest_P_N


def proportional(reward_P_N_C: FloatArray, share_C: FloatArray, beta: float = 0.0) -> FloatArray:
    """Probabilities of candidates in proportion to the people who prefer them to every other.

    With ``u`` the smallest share of people who prefer a candidate to another one, the probability
    is proportional to ``u * exp(beta * u)`` (proportional population aggregation, arXiv
    2506.05619). ``beta = 0`` is proportional; with a growing ``beta`` the winner of all
    comparisons, if there is one, takes all.

    Args:
        reward_P_N_C: Rewards in logits, shape (P, N, C), N >= 2. Within a community, the share of
            people who prefer one candidate to another is that of Bradley-Terry.
        share_C: Shares of the population, shape (C,), sum 1.
        beta: Sharpness, >= 0.

    Returns:
        Probabilities, shape (P, N); they sum to 1 over the candidates.

    >>> certain = np.array([[[40.0, 0.0], [0.0, 40.0]]])
    >>> proportional(certain, np.array([0.7, 0.3])).round(3).tolist()
    [[0.7, 0.3]]
    """
    margin_P_N_N_C = reward_P_N_C[:, :, None] - reward_P_N_C[:, None, :]
    preferred_P_N_N = expit(margin_P_N_N_C) @ share_C
    itself_N = np.arange(reward_P_N_C.shape[1])
    preferred_P_N_N[:, itself_N, itself_N] = np.inf  # no candidate competes with itself
    least_P_N = preferred_P_N_N.min(axis=2)
    chance_P_N: FloatArray = softmax(np.log(least_P_N) + beta * least_P_N, axis=1)
    return chance_P_N


def _spread(value_X: FloatArray, axis: int | None = None) -> FloatArray:
    """Standard deviations with N - 1, as in TRL; the axis stays."""
    spread: FloatArray = value_X.std(axis=axis, ddof=1, keepdims=True)
    return spread
