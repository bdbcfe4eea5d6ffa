"""The prior of communities that nobody trained on, which every saved linear model carries.

Its mean is the head of `pooled`: of all communities steered to together. Its covariance has the
directions in which communities differ, as `map` learns them, of a fixed shape. `learn_map` chooses
the shape among 28 on held-out units; with the choices of a community left out it is level with the
fixed one (docs/methods.md), and takes twenty times as long. So did a choice by leaving communities
out, which was not better: it takes what three stems have in common for a taste.

How far communities differ is learned: the covariance is multiplied by a scale, and the share of
each scale is its mean probability given the choices of communities left out in turn. A new
community may differ more or less than all of those, so a scale that none of them needs has a share
as well.
"""

from dataclasses import replace

import numpy as np
from scipy.special import softmax

from pluralign.core import FloatArray
from pluralign.methods.map_heads import CommunityPrior, low_part, shared_directions, with_counts
from pluralign.methods.training import TrainingSet
from pluralign.rewards import EncodedPairs, HeadPrior, LinearRewardModel

RANK, RATIO, RIDGE = 5, 10.0, 10.0
"""Directions; variance added along the first one, as a multiple of that of every direction; pull
towards the mean."""
SCALES = tuple(2.0**k for k in range(-4, 6))
_EVEN = (1 / len(SCALES),) * len(SCALES)
_PARTS = 4
"""Parts in which communities are left out."""
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
        rng: Deals the units (raters, questions) into halves, and the communities into parts.
    """
    prior = _of_one_scale(train, reference, ridge, rng)
    scored_C_S = _scores_left_out(train, reference, ridge, rng)
    return replace(prior, scales=SCALES, shares=tuple(scale_shares(scored_C_S).tolist()))


def scale_shares(scored_C_S: FloatArray) -> FloatArray:
    """The share of each scale: its mean probability over communities and one without choices.

    Args:
        scored_C_S: Log probability of each community's choices under each scale, shape (C, S).

    >>> scale_shares(np.array([[0.0, -9.0], [0.0, -9.0]])).round(2).tolist()
    [0.83, 0.17]
    """
    nothing_S = np.zeros((1, scored_C_S.shape[1]))
    share_S: FloatArray = softmax(np.concatenate([scored_C_S, nothing_S]), axis=1).mean(axis=0)
    return share_S


def _scores_left_out(
    train: TrainingSet, reference: LinearRewardModel, ridge: float, rng: np.random.Generator
) -> FloatArray:
    """How well each scale predicts the choices of communities left out, shape (C, S).

    Empty where fewer than two communities are steered to, as none is left to learn from.
    """
    mixed = rng.permutation(np.array(train.communities))
    parts = min(_PARTS, len(mixed)) if len(mixed) > 1 else 0
    scored: list[FloatArray] = []
    for left_out in (mixed[k::parts] for k in range(parts)):
        others = train.without(np.isin(train.community_N, left_out))
        alike = _of_one_scale(others, reference, ridge, rng)
        prior = replace(alike, scales=SCALES, shares=_EVEN)
        # Mixed: of the choices about one stem the first may be the clearest.
        own = (_mixed(train.of(c).encoded, rng) for c in left_out)
        scored += [prior.scores(choices, train.loss) for choices in own]
    return np.array(scored).reshape(-1, len(SCALES))


def _mixed(choices: EncodedPairs, rng: np.random.Generator) -> EncodedPairs:
    return choices.take(rng.permutation(len(choices)))


def _of_one_scale(
    train: TrainingSet, reference: LinearRewardModel, ridge: float, rng: np.random.Generator
) -> HeadPrior:
    """The mean, and a covariance of fixed shape and scale."""
    seen = train.of(*train.communities) if len(train.communities) > 1 else train
    mean_D = seen.heads([ridge], reference.reference_D)[0]
    round_ = CommunityPrior(reference, mean_D, np.zeros((len(mean_D), 0)), _RIDGE_OF_HALVES)
    low_D_r = low_part(*shared_directions(round_, train, rng), RANK, RATIO)
    return with_counts(HeadPrior(mean_D, low_D_r, RIDGE), seen)
