"""The convex heart: a weighted Bradley-Terry head, pulled towards a prior.

A pair with feature difference x = h(chosen) - h(rejected) and margin m = x . theta loses -log
sigmoid(m). The sum of the losses plus ridge / 2 * |theta - prior|^2 is strictly convex, so there is
one answer: it does not depend on the order of the pairs, on batches or on a seed. Two forms of the
same problem:

* *primal*, among D dimensions, where there are at least as many pairs: L-BFGS in coordinates made
  round by the D x D curvature, which is formed once for a whole path of ridges; each fit starts
  from the one before. It reads the pairs only by sums over blocks (`block_sums`), which workers may
  compute: the steps are taken here, and every sum has the same bits wherever it was computed.
* *dual*, among N pairs, where there are fewer than D, as is usual for one community (`dual_fit`).
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

from pluralign.core import FloatArray, InvalidInput, NotEnoughData
from pluralign.rewards.block_sums import Total, curvature, losses, total_of
from pluralign.rewards.choices import Choices, joined
from pluralign.rewards.dual_fit import dual_paths
from pluralign.rewards.features import PairFeatures, TableFeatures, as_features
from pluralign.rewards.spread_sums import spread_total
from pluralign.rewards.threads import one_blas_thread

_MAX_STEPS = 200
_EXACT = 1e-14
_NUMBERS = (
    "features and prior must be finite, also in single precision, and weights finite and >= 0"
)
_POSITIVE = 1e-6  # of its trace: more than rounding takes from a curvature of single precision


def fit_bradley_terry(
    difference_N_D: FloatArray | PairFeatures,
    ridge: float,
    prior_D: FloatArray | None = None,
    weight_N: FloatArray | None = None,
    pool: Executor | None = None,
) -> FloatArray:
    """Fit a linear reward to pairs.

    Minimises ``sum(weight * -log sigmoid(x . theta)) + ridge / 2 * |theta - prior|^2``.

    Args:
        difference_N_D: Features of chosen minus features of rejected, shape (N, D): a matrix, or
            features that are computed when they are read.
        ridge: Pull towards the prior, > 0. It is in units of pairs: the sum is not divided by N, so
            more pairs outweigh the prior.
        prior_D: Where the head is pulled to, shape (D,); zero where None.
        weight_N: How much each pair counts, >= 0, shape (N,); 1 where None.
        pool: As in `fit_path`.

    Returns:
        theta, shape (D,), float64.

    Raises:
        NotEnoughData: If there are no pairs.
        InvalidInput: If the ridge is not positive, or a feature, weight or the prior is not a
            finite number.

    >>> fit_bradley_terry(np.array([[1.0], [1.0], [-1.0]]), ridge=1e-9).round(3).tolist()
    [0.693]
    """
    theta_D: FloatArray = fit_path(difference_N_D, [ridge], prior_D, weight_N, pool=pool)[0]
    return theta_D


def fit_path(
    difference_N_D: FloatArray | PairFeatures,
    ridges: Sequence[float],
    prior_D: FloatArray | None = None,
    weight_N: FloatArray | None = None,
    tolerance: float = _EXACT,
    pool: Executor | None = None,
) -> FloatArray:
    """Fit the same pairs under several ridges, each fit starting from the one before.

    Args:
        difference_N_D: As in `fit_bradley_terry`.
        ridges: K ridges, each > 0, or none; fastest in falling order.
        prior_D: As in `fit_bradley_terry`; of shape (K, D) where each ridge has a prior of its own.
        weight_N: As in `fit_bradley_terry`.
        tolerance: Stop when a step lessens the loss by less than this part of it.
        pool: Workers that compute sums over pairs, where features from a table of vectors take more
            than 64 MB; None: all is computed here. The head has the same bits either way. See
            `pluralign.rewards.spread_sums`.

    Returns:
        One head for each ridge, shape (K, D), float64.

    Raises:
        NotEnoughData: If there are no pairs.
        InvalidInput: If a ridge is not positive, or a feature, weight or the prior is not a finite
            number.
    """
    features = as_features(difference_N_D)
    prior_D = np.zeros(features.shape[1]) if prior_D is None else np.asarray(prior_D)
    prior_P_D = prior_D[..., None, :]
    head_K_1_D = fit_paths(features, ridges, prior_P_D, weight_N, tolerance, pool)
    head_K_D: FloatArray = head_K_1_D[:, 0]
    return head_K_D


def fit_paths(
    difference_N_D: FloatArray | PairFeatures,
    ridges: Sequence[float],
    prior_P_D: FloatArray,
    weight_N: FloatArray | None = None,
    tolerance: float = _EXACT,
    pool: Executor | None = None,
) -> FloatArray:
    """Fit the same pairs under several ridges and towards several priors.

    All priors share the products of features and the factors of the curvature, so that five priors
    take less than twice the time of one.

    Args:
        difference_N_D: As in `fit_path`.
        ridges: As in `fit_path`.
        prior_P_D: P priors, shape (P, D); or P of its own for each ridge, shape (K, P, D).
        weight_N: As in `fit_path`.
        tolerance: As in `fit_path`.
        pool: As in `fit_path`.

    Returns:
        One head for each ridge and prior, shape (K, P, D), float64.

    Raises:
        NotEnoughData: As `fit_path` does.
        InvalidInput: As `fit_path` does.

    >>> pairs = np.array([[1.0], [1.0], [-1.0]])
    >>> fit_paths(pairs, [1.0], np.array([[0.0], [1.0]])).round(3).tolist()
    [[[0.287], [0.88]]]
    """
    features = as_features(difference_N_D)
    pairs, dimensions = features.shape
    if pairs == 0:
        raise NotEnoughData("no pairs to fit a reward to")
    if not all(ridge > 0 and np.isfinite(ridge) for ridge in ridges):
        raise InvalidInput(f"each ridge must be a number > 0, got {list(ridges)}")
    weight_N = np.ones(pairs) if weight_N is None else np.asarray(weight_N, dtype=np.float64)
    prior_P_D = np.asarray(prior_P_D, dtype=np.float64)
    if not (np.isfinite(prior_P_D).all() and np.isfinite(weight_N).all() and (weight_N >= 0).all()):
        raise InvalidInput(_NUMBERS)
    counted = weight_N > 0
    if not counted.all():
        features, weight_N = features.take(counted), weight_N[counted]
    prior_K_P_D = np.broadcast_to(prior_P_D, (len(ridges), *prior_P_D.shape[-2:]))
    if not len(weight_N) or not prior_K_P_D.size:
        return prior_K_P_D.copy()
    choices = joined(features, weight_N)
    # Many small products: threads that wait for each other cost more than they bring, the more the
    # busier the machine.
    with one_blas_thread():
        if len(choices.weight_N) < dimensions:
            difference_N_D = choices.features.dense().astype(np.float64, copy=False)
            _check_finite(difference_N_D)
            return dual_paths(choices, difference_N_D, ridges, prior_K_P_D, tolerance)
        if pool is not None and isinstance(choices.features, TableFeatures):
            with spread_total(choices, pool) as total:
                return _primal_paths(total, ridges, prior_K_P_D, tolerance)
        return _primal_paths(partial(total_of, choices), ridges, prior_K_P_D, tolerance)


def bradley_terry_loss(
    difference_N_D: FloatArray | PairFeatures,
    weight_N: FloatArray,
    ridge: float,
    prior_D: FloatArray,
    theta_D: FloatArray,
) -> tuple[float, FloatArray]:
    """The objective of `fit_bradley_terry` and its gradient.

    Returns:
        The loss, and its gradient, shape (D,).

    >>> bradley_terry_loss(np.array([[1.0]]), np.ones(1), 2.0, np.zeros(1), np.zeros(1))
    (0.6931471805599453, array([-0.5]))
    """
    choices = Choices(as_features(difference_N_D), weight_N, np.zeros_like(weight_N))
    loss, slope_1_D = _objective(partial(total_of, choices), ridge, prior_D[None], theta_D[None])
    slope_D: FloatArray = slope_1_D[0]
    return loss, slope_D


def _objective(
    total: Total, ridge: float, prior_P_D: FloatArray, theta_P_D: FloatArray
) -> tuple[float, FloatArray]:
    """The sum of the objectives of P heads, each with its prior, and its gradient, shape (P, D)."""
    pull_P_D = theta_P_D - prior_P_D
    loss_P, slope_PD = np.split(total(losses, theta_P_D), [len(theta_P_D)])
    loss = float(loss_P.sum()) + 0.5 * ridge * float((pull_P_D**2).sum())
    return loss, ridge * pull_P_D + slope_PD.reshape(theta_P_D.shape)


def _primal_paths(
    total: Total, ridges: Sequence[float], prior_K_P_D: FloatArray, tolerance: float
) -> FloatArray:
    """Quasi-Newton steps (L-BFGS), in coordinates that make the curvature at the priors round.

    The losses under all priors are one sum to minimise: each step reads the features once for all.
    """
    priors_D = np.unique(prior_K_P_D.reshape(-1, prior_K_P_D.shape[-1]), axis=0)
    curvature_D_D = total(curvature, priors_D)
    _check_finite(curvature_D_D)  # as features are checked: it saves a reading of all of them
    theta_P_D = prior_K_P_D[0]
    thetas = []
    for ridge, prior_P_D in zip(ridges, prior_K_P_D, strict=True):
        root_D_D = _root(curvature_D_D, ridge)
        start_P_D = theta_P_D

        # The defaults bind the values of this ridge, not those of the last one.
        def loss(
            z: FloatArray,
            ridge: float = ridge,
            prior_P_D: FloatArray = prior_P_D,
            root: FloatArray = root_D_D,
            start: FloatArray = start_P_D,
        ) -> Any:
            theta_P_D = start + _unrounded(root, z.reshape(start.shape))
            value, slope_P_D = _objective(total, ridge, prior_P_D, theta_P_D)
            slope_D_P = solve_triangular(root, slope_P_D.T, lower=True, check_finite=False)
            return value, slope_D_P.T.ravel()

        # Only the loss ends the search: a gradient in changed coordinates has no natural size.
        exact = tolerance / len(prior_P_D)  # of the sum, as of each of its parts
        options = {"ftol": exact, "gtol": 0.0, "maxiter": _MAX_STEPS, "maxcor": 20}
        found = minimize(
            loss, np.zeros(start_P_D.size), jac=True, method="L-BFGS-B", options=options
        )
        theta_P_D = start_P_D + _unrounded(root_D_D, found.x.reshape(start_P_D.shape))
        thetas.append(theta_P_D)
    return np.stack(thetas)


def _unrounded(root_D_D: FloatArray, z_P_D: FloatArray) -> FloatArray:
    """Steps in the features' own coordinates, from steps in those that are round."""
    step_D_P = solve_triangular(root_D_D, z_P_D.T, trans=1, lower=True, check_finite=False)
    return np.ascontiguousarray(step_D_P.T)


def _root(curvature_D_D: FloatArray, ridge: float) -> FloatArray:
    """Lower Cholesky factor of curvature plus ridge; a little more keeps it positive."""
    full_D_D = curvature_D_D.copy(order="F")
    full_D_D[np.diag_indices_from(full_D_D)] += ridge + _POSITIVE * np.trace(full_D_D)
    root_D_D = cholesky(full_D_D, lower=True, overwrite_a=True, check_finite=False)
    # Steps are exact in the coordinates that it makes, so that the loss stays smooth.
    exact_D_D: FloatArray = root_D_D.astype(np.float64)
    return exact_D_D


def _check_finite(numbers: FloatArray) -> None:
    if not np.isfinite(numbers).all():
        raise InvalidInput(_NUMBERS)
