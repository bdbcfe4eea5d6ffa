"""A community's taste from the answers so far: an estimate with its information, kept current.

The taste is a logistic regression on feature differences with a Gaussian prior. It decides which
pair is asked next, and nothing else: models are fitted on releases.
"""

from array import array
from collections.abc import Iterable

import numpy as np
from scipy.special import expit

from pluralign.core import FloatArray
from pluralign.metrics.design import (
    d_optimal_gains,
    fisher_weights,
    information,
    updated_inverse,
)

PRIOR_LOGITS = 2.0
"""Standard deviation of the margin of an average pair before any answer."""
_RIDGE = 1 / PRIOR_LOGITS**2
_STEPS, _NEAR = 30, 1e-6


class RunningTaste:
    """Estimate of a taste, updated after each answer.

    Answers are kept as numbers of pairs, not as their features: a study may have 100,000 of them.

    Args:
        pair_N_D: Features of each pair's first response minus those of its second, shape (N, D),
            scaled so that an average pair has length 1.
        answers: The answers so far: row of the pair, and 1 where the first response was taken, -1
            the second.

    Attributes:
        theta_D: The estimate, shape (D,), in logits.
        inverse_D_D: Inverse of the information, shape (D, D).
    """

    def __init__(self, pair_N_D: FloatArray, answers: Iterable[tuple[int, int]] = ()) -> None:
        dimensions = pair_N_D.shape[1]
        self.theta_D: FloatArray = np.zeros(dimensions)
        self.inverse_D_D: FloatArray = np.eye(dimensions) / _RIDGE
        self._pair_N_D = pair_N_D
        self._row, self._sign = array("l"), array("b")
        for row, sign in answers:
            self._row.append(row)
            self._sign.append(sign)
        self._fit()

    def __len__(self) -> int:
        """Number of answers."""
        return len(self._row)

    def learn(self, row: int, sign: int) -> None:
        """Add an answer: one Newton step, and a whole fit after every tenth of the answers.

        Args:
            row: Row of the pair.
            sign: 1 where its first response was taken, -1 the second.
        """
        self._row.append(row)
        self._sign.append(sign)
        if len(self) >= self._fit_again_at:
            self._fit()
            return
        taken_D = sign * self._pair_N_D[row]
        margin = float(taken_D @ self.theta_D)
        weight = float(fisher_weights(np.array([margin]))[0])
        self.inverse_D_D = updated_inverse(self.inverse_D_D, taken_D, weight)
        self.theta_D = self.theta_D + expit(-margin) * (self.inverse_D_D @ taken_D)

    def gains(self, feature_N_D: FloatArray) -> FloatArray:
        """How much an answer to each pair would reveal, shape (N,); see `d_optimal_gains`."""
        weight_N = fisher_weights(feature_N_D @ self.theta_D)
        return d_optimal_gains(self.inverse_D_D, feature_N_D, weight_N)

    def _fit(self) -> None:
        taken_N_D = self._pair_N_D[np.array(self._row)] * np.array(self._sign)[:, None]
        self._fit_again_at = len(self) + max(1, len(self) // 10)
        for _ in range(_STEPS):
            margin_N = taken_N_D @ self.theta_D
            curvature = information(taken_N_D, fisher_weights(margin_N), _RIDGE)
            slope_D = taken_N_D.T @ expit(-margin_N) - _RIDGE * self.theta_D
            step_D = np.linalg.solve(curvature, slope_D)
            self.theta_D = self.theta_D + step_D
            if np.abs(step_D).max() < _NEAR:
                break
        self.inverse_D_D = np.linalg.inv(curvature)
