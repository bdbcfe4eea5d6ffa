"""The convex heart: a weighted Bradley-Terry head, pulled towards a prior.

A pair with feature difference x = h(chosen) - h(rejected) and margin m = x . theta loses -log
sigmoid(m). The sum of the losses plus ridge / 2 * |theta - prior|^2 is strictly convex, so there is
one answer: it does not depend on the order of the pairs, on batches or on a seed. Two forms of the
same problem:

* *primal*, among D dimensions, where there are at least as many pairs: L-BFGS in coordinates made
  round by the D x D curvature, which is formed once for a whole path of ridges; each fit starts
  from the one before.
* *dual*, among N pairs, where there are fewer than D, as is usual for one community: theta = prior
  + X' a, and damped Newton steps that touch nothing but the N x N Gram matrix.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit

from pluralign.core import FloatArray, InvalidInput, NotEnoughData
from pluralign.rewards.features import DenseFeatures, PairFeatures, as_features, blocks
from pluralign.rewards.threads import one_blas_thread

# Bytes up to which features are kept as a matrix while heads are fitted.
_AT_HAND = 64 * 1024 * 1024
_MAX_STEPS = 200
_EXACT = 1e-14
_SHRINKS = 0.1  # of the promise before it, for which a factor of the curvature is kept
_NEARER = 1e-4


def fit_bradley_terry(
    difference_N_D: FloatArray | PairFeatures,
    ridge: float,
    prior_D: FloatArray | None = None,
    weight_N: FloatArray | None = None,
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

    Returns:
        theta, shape (D,), float64.

    Raises:
        NotEnoughData: If there are no pairs.
        InvalidInput: If the ridge is not positive, or a feature, weight or the prior is not a
            finite number.

    >>> fit_bradley_terry(np.array([[1.0], [1.0], [-1.0]]), ridge=1e-9).round(3).tolist()
    [0.693]
    """
    theta_D: FloatArray = fit_path(difference_N_D, [ridge], prior_D, weight_N)[0]
    return theta_D


def fit_path(
    difference_N_D: FloatArray | PairFeatures,
    ridges: Sequence[float],
    prior_D: FloatArray | None = None,
    weight_N: FloatArray | None = None,
    tolerance: float = _EXACT,
) -> FloatArray:
    """Fit the same pairs under several ridges, each fit starting from the one before.

    Args:
        difference_N_D: As in `fit_bradley_terry`.
        ridges: K ridges, each > 0, or none; fastest in falling order.
        prior_D: As in `fit_bradley_terry`.
        weight_N: As in `fit_bradley_terry`.
        tolerance: Stop when a step lessens the loss by less than this part of it.

    Returns:
        One head for each ridge, shape (K, D), float64.

    Raises:
        NotEnoughData: If there are no pairs.
        InvalidInput: If a ridge is not positive, or a feature, weight or the prior is not a finite
            number.
    """
    features = as_features(difference_N_D)
    pairs, dimensions = features.shape
    if pairs == 0:
        raise NotEnoughData("no pairs to fit a reward to")
    if not all(ridge > 0 and np.isfinite(ridge) for ridge in ridges):
        raise InvalidInput(f"each ridge must be a number > 0, got {list(ridges)}")
    weight_N = np.ones(pairs) if weight_N is None else np.asarray(weight_N, dtype=np.float64)
    prior_D = np.zeros(dimensions) if prior_D is None else np.asarray(prior_D, dtype=np.float64)
    if not _finite(features, weight_N, prior_D) or (weight_N < 0).any():
        raise InvalidInput("features and prior must be finite, weights finite and >= 0")
    counted = weight_N > 0
    if not counted.all():
        features, weight_N = features.take(counted), weight_N[counted]
    if not len(weight_N) or not ridges:
        return np.tile(prior_D, (len(ridges), 1))
    walk = _dual_path if len(weight_N) < dimensions else _primal_path
    # Many small products: threads that wait for each other cost more than they bring, the more the
    # busier the machine.
    with one_blas_thread():
        return walk(at_hand(features), ridges, prior_D, weight_N, tolerance)


def _finite(features: PairFeatures, *numbers: FloatArray) -> bool:
    read = (block for _, block in blocks(features))
    return all(np.isfinite(array).all() for array in chain(numbers, read))


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
    pull_D = theta_D - prior_D
    loss, slope_D = 0.5 * ridge * float(pull_D @ pull_D), ridge * pull_D
    for rows, stored in blocks(as_features(difference_N_D)):
        block = stored.astype(np.float64, copy=False)
        margin = block @ theta_D
        # `logaddexp(0, -m)` is -log sigmoid(m), without overflow.
        loss += float(weight_N[rows] @ np.logaddexp(0, -margin))
        slope_D = slope_D - (weight_N[rows] * expit(-margin)) @ block
    return loss, slope_D


def at_hand(features: PairFeatures) -> PairFeatures:
    """The features as a matrix where it is small; larger ones are computed at each reading."""
    pairs, dimensions = features.shape
    small = pairs * dimensions * np.float32().itemsize <= _AT_HAND
    return DenseFeatures(features.dense()) if small else features


def _primal_path(
    features: PairFeatures,
    ridges: Sequence[float],
    prior_D: FloatArray,
    weight_N: FloatArray,
    tolerance: float,
) -> FloatArray:
    """Quasi-Newton steps (L-BFGS), in coordinates that make the curvature at the prior round."""
    curvature_D_D = _curvature(features, weight_N, prior_D)
    theta_D = prior_D
    thetas = []
    for ridge in ridges:
        root_D_D = _root(curvature_D_D, ridge)
        start_D = theta_D

        # The defaults bind the values of this ridge, not those of the last one.
        def loss(
            z_D: FloatArray,
            ridge: float = ridge,
            root: FloatArray = root_D_D,
            start: FloatArray = start_D,
        ) -> Any:
            theta_D = start + solve_triangular(root, z_D, trans=1, lower=True, check_finite=False)
            value, slope_D = bradley_terry_loss(features, weight_N, ridge, prior_D, theta_D)
            return value, solve_triangular(root, slope_D, lower=True, check_finite=False)

        # Only the loss ends the search: a gradient in changed coordinates has no natural size.
        options = {"ftol": tolerance, "gtol": 0.0, "maxiter": _MAX_STEPS, "maxcor": 20}
        found = minimize(loss, np.zeros_like(start_D), jac=True, method="L-BFGS-B", options=options)
        theta_D = start_D + solve_triangular(
            root_D_D, found.x, trans=1, lower=True, check_finite=False
        )
        thetas.append(theta_D)
    return np.stack(thetas)


def _curvature(features: PairFeatures, weight_N: FloatArray, theta_D: FloatArray) -> FloatArray:
    """X' S X at a head, shape (D, D), in float32: it aims the steps, the gradient ends them."""
    curvature_D_D = np.zeros((len(theta_D), len(theta_D)), dtype=np.float32)
    for rows, stored in blocks(features):
        block = stored.astype(np.float32, copy=False)
        surprise = expit(-(block @ theta_D.astype(np.float32)))
        root = np.sqrt(weight_N[rows] * surprise * (1 - surprise)).astype(np.float32)
        scaled = block * root[:, None]
        curvature_D_D += scaled.T @ scaled
    return curvature_D_D.astype(np.float64)


def _root(curvature_D_D: FloatArray, ridge: float) -> FloatArray:
    """Lower Cholesky factor of curvature plus ridge; a little more keeps it positive."""
    full_D_D = curvature_D_D.copy()
    full_D_D[np.diag_indices_from(full_D_D)] += ridge + 1e-6 * np.trace(full_D_D) / len(full_D_D)
    root_D_D: FloatArray = cholesky(full_D_D, lower=True, overwrite_a=True, check_finite=False)
    return root_D_D


def _dual_path(
    features: PairFeatures,
    ridges: Sequence[float],
    prior_D: FloatArray,
    weight_N: FloatArray,
    tolerance: float,
) -> FloatArray:
    difference_N_D = features.dense().astype(np.float64, copy=False)
    gram_N_N = difference_N_D @ difference_N_D.T
    start_N = difference_N_D @ prior_D
    a_N: FloatArray = np.zeros(len(start_N))
    thetas = []
    for ridge in ridges:
        a_N = _dual_fit(gram_N_N, start_N, weight_N, ridge, a_N, tolerance)
        thetas.append(prior_D + a_N @ difference_N_D)
    return np.stack(thetas)


def _dual_fit(
    gram_N_N: FloatArray,
    start_N: FloatArray,
    weight_N: FloatArray,
    ridge: float,
    a_N: FloatArray,
    tolerance: float,
) -> FloatArray:
    """Kernel logistic regression by damped Newton steps on a, with theta = prior + X' a.

    A factor of the curvature is kept as long as steps shrink fast: a step then costs N^2, not N^3.
    """
    change_N: FloatArray = gram_N_N @ a_N
    loss, factor, last = _dual_loss(start_N, change_N, weight_N, ridge, a_N), None, np.inf
    for _ in range(_MAX_STEPS):
        surprise_N = expit(-(start_N + change_N))
        force_N = weight_N * surprise_N
        if factor is None:
            # A pair that is predicted with certainty has no curvature, and is divided by it below.
            root_N: FloatArray = np.sqrt(np.maximum(force_N * (1 - surprise_N), 1e-30))
            # Symmetric and positive, because both sides are scaled by root_N.
            system_N_N = root_N[:, None] * gram_N_N * root_N
            system_N_N[np.diag_indices_from(system_N_N)] += ridge
            factor = cho_factor(system_N_N, overwrite_a=True, check_finite=False)
        slope_N = force_N - ridge * a_N
        step_N = root_N * cho_solve(factor, slope_N / root_N, check_finite=False)
        step_change_N = gram_N_N @ step_N
        decrement = float(slope_N @ step_change_N)
        # Steps with a kept factor shrink by a part, not by squares: the end is not so near.
        if decrement <= _NEARER * tolerance * (1 + abs(loss)):
            break
        # Halved until the loss falls by a part of what the step promises (Armijo's rule): a full
        # Newton step may overshoot where margins are large.
        scale = 1.0
        while True:
            found = _dual_loss(
                start_N, change_N + scale * step_change_N, weight_N, ridge, a_N + scale * step_N
            )
            if found <= loss - 1e-4 * scale * decrement or scale < 1e-8:
                break
            scale /= 2
        a_N, change_N, loss = a_N + scale * step_N, change_N + scale * step_change_N, found
        if scale < 1 or decrement > _SHRINKS * last:
            factor = None
        last = decrement
    return a_N


def _dual_loss(
    start_N: FloatArray, change_N: FloatArray, weight_N: FloatArray, ridge: float, a_N: FloatArray
) -> float:
    return float(weight_N @ np.logaddexp(0, -(start_N + change_N)) + 0.5 * ridge * a_N @ change_N)
