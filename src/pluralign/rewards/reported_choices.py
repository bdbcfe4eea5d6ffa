"""Fit a head to choices that were reported by randomised response.

With z the margin of the reported choice, l(z) = log(1 + exp(-z)) and g the probability that the
report is the opposite of the choice, there are three losses:

* ``plain``: l(z), as if nothing were flipped. The margins shrink, the ranking hardly changes.
* ``unbiased``: ((1 - g) l(z) - g l(-z)) / (1 - 2 g). Its mean over the flips is the plain loss of
  the choice (Natarajan et al. 2013). Because l(-z) = l(z) + z, it is l(z) - g / (1 - 2 g) z, which
  is convex; a term that is linear in the head only moves the prior, so the solver stays as it is.
* ``forward``: -log(g + (1 - 2 g) sigmoid(z)), the likelihood of the report (Patrini et al. 2017):
  bounded, not convex, and its margins are those of choices.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit

from pluralign.core import FloatArray
from pluralign.rewards.choices import at_hand
from pluralign.rewards.features import DenseFeatures, PairFeatures, as_features, chunks, products
from pluralign.rewards.solver import fit_path
from pluralign.rewards.threads import one_blas_thread

LossKind = Literal["plain", "unbiased", "forward"]
"""Losses for choices that were reported by randomised response."""
_MAX_STEPS = 300
_EXACT = 1e-13


def report_losses(margin: FloatArray, flip: FloatArray, kind: LossKind) -> FloatArray:
    """Loss of each report.

    Args:
        margin: Margins of the reported choice, in logits, of any shape.
        flip: Probability that the report is the opposite, in [0, 0.5), of a shape that fits.
        kind: The loss.

    Returns:
        Losses in nats, of the shape of ``margin``; where ``flip`` is 0, all three are equal.

    >>> both_N, flip_N = np.array([1.0, -1.0]), np.array([0.25, 0.25])
    >>> report_losses(both_N, flip_N, "unbiased").round(3).tolist()  # 3/4 and 1/4: 0.313
    [-0.187, 1.813]
    """
    plain: FloatArray = np.logaddexp(0, -margin)
    if kind == "plain":
        return plain
    if kind == "unbiased":
        return plain - flip / (1 - 2 * flip) * margin
    with np.errstate(divide="ignore"):
        forward: FloatArray = -np.logaddexp(np.log(flip), np.log1p(-2 * flip) - plain)
    return forward


def report_slopes(margin: FloatArray, flip: FloatArray, kind: LossKind) -> FloatArray:
    """Derivative of `report_losses` by the margin."""
    surprise: FloatArray = expit(-margin)
    if kind == "plain":
        return -surprise
    if kind == "unbiased":
        return -surprise - flip / (1 - 2 * flip)
    # Far below 0 the sigmoid is 0, and the slope without flips would be 0 / 0.
    sure = np.maximum(expit(margin), 1e-300)
    slope: FloatArray = -(1 - 2 * flip) * sure * surprise / (flip + (1 - 2 * flip) * sure)
    return slope


def fit_reports(
    difference_N_D: FloatArray | PairFeatures,
    ridges: Sequence[float],
    prior_D: FloatArray,
    weight_N: FloatArray,
    flip_N: FloatArray,
    kind: LossKind,
    pool: Executor | None = None,
) -> FloatArray:
    """Fit the same reports under several ridges.

    Args:
        difference_N_D: Features of reported minus other response, shape (N, D).
        ridges: K ridges, each > 0; fastest in falling order.
        prior_D: Where the head is pulled to, shape (D,); (K, D) where each ridge has its own.
        weight_N: How much each pair counts, >= 0, shape (N,).
        flip_N: Probability that each report is the opposite, in [0, 0.5), shape (N,).
        kind: The loss.
        pool: As in `fit_path`; the forward loss is computed here.

    Returns:
        One head for each ridge, shape (K, D): the heads of `fit_path`, to the last bit, where no
        report is flipped. The forward loss has no single answer; the search starts from the plain
        head.

    Raises:
        NotEnoughData: If there are no pairs.
        InvalidInput: As `fit_path` does.
    """
    if kind == "plain" or not flip_N.any():
        return fit_path(difference_N_D, ridges, prior_D, weight_N, pool=pool)
    if prior_D.ndim > 1:
        alone = [
            fit_reports(difference_N_D, [ridge], own_D, weight_N, flip_N, kind, pool)
            for ridge, own_D in zip(ridges, prior_D, strict=True)
        ]
        return np.concatenate(alone)
    if kind == "unbiased":
        tilt_N = -flip_N / (1 - 2 * flip_N)
        return fit_tilted(difference_N_D, ridges, prior_D, weight_N, tilt_N, pool)
    return _fit_forward(as_features(difference_N_D), ridges, prior_D, weight_N, flip_N, pool)


def fit_tilted(
    difference_N_D: FloatArray | PairFeatures,
    ridges: Sequence[float],
    prior_D: FloatArray,
    weight_N: FloatArray,
    tilt_N: FloatArray,
    pool: Executor | None = None,
) -> FloatArray:
    """Fit pairs whose loss is l(z) + tilt * z, one head for each ridge, shape (K, D).

    A soft label, +1 with probability q, has tilt 1 - q: q l(z) + (1 - q) l(-z) = l(z) + (1 - q) z.
    The linear term moves the prior by ``-X' (weight * tilt) / ridge``.
    """
    pull_D = np.zeros_like(prior_D)
    with one_blas_thread():
        for rows, chunk in chunks(as_features(difference_N_D)):
            pull_D = pull_D - (weight_N[rows] * tilt_N[rows]) @ chunk.astype(np.float64)
    fits = [
        fit_path(difference_N_D, [ridge], prior_D + pull_D / ridge, weight_N, pool=pool)[0]
        for ridge in ridges
    ]
    return np.stack(fits) if fits else np.empty((0, len(prior_D)))


class Reports(NamedTuple):
    """Reports in the coordinates b of a search: their margins are ``offset_N + features @ b``."""

    features: PairFeatures
    offset_N: FloatArray
    weight_N: FloatArray
    flip_N: FloatArray


def _fit_forward(
    features: PairFeatures,
    ridges: Sequence[float],
    prior_D: FloatArray,
    weight_N: FloatArray,
    flip_N: FloatArray,
    pool: Executor | None,
) -> FloatArray:
    """Quasi-Newton steps from the plain head, each ridge from the head before it."""
    plain_D = fit_path(features, ridges[:1], prior_D, weight_N, pool=pool)[0]
    basis_D_M, seen = _coordinates(features)
    reports = Reports(at_hand(seen), products(features, prior_D), weight_N, flip_N)
    with one_blas_thread():
        b_M = plain_D - prior_D if basis_D_M is None else basis_D_M.T @ (plain_D - prior_D)
        heads = []
        for ridge in ridges:
            b_M = _search(reports, ridge, b_M)
            heads.append(prior_D + (b_M if basis_D_M is None else basis_D_M @ b_M))
    return np.stack(heads)


def _coordinates(features: PairFeatures) -> tuple[FloatArray | None, PairFeatures]:
    """An orthonormal basis of the features where pairs are fewer than dimensions, and them in it.

    A head differs from the prior only within the span of the features.
    """
    pairs, dimensions = features.shape
    if pairs >= dimensions:
        return None, features
    basis_D_N, triangle_N_N = np.linalg.qr(features.dense().astype(np.float64).T)
    return basis_D_N, DenseFeatures(triangle_N_N.T)


def _search(reports: Reports, ridge: float, start_M: FloatArray) -> FloatArray:
    """L-BFGS in coordinates that make the curvature at the start round."""
    root_M_M = _root(reports, ridge, start_M)

    def loss(z_M: FloatArray) -> Any:
        b_M = start_M + solve_triangular(root_M_M, z_M, trans=1, lower=True, check_finite=False)
        value, slope_M = forward_loss(reports, ridge, b_M)
        return value, solve_triangular(root_M_M, slope_M, lower=True, check_finite=False)

    options = {"ftol": _EXACT, "gtol": 1e-9, "maxiter": _MAX_STEPS, "maxcor": 20}
    found = minimize(loss, np.zeros_like(start_M), jac=True, method="L-BFGS-B", options=options)
    step_M = solve_triangular(root_M_M, found.x, trans=1, lower=True, check_finite=False)
    found_M: FloatArray = start_M + step_M
    return found_M


def forward_loss(reports: Reports, ridge: float, b_M: FloatArray) -> tuple[float, FloatArray]:
    """The objective of the forward loss and its gradient, shape (M,)."""
    loss, slope_M = 0.5 * ridge * float(b_M @ b_M), ridge * b_M
    for rows, stored in chunks(reports.features):
        chunk = stored.astype(np.float64, copy=False)
        margin_n = reports.offset_N[rows] + chunk @ b_M
        weight_n, flip_n = reports.weight_N[rows], reports.flip_N[rows]
        loss += float(weight_n @ report_losses(margin_n, flip_n, "forward"))
        slope_M = slope_M + (weight_n * report_slopes(margin_n, flip_n, "forward")) @ chunk
    return loss, slope_M


def _root(reports: Reports, ridge: float, b_M: FloatArray) -> FloatArray:
    """Lower Cholesky factor of the expected curvature at ``b`` plus ridge."""
    curvature_M_M = ridge * np.eye(len(b_M))
    for rows, stored in chunks(reports.features):
        chunk = stored.astype(np.float64, copy=False)
        sure_n = expit(reports.offset_N[rows] + chunk @ b_M)
        flip_n = reports.flip_N[rows]
        report_n = flip_n + (1 - 2 * flip_n) * sure_n
        slope_n = (1 - 2 * flip_n) * sure_n * (1 - sure_n)
        information_n = slope_n**2 / np.maximum(report_n * (1 - report_n), 1e-12)
        curvature_M_M += (chunk * (reports.weight_N[rows] * information_n)[:, None]).T @ chunk
    root_M_M: FloatArray = cholesky(curvature_M_M, lower=True, check_finite=False)
    return root_M_M
