"""Rewards of several communities as one value for each candidate."""

from collections.abc import Hashable, Sequence

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
        reward_P_N_C: Rewards in logits, shape (P, N, C); nan for a candidate without rewards.
        weight_C: Weights of the communities, >= 0, shape (C,); default 1 each.

    Returns:
        Advantages, shape (P, N); nan for a candidate without rewards.

    >>> wide = np.array([[[90.0, 0.0], [0.0, 2.0], [0.0, 1.0]]])
    >>> normalise_then_sum(wide).round(2).tolist()  # the wide margin counts no more than the other
    [[0.3, 0.82, -1.12]]
    """
    weight_C = np.ones(reward_P_N_C.shape[2]) if weight_C is None else weight_C
    standard_P_N_C = _standardised(reward_P_N_C, axis=1)
    summed_P_N = standard_P_N_C @ weight_C
    return _standardised(summed_P_N)


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


def proportional_in_groups(
    group_N: Sequence[Hashable], reward_N_C: FloatArray, share_C: FloatArray, beta: float = 0.0
) -> FloatArray:
    """The probabilities of `proportional` among the answers to each prompt, in any order.

    Args:
        group_N: The prompt of each answer, N of them.
        reward_N_C: Rewards in logits, shape (N, C); nan for an answer without rewards, which does
            not compete.
        share_C: Shares of the population, shape (C,), sum 1.
        beta: Sharpness, >= 0.

    Returns:
        Probabilities, shape (N,): 1 for the only answer to a prompt, nan without rewards.

    >>> certain = np.array([[40.0], [0.0], [np.nan], [1.0]])
    >>> proportional_in_groups(["a", "a", "a", "b"], certain, np.array([1.0])).round(3).tolist()
    [1.0, 0.0, nan, 1.0]
    """
    rows_of: dict[Hashable, list[int]] = {}
    for row in np.flatnonzero(np.isfinite(reward_N_C).all(axis=1)).tolist():
        rows_of.setdefault(group_N[row], []).append(row)
    chance_N = np.full(len(reward_N_C), np.nan)
    for rows in rows_of.values():
        alone = len(rows) == 1
        chance_N[rows] = 1.0 if alone else proportional(reward_N_C[rows][None], share_C, beta)[0]
    return chance_N


def _standardised(value_X: FloatArray, axis: int | None = None) -> FloatArray:
    """Values less their mean, in standard deviations with N - 1 as in TRL; nan stays nan."""
    known_X = np.ma.masked_invalid(value_X)
    mean_X = known_X.mean(axis=axis, keepdims=True)
    spread_X = known_X.std(axis=axis, ddof=1, keepdims=True)
    standard_X: FloatArray = ((known_X - mean_X) / (spread_X + _SMALL)).filled(np.nan)
    return standard_X
