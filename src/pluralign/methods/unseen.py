"""The prior of communities that nobody trained on, which every saved linear model carries.

Its mean is the head of `pooled`: of all communities steered to together. Its covariance has the
directions in which communities differ, as `map` learns them, of a fixed shape. `learn_map` chooses
the shape among 28 on held-out units; with the choices of a community left out it is level with the
fixed one (docs/methods.md), and takes twenty times as long. So did a choice by leaving communities
out, which was not better: it takes what three stems have in common for a taste.
"""

import numpy as np

from pluralign.methods.map_heads import CommunityPrior, low_part, shared_directions, with_counts
from pluralign.methods.training import TrainingSet
from pluralign.rewards import HeadPrior, LinearRewardModel

RANK, RATIO, RIDGE = 5, 10.0, 10.0
"""Directions; variance added along the first one, as a multiple of that of every direction; pull
towards the mean."""
_RIDGE_OF_HALVES = 2.0
"""Pull towards the mean of the heads whose directions are compared; as in `learn_map`."""


def learn_prior(
    train: TrainingSet, reference: LinearRewardModel, ridge: float, rng: np.random.Generator
) -> HeadPrior:
    """Learn the prior of communities from training pairs.

    Args:
        train: Training pairs. The mean is learned from the communities steered to; from all, the
            reference's included, where there are fewer than two.
        reference: The model that steering starts from.
        ridge: Pull of the mean towards the reference, > 0, in pairs.
        rng: Deals the units (raters, questions) into halves.
    """
    seen = train.of(*train.communities) if len(train.communities) > 1 else train
    mean_D = seen.heads([ridge], reference.reference_D)[0]
    round_ = CommunityPrior(reference, mean_D, np.zeros((len(mean_D), 0)), _RIDGE_OF_HALVES)
    low_D_r = low_part(*shared_directions(round_, train, rng), RANK, RATIO)
    return with_counts(HeadPrior(mean_D, low_D_r, RIDGE), seen)
