"""Shares of a few models for one community: how much of each it gets."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from pluralign.core import FloatArray
from pluralign.rewards import LossKind, one_blas_thread, report_losses, report_slopes

# A share of 0 has no logarithm; the prior needs one for a model that nobody uses.
_LEAST_SHARE = 1e-6


def pulled_shares(
    margin_n_K: FloatArray,
    weight_n: FloatArray,
    flip_n: FloatArray,
    kind: LossKind,
    usual_K: FloatArray,
    pull: float,
) -> FloatArray:
    """The shares that explain a community's choices best, drawn towards the usual ones.

    They minimise ``sum weight * loss - pull * sum over k of usual_k * log share_k``.

    Args:
        margin_n_K: Margins of its n pairs under each of K models, in logits, shape (n, K).
        weight_n: Weights of the pairs, >= 0, shape (n,).
        flip_n: Probability that each choice was reported as its opposite, shape (n,).
        kind: The loss of choices that were reported by randomised response.
        usual_K: Shares that it is drawn towards, shape (K,).
        pull: How strongly, >= 0, in pairs.

    Returns:
        Shares >= 0 that sum to 1, shape (K,); the usual ones without pairs.

    >>> one_is_right = np.array([[3.0, -3.0]] * 20)
    >>> known, usual = np.zeros(20), np.array([0.5, 0.5])
    >>> pulled_shares(one_is_right, np.ones(20), known, "plain", usual, pull=1.0).round(2).tolist()
    [0.94, 0.06]
    """
    usual_K = np.maximum(usual_K, _LEAST_SHARE)
    usual_K = usual_K / usual_K.sum()
    if not len(margin_n_K) or len(usual_K) == 1:
        return usual_K

    def loss(logit_K: FloatArray) -> tuple[float, FloatArray]:
        share_K = softmax(logit_K)
        margin_n = margin_n_K @ share_K
        value = float(weight_n @ report_losses(margin_n, flip_n, kind))
        slope_K = (weight_n * report_slopes(margin_n, flip_n, kind)) @ margin_n_K
        value -= pull * float(usual_K @ np.log(np.maximum(share_K, 1e-300)))
        return value, share_K * (slope_K - slope_K @ share_K) + pull * (share_K - usual_K)

    with one_blas_thread():
        found = minimize(loss, np.log(usual_K), jac=True, method="L-BFGS-B")
    shares: FloatArray = softmax(found.x)
    return shares
