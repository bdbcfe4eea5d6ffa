"""Planted tastes for directions of features, where texts are not needed."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from pluralign.core import BoolArray, FloatArray, InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTaste:
    """A linear taste: the truth that answers to pairs should reveal.

    Attributes:
        weight_D: Logits for each unit of a feature, shape (D,).
    """

    weight_D: FloatArray

    def margins(self, feature_N_D: FloatArray) -> FloatArray:
        """True margins of the first responses over the second, in logits, shape (N,).

        Args:
            feature_N_D: Features of the first responses minus those of the second, shape (N, D).
        """
        margin_N: FloatArray = feature_N_D @ self.weight_D
        return margin_N

    def takes_first(self, feature_N_D: FloatArray, rng: np.random.Generator) -> BoolArray:
        """Choices of people with this taste: the first response or the second, shape (N,)."""
        taken_N: BoolArray = rng.random(len(feature_N_D)) < expit(self.margins(feature_N_D))
        return taken_N


def plant_taste(feature_N_D: FloatArray, spread: float, rng: np.random.Generator) -> FeatureTaste:
    """Draw a taste in a random direction.

    Args:
        feature_N_D: Feature differences of pairs, shape (N, D).
        spread: Root mean square of their true margins, in logits, > 0: the larger, the clearer are
            people's choices.
        rng: Generator of the draw.

    Raises:
        InvalidInput: If the spread is not > 0, or no pair differs.

    >>> pairs = np.random.default_rng(0).normal(size=(100, 3))
    >>> taste = plant_taste(pairs, 2.0, np.random.default_rng(1))
    >>> round(float(np.sqrt((taste.margins(pairs) ** 2).mean())), 6)
    2.0
    """
    direction_D = rng.normal(size=feature_N_D.shape[1])
    size = float(np.sqrt(((feature_N_D @ direction_D) ** 2).mean())) if len(feature_N_D) else 0.0
    if not (spread > 0 and size > 0):
        raise InvalidInput(
            f"spread must be > 0 and pairs must differ, got {spread} and {len(feature_N_D)} pairs"
        )
    weight_D: FloatArray = np.multiply(direction_D, spread / size)
    return FeatureTaste(weight_D)
