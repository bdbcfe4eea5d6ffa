"""Best of n: the expected outcome of the choice, and known bounds of its price."""

import math

import numpy as np
from scipy.special import gammaln

from pluralign.core.arrays import FloatArray


def best_of_n(score_P_N: FloatArray, judged_P_N: FloatArray, n: int) -> FloatArray:
    """Expected value, by a judge, of the best of n candidates by a score.

    The n candidates are drawn without replacement from the N that were sampled; the expectation
    over all draws is exact. Equal scores are equally likely to be taken. With the score as the
    judge this is the expected maximum; with lengths as the score it is that of the longest.

    Args:
        score_P_N: Scores that choose, of N candidates for each of P prompts, shape (P, N).
        judged_P_N: Values of the same candidates by the judge, shape (P, N).
        n: Number of candidates to choose from, 1 <= n <= N.

    Returns:
        Expected values, shape (P,).

    Raises:
        ValueError: If the shapes differ, a score is not a number, or n lies outside its range.

    >>> import numpy as np
    >>> score = np.array([[1.0, 2.0, 3.0]])
    >>> best_of_n(score, score, 1), best_of_n(score, score, 2).round(3), best_of_n(score, score, 3)
    (array([2.]), array([2.667]), array([3.]))
    """
    if score_P_N.ndim != 2 or score_P_N.shape != judged_P_N.shape:
        raise ValueError(f"shapes must be equal, got {score_P_N.shape} and {judged_P_N.shape}")
    if not 1 <= n <= score_P_N.shape[1]:
        raise ValueError(f"n must be from 1 to {score_P_N.shape[1]}, got {n}")
    if not np.isfinite(score_P_N).all():
        raise ValueError("scores must be finite")
    chance_P_N = best_of_n_chances(score_P_N, n)
    expected_P: FloatArray = (chance_P_N * judged_P_N).sum(axis=1)
    return expected_P


def best_of_n_divergence(n: int) -> float:
    """Bound on the Kullback-Leibler divergence of best-of-n from the sampled policy, in nats.

    It is log(n) - (n - 1) / n, and is reached where no two candidates have equal scores (Beirami et
    al. 2024, arXiv 2401.01879).

    >>> [round(best_of_n_divergence(n), 3) for n in (1, 2, 4, 16)]
    [0.0, 0.193, 0.636, 1.835]
    """
    return math.log(n) - (n - 1) / n


def best_of_n_win_rate(n: int) -> float:
    """Bound on the share of wins of best-of-n against one sample: n / (n + 1).

    >>> [round(best_of_n_win_rate(n), 3) for n in (1, 2, 4, 16)]
    [0.5, 0.667, 0.8, 0.941]
    """
    return n / (n + 1)


def best_of_n_chances(score_X_N: FloatArray, n: int) -> FloatArray:
    """Probability that each candidate is the best of n that are drawn without replacement.

    The best lies among the k lowest with probability C(k, n) / C(N, n). Equal scores are equally
    likely to be taken.

    Args:
        score_X_N: Finite scores of N candidates, shape (N,), or of several prompts, (P, N).
        n: Number of candidates that are drawn, 1 <= n <= N.

    Returns:
        Probabilities that sum to 1 over the candidates, of the same shape.

    >>> import numpy as np
    >>> best_of_n_chances(np.array([1.0, 2.0, 3.0]), 2).round(3)
    array([0.   , 0.333, 0.667])
    """
    size = score_X_N.shape[-1]
    within_K = np.array([_share_of_draws(k, n, size) for k in range(size + 1)])
    others_X_N_N, own_X_N_1 = score_X_N[..., None, :], score_X_N[..., None]
    upto_X_N = (others_X_N_N <= own_X_N_1).sum(axis=-1)
    below_X_N = (others_X_N_N < own_X_N_1).sum(axis=-1)
    chance_X_N: FloatArray = (within_K[upto_X_N] - within_K[below_X_N]) / (upto_X_N - below_X_N)
    return chance_X_N


def _share_of_draws(k: int, n: int, total: int) -> float:
    """C(k, n) / C(total, n), without large numbers."""
    if k < n:
        return 0.0
    log_share = gammaln(k + 1) - gammaln(k - n + 1) - gammaln(total + 1) + gammaln(total - n + 1)
    return float(np.exp(log_share))
