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
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.linalg.blas import ssyrk
from scipy.optimize import minimize
from scipy.special import expit

from pluralign.core import FloatArray, InvalidInput, NotEnoughData
from pluralign.rewards.distinct_pairs import comparisons
from pluralign.rewards.features import (
    DenseFeatures,
    PairFeatures,
    TableFeatures,
    as_features,
    blocks,
)
from pluralign.rewards.threads import one_blas_thread

# Bytes up to which features are kept as a matrix while heads are fitted.
_AT_HAND = 64 * 1024 * 1024
_MAX_STEPS = 200
_EXACT = 1e-14
_SHRINKS = 0.3  # of the promise before it, for which a factor of the curvature is kept
_NEARER = 1e-4
_NUMBERS = "features and prior must be finite, weights finite and >= 0"
_POSITIVE = 1e-6  # of its trace: more than rounding takes from a curvature of single precision
_ROUNDED = 1e-13  # of a loss, which rounding may add to it


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
        prior_D: As in `fit_bradley_terry`; of shape (K, D) where each ridge has a prior of its own.
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
    prior_D = np.zeros(features.shape[1]) if prior_D is None else np.asarray(prior_D)
    prior_P_D = prior_D[..., None, :]
    head_K_D: FloatArray = fit_paths(features, ridges, prior_P_D, weight_N, tolerance)[:, 0]
    return head_K_D


def fit_paths(
    difference_N_D: FloatArray | PairFeatures,
    ridges: Sequence[float],
    prior_P_D: FloatArray,
    weight_N: FloatArray | None = None,
    tolerance: float = _EXACT,
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
    choices = _joined(features, weight_N)
    # Not before, because these are fewer features, and mostly at hand.
    if not all(np.isfinite(block).all() for _, block in blocks(choices.features)):
        raise InvalidInput(_NUMBERS)
    walk = _dual_paths if len(choices.weight_N) < dimensions else _primal_paths
    # Many small products: threads that wait for each other cost more than they bring, the more the
    # busier the machine.
    with one_blas_thread():
        return walk(choices, ridges, prior_K_P_D, tolerance)


class _Choices(NamedTuple):
    """Choices between the two responses of each pair.

    Because l(-z) = l(z) + z, with l(z) = -log sigmoid(z), the loss of a pair with margin z is
    ``weight * l(z) + against * z``.
    """

    features: PairFeatures
    weight_N: FloatArray  # of all choices of the pair
    against_N: FloatArray  # of those that the other response won


def _joined(features: PairFeatures, weight_N: FloatArray) -> _Choices:
    """Each comparison once, where pairs are so much alike that it saves half of the work or more.

    In a survey that many communities answered, a comparison occurs once for each of them.
    """
    if isinstance(features, TableFeatures):
        first_M, number_N, turned_N = comparisons(features)
        if 2 * len(first_M) <= len(weight_N):
            against_N = np.where(turned_N == turned_N[first_M][number_N], 0.0, weight_N)
            weight_M = np.bincount(number_N, weight_N).astype(np.float64)
            against_M = np.bincount(number_N, against_N).astype(np.float64)
            return _Choices(at_hand(features.take(first_M)), weight_M, against_M)
    return _Choices(at_hand(features), weight_N, np.zeros_like(weight_N))


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
    choices = _Choices(as_features(difference_N_D), weight_N, np.zeros_like(weight_N))
    loss, slope_1_D = _losses(choices, ridge, prior_D[None], theta_D[None])
    slope_D: FloatArray = slope_1_D[0]
    return loss, slope_D


def _losses(
    choices: _Choices, ridge: float, prior_P_D: FloatArray, theta_P_D: FloatArray
) -> tuple[float, FloatArray]:
    """The sum of the objectives of P heads, each with its prior, and its gradient, shape (P, D)."""
    pull_P_D = theta_P_D - prior_P_D
    loss, slope_P_D = 0.5 * ridge * float((pull_P_D**2).sum()), ridge * pull_P_D
    for rows, stored in blocks(choices.features):
        block = stored.astype(np.float64, copy=False)
        weight_n, against_n = choices.weight_N[rows], choices.against_N[rows]
        # One head after the other: a product with a few columns at once is slower.
        margin_P_n = np.stack([block @ theta_D for theta_D in theta_P_D])
        # `logaddexp(0, -m)` is -log sigmoid(m), without overflow.
        loss += float((np.logaddexp(0, -margin_P_n) @ weight_n + margin_P_n @ against_n).sum())
        force_P_n = weight_n * expit(-margin_P_n) - against_n
        slope_P_D = slope_P_D - np.stack([force_n @ block for force_n in force_P_n])
    return loss, slope_P_D


def at_hand(features: PairFeatures) -> PairFeatures:
    """The features as a matrix where it is small; larger ones are computed at each reading."""
    pairs, dimensions = features.shape
    small = pairs * dimensions * np.float32().itemsize <= _AT_HAND
    return DenseFeatures(features.dense()) if small else features


def _primal_paths(
    choices: _Choices, ridges: Sequence[float], prior_K_P_D: FloatArray, tolerance: float
) -> FloatArray:
    """Quasi-Newton steps (L-BFGS), in coordinates that make the curvature at the priors round.

    The losses under all priors are one sum to minimise: each step reads the features once for all.
    """
    priors_D = np.unique(prior_K_P_D.reshape(-1, prior_K_P_D.shape[-1]), axis=0)
    curvature_D_D = _curvature(choices, priors_D)
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
            value, slope_P_D = _losses(choices, ridge, prior_P_D, theta_P_D)
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


def _curvature(choices: _Choices, theta_P_D: FloatArray) -> FloatArray:
    """Mean of X' S X over heads, shape (D, D), its lower triangle alone.

    It aims the steps, the gradient ends them: float32 suffices, also for its factor.
    """
    dimensions = theta_P_D.shape[1]
    curvature_D_D = np.zeros((dimensions, dimensions), dtype=np.float32, order="F")
    for rows, stored in blocks(choices.features):
        block = stored.astype(np.float32, copy=False)
        surprise = expit(-(block @ theta_P_D.T.astype(np.float32)))
        bend = choices.weight_N[rows] * (surprise * (1 - surprise)).mean(axis=1)
        scaled = block * np.sqrt(bend).astype(np.float32)[:, None]
        # Half of the work of a product of two matrices, and nothing is copied.
        curvature_D_D = ssyrk(1, scaled.T, beta=1, c=curvature_D_D, overwrite_c=True, lower=True)
    return curvature_D_D


def _root(curvature_D_D: FloatArray, ridge: float) -> FloatArray:
    """Lower Cholesky factor of curvature plus ridge; a little more keeps it positive."""
    full_D_D = curvature_D_D.copy(order="F")
    full_D_D[np.diag_indices_from(full_D_D)] += ridge + _POSITIVE * np.trace(full_D_D)
    root_D_D = cholesky(full_D_D, lower=True, overwrite_a=True, check_finite=False)
    # Steps are exact in the coordinates that it makes, so that the loss stays smooth.
    exact_D_D: FloatArray = root_D_D.astype(np.float64)
    return exact_D_D


class _Dual(NamedTuple):
    """The dual problem of N pairs under one ridge, towards P priors: theta = prior + X' a."""

    gram_N_N: FloatArray
    start_N_P: FloatArray  # margins under the priors
    choices: _Choices
    ridge: float

    def at(self, a_N_P: FloatArray, change_N_P: FloatArray | None = None) -> "_DualPoint":
        """A point of the search, with its losses."""
        change_N_P = self.gram_N_N @ a_N_P if change_N_P is None else change_N_P
        margin_N_P = self.start_N_P + change_N_P
        pull_P = 0.5 * self.ridge * (a_N_P * change_N_P).sum(axis=0)
        loss_P: FloatArray = (
            self.choices.weight_N @ np.logaddexp(0, -margin_N_P)
            + self.choices.against_N @ margin_N_P
            + pull_P
        )
        return _DualPoint(a_N_P, change_N_P, loss_P)

    def factor(self, surprise_N_P: FloatArray) -> tuple[FloatArray, Any]:
        """Roots of the curvature of each pair, and a factor of the curvature scaled by them."""
        bend_N = self.choices.weight_N * (surprise_N_P * (1 - surprise_N_P)).mean(axis=1)
        # A pair that is predicted with certainty has no curvature, and is divided by it below.
        root_N_1 = np.sqrt(np.maximum(bend_N, 1e-30))[:, None]
        # Symmetric and positive, because both sides are scaled by the root.
        system_N_N = root_N_1 * self.gram_N_N
        system_N_N *= root_N_1.T
        system_N_N[np.diag_indices_from(system_N_N)] += self.ridge
        return root_N_1, cho_factor(system_N_N, overwrite_a=True, check_finite=False)

    def after(
        self,
        now: "_DualPoint",
        step_N_P: FloatArray,
        step_change_N_P: FloatArray,
        decrement_P: FloatArray,
    ) -> tuple["_DualPoint", FloatArray]:
        """The point after a step, which is halved until each loss falls; and the parts taken.

        A loss must fall by a part of what the step promises (Armijo's rule): a full Newton step may
        overshoot where margins are large. Near the end a loss rounds off more than it falls.
        """
        scale_P = np.ones(len(now.loss_P))
        while True:
            found = self.at(
                now.a_N_P + scale_P * step_N_P, now.change_N_P + scale_P * step_change_N_P
            )
            rounding_P = _ROUNDED * (1 + abs(now.loss_P))
            falls_P = found.loss_P <= now.loss_P - 1e-4 * scale_P * decrement_P + rounding_P
            if falls_P.all() or scale_P.min() < 1e-8:
                return found, scale_P
            scale_P[~falls_P] /= 2


class _DualPoint(NamedTuple):
    """A point of the search for P heads: a, its change of the margins, and the losses."""

    a_N_P: FloatArray
    change_N_P: FloatArray
    loss_P: FloatArray


def _dual_paths(
    choices: _Choices, ridges: Sequence[float], prior_K_P_D: FloatArray, tolerance: float
) -> FloatArray:
    difference_N_D = choices.features.dense().astype(np.float64, copy=False)
    gram_N_N = difference_N_D @ difference_N_D.T
    a_N_P: FloatArray = np.zeros((len(difference_N_D), prior_K_P_D.shape[1]))
    thetas = []
    for ridge, prior_P_D in zip(ridges, prior_K_P_D, strict=True):
        start_N_P = difference_N_D @ prior_P_D.T
        a_N_P = _dual_fit(_Dual(gram_N_N, start_N_P, choices, ridge), a_N_P, tolerance)
        thetas.append(prior_P_D + a_N_P.T @ difference_N_D)
    return np.stack(thetas)


def _dual_fit(dual: _Dual, a_N_P: FloatArray, tolerance: float) -> FloatArray:
    """Kernel logistic regression by damped Newton steps on a.

    One factor of the curvature, in the mean over priors, serves all priors as long as their steps
    shrink fast: a step then costs N^2, not N^3.
    """
    weight_N_1, against_N_1 = dual.choices.weight_N[:, None], dual.choices.against_N[:, None]
    now = dual.at(a_N_P)
    factored, last_P = None, np.full(len(now.loss_P), np.inf)
    for _ in range(_MAX_STEPS):
        surprise_N_P = expit(-(dual.start_N_P + now.change_N_P))
        root_N_1, factor = factored = factored or dual.factor(surprise_N_P)
        slope_N_P = weight_N_1 * surprise_N_P - against_N_1 - dual.ridge * now.a_N_P
        step_N_P = root_N_1 * cho_solve(factor, slope_N_P / root_N_1, check_finite=False)
        step_change_N_P = dual.gram_N_N @ step_N_P
        decrement_P = (slope_N_P * step_change_N_P).sum(axis=0)
        # Steps with a kept factor shrink by a part, not by squares: the end is not so near.
        open_P = decrement_P > _NEARER * tolerance * (1 + abs(now.loss_P))
        if not open_P.any():
            break
        now, scale_P = dual.after(now, step_N_P, step_change_N_P, decrement_P)
        if (scale_P < 1).any() or (decrement_P > _SHRINKS * last_P)[open_P].any():
            if len(now.loss_P) > 1:
                return _each_alone(dual, now.a_N_P, tolerance)
            factored = None
        last_P = decrement_P
    return now.a_N_P


def _each_alone(dual: _Dual, a_N_P: FloatArray, tolerance: float) -> FloatArray:
    """Each prior with factors of its own, where the priors' curvatures differ too much."""
    each = [
        _dual_fit(dual._replace(start_N_P=dual.start_N_P[:, [p]]), a_N_P[:, [p]], tolerance)
        for p in range(a_N_P.shape[1])
    ]
    return np.hstack(each)
