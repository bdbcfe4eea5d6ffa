"""Heads without one person each, all from one factorisation of the curvature.

At a head theta that minimises ``sum(weight * -log sigmoid(x . theta)) + ridge / 2 * |theta -
prior|^2``, a step of Newton's method on the same problem without the pairs of person r is

    theta_r - theta = (H - X_r' S_r X_r)^-1 g_r,

with H the curvature of the whole problem, g_r the slope of the loss of the pairs of r, and S_r the
weights of these pairs in the curvature. H is factorised once; each person costs a system of the
size of their own pairs (Woodbury). Where the prior itself moves without person r, as a reference
that learned from them does, ``ridge * (prior_r - prior)`` is added to g_r. It is the one-step
diagnostic of Pregibon 1981, for a person in place of a row; the influence function of Koh and Liang
2017 is the step with H alone.
"""

from itertools import pairwise

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from pluralign.core import FloatArray, IntArray
from pluralign.rewards.features import PairFeatures, as_features, chunks, products
from pluralign.rewards.threads import one_blas_thread


def heads_without(
    difference_N_D: FloatArray | PairFeatures,
    theta_D: FloatArray,
    ridge: float,
    unit_N: IntArray,
    weight_N: FloatArray | None = None,
    prior_step_U_D: FloatArray | None = None,
) -> FloatArray:
    """The changes of a head if each unit, such as a person, had not been there, by a Newton step.

    Args:
        difference_N_D: Features of chosen minus features of rejected, shape (N, D).
        theta_D: The head that `fit_bradley_terry` found on these pairs, shape (D,).
        ridge: The ridge that it was found with, > 0.
        unit_N: Number of the unit of each pair, from 0 to U - 1, or -1 where it has none, shape
            (N,).
        weight_N: Weight of each pair, shape (N,); 1 where None.
        prior_step_U_D: The prior without each unit minus the prior, shape (U, D), which may have
            units without pairs at its end; 0 where None.

    Returns:
        The head without each unit minus the head, shape (U, D); 0 for a unit without pairs whose
        prior stays.

    >>> from pluralign.rewards import fit_bradley_terry
    >>> pairs = np.array([[1.0, 0.2], [0.4, -1.0], [-0.3, 0.5], [0.9, 0.1]])
    >>> theta_D = fit_bradley_terry(pairs, ridge=1.0)
    >>> step_D = heads_without(pairs, theta_D, 1.0, np.array([0, 0, 0, 1]))[1]
    >>> exact_D = fit_bradley_terry(pairs[:3], ridge=1.0) - theta_D
    >>> bool(np.abs(step_D - exact_D).max() < 0.02)
    True
    """
    features = as_features(difference_N_D)
    weight_N = np.ones(features.shape[0]) if weight_N is None else weight_N
    surprise_N = expit(-products(features, theta_D))
    slope_N, bend_N = weight_N * surprise_N, weight_N * surprise_N * (1 - surprise_N)
    units = int(unit_N.max()) + 1 if prior_step_U_D is None else len(prior_step_U_D)
    step_U_D = np.zeros((units, len(theta_D)))
    with one_blas_thread():
        factor = cho_factor(_curvature(features, bend_N, ridge), check_finite=False)
        if prior_step_U_D is not None:
            step_U_D = cho_solve(factor, ridge * prior_step_U_D.T, check_finite=False).T
        for unit, rows in enumerate(_rows_of(unit_N, units)):
            if len(rows):
                own_n_D = features.take(rows).dense().astype(np.float64)
                solved_D_n = cho_solve(factor, own_n_D.T, check_finite=False)
                moved_n = bend_N[rows] * (own_n_D @ step_U_D[unit]) - slope_N[rows]
                step_U_D[unit] += solved_D_n @ _shares(own_n_D @ solved_D_n, moved_n, bend_N[rows])
    return step_U_D


def _shares(inner_n_n: FloatArray, moved_n: FloatArray, bend_n: FloatArray) -> FloatArray:
    """How much of the solved features of each pair is in the step, shape (n,).

    ``(H - X' S X)^-1 (v - X' a) = H^-1 v + H^-1 X' (1 - S X H^-1 X')^-1 (S X H^-1 v - a)``, with a
    the slopes and v the pull of the prior.
    """
    shares_n: FloatArray = np.linalg.solve(
        np.eye(len(moved_n)) - bend_n[:, None] * inner_n_n, moved_n
    )
    return shares_n


def _curvature(features: PairFeatures, bend_N: FloatArray, ridge: float) -> FloatArray:
    """X' S X + ridge, shape (D, D)."""
    curvature_D_D = ridge * np.eye(features.shape[1])
    for rows, stored in chunks(features):
        chunk = stored.astype(np.float64, copy=False)
        curvature_D_D += chunk.T @ (bend_N[rows, None] * chunk)
    return curvature_D_D


def _rows_of(unit_N: IntArray, units: int) -> list[IntArray]:
    """The pairs of each unit."""
    order_N = np.argsort(unit_N, kind="stable")
    starts = np.searchsorted(unit_N[order_N], np.arange(units + 1))
    return [order_N[start:end] for start, end in pairwise(starts.tolist())]
