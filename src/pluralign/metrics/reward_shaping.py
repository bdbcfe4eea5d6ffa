"""Rewards of a community on a scale of its own, so that no community decides by wide margins."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from pluralign.core.arrays import FloatArray

_QUARTILES_OF_NORMAL = 1.349
"""Distance of the quartiles of a normal distribution, in standard deviations."""
_MOST = 20.0


@dataclass(frozen=True, slots=True)
class RewardScale:
    """The scale of a community's rewards on a frozen set of answers.

    Attributes:
        median: Median reward, in logits.
        spread: Distance of the quartiles / 1.349, in logits, > 0: the standard deviation where
            rewards are normal.
    """

    median: float
    spread: float

    @classmethod
    def of(cls, reward_N: FloatArray) -> "RewardScale":
        """The scale of rewards.

        Args:
            reward_N: Rewards of answers of the start model, in logits, shape (N,).

        Raises:
            ValueError: If there are fewer than four rewards, one is not finite, or the quartiles
                are equal.

        >>> scale = RewardScale.of(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
        >>> scale.median, round(scale.spread, 3)
        (2.0, 1.483)
        """
        if len(reward_N) < 4 or not np.isfinite(reward_N).all():
            raise ValueError("at least four finite rewards are needed")
        low, median, high = np.quantile(reward_N, [0.25, 0.5, 0.75])
        if high <= low:
            raise ValueError("half of the rewards are equal, so they have no scale")
        return cls(float(median), float(high - low) / _QUARTILES_OF_NORMAL)

    def shaped(self, reward_X: FloatArray) -> FloatArray:
        """Rewards between 0 and 1; 0.5 is the median of the frozen set.

        A sigmoid of the robust z-score, cut at 20 (the shaping of CRISP).

        >>> RewardScale(2.0, 1.0).shaped(np.array([2.0, 3.0])).round(3).tolist()
        [0.5, 0.731]
        """
        z_X = np.clip((reward_X - self.median) / self.spread, -_MOST, _MOST)
        shaped_X: FloatArray = expit(z_X)
        return shaped_X
