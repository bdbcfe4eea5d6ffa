"""How a gain grows and falls with the distance that a policy moves (Gao et al. 2022).

With ``d`` the square root of the divergence from the start model in nats, the gain by a held-out
reward model follows ``d (a - b d)`` for best of n, and ``d (a - b log d)`` for reinforcement
learning (arXiv 2210.10760, section 3.1).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pluralign.core import FloatArray

GainShape = Literal["best-of-n", "tuned"]
FEWEST = 3


@dataclass(frozen=True, slots=True)
class GainCurve:
    """A curve of gains over the distance from the start model.

    Attributes:
        shape: ``best-of-n``: ``d (a - b d)``; ``tuned``: ``d (a - b log d)``.
        a: The gain for each unit of distance, near the start.
        b: How fast it falls.
    """

    shape: GainShape
    a: float
    b: float

    def at(self, distance_K: FloatArray) -> FloatArray:
        """Gains at distances, shape (K,); a distance is positive.

        >>> GainCurve("best-of-n", 1.0, 0.25).at(np.array([1.0, 2.0, 4.0])).tolist()
        [0.75, 1.0, 0.0]
        """
        first_K, second_K = _columns(distance_K, self.shape)
        gain_K: FloatArray = self.a * first_K - self.b * second_K
        return gain_K


def fit_gains(distance_K: FloatArray, gain_K: FloatArray, shape: GainShape) -> GainCurve:
    """The curve nearest to gains, by least squares.

    Args:
        distance_K: Square roots of divergences in nats, positive, shape (K,).
        gain_K: Gains, in any unit, shape (K,).
        shape: ``best-of-n`` or ``tuned``.

    Raises:
        ValueError: If there are fewer than three different distances, or one is not positive.

    >>> distance_K = np.array([0.5, 1.0, 2.0])
    >>> fit_gains(distance_K, distance_K * (2.0 - 0.5 * distance_K), "best-of-n")
    GainCurve(shape='best-of-n', a=2.0, b=0.5)
    """
    if len(np.unique(distance_K)) < FEWEST:
        raise ValueError(f"at least {FEWEST} different distances are needed")
    if not (distance_K > 0).all():
        raise ValueError("distances must be positive")
    first_K, second_K = _columns(distance_K, shape)
    (a, b), *_ = np.linalg.lstsq(np.stack([first_K, -second_K], axis=1), gain_K, rcond=None)
    return GainCurve(shape, round(float(a), 6), round(float(b), 6))


def _columns(distance_K: FloatArray, shape: GainShape) -> tuple[FloatArray, FloatArray]:
    """The two terms of a curve, without their factors."""
    falling_K = distance_K if shape == "best-of-n" else np.log(distance_K)
    return distance_K, distance_K * falling_K
