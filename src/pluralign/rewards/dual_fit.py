"""A weighted Bradley-Terry head among pairs, where there are fewer of them than dimensions.

theta = prior + X' a, and damped Newton steps on a touch nothing but the N x N Gram matrix.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from pluralign.core import FloatArray
from pluralign.rewards.choices import Choices

_MAX_STEPS = 200
_SHRINKS = 0.3  # of the promise before it, for which a factor of the curvature is kept
_NEARER = 1e-4
_ROUNDED = 1e-13  # of a loss, which rounding may add to it


def dual_paths(
    choices: Choices,
    difference_N_D: FloatArray,
    ridges: Sequence[float],
    prior_K_P_D: FloatArray,
    tolerance: float,
) -> FloatArray:
    """One head for each ridge and prior, shape (K, P, D); see `pluralign.rewards.fit_paths`.

    Args:
        choices: N choices.
        difference_N_D: Their features, float64, shape (N, D).
        ridges: K ridges.
        prior_K_P_D: P priors for each ridge.
        tolerance: As in `fit_paths`.
    """
    gram_N_N = difference_N_D @ difference_N_D.T
    a_N_P: FloatArray = np.zeros((len(difference_N_D), prior_K_P_D.shape[1]))
    thetas = []
    for ridge, prior_P_D in zip(ridges, prior_K_P_D, strict=True):
        start_N_P = difference_N_D @ prior_P_D.T
        a_N_P = _dual_fit(_Dual(gram_N_N, start_N_P, choices, ridge), a_N_P, tolerance)
        thetas.append(prior_P_D + a_N_P.T @ difference_N_D)
    return np.stack(thetas)


class _Dual(NamedTuple):
    """The dual problem of N pairs under one ridge, towards P priors: theta = prior + X' a."""

    gram_N_N: FloatArray
    start_N_P: FloatArray  # margins under the priors
    choices: Choices
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
