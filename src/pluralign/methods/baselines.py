"""Baselines of SCPO: the reference, the longer text, full fine-tuning, one pooled model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from pluralign.core import FloatArray
from pluralign.core.units import Unit
from pluralign.methods.adapting import OneHead
from pluralign.methods.method import steered
from pluralign.methods.training import TrainingSet, check_ridges
from pluralign.rewards import LengthReward, LinearRewardModel


@dataclass(frozen=True, slots=True)
class NoConfig:
    """Nothing to set."""


@dataclass(frozen=True, slots=True)
class RidgeConfig:
    """Settings of a method that only fits.

    Attributes:
        ridge: Pull towards the reference, > 0, in pairs.
    """

    ridge: Annotated[float, Unit("pairs")] = 1.0

    def __post_init__(self) -> None:
        check_ridges(self.ridge)


def equal_weights(margin_N: FloatArray, config: RidgeConfig) -> FloatArray:
    """Every pair counts the same, shape (N,)."""
    return np.ones(len(margin_N))


def keep_reference(
    train: TrainingSet, reference: LinearRewardModel, config: NoConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """No training: the reference as it is."""
    return reference


def longer_wins(
    train: TrainingSet, reference: LinearRewardModel, config: NoConfig, rng: np.random.Generator
) -> LengthReward:
    """No training: the longer text wins."""
    return LengthReward()


def full_heads(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, ridges: Sequence[float]
) -> FloatArray:
    """Full fine-tuning's heads under several ridges, each community alone, shape (K, C, D)."""
    heads = [train.of(c).heads(ridges, reference.reference_D) for c in train.communities]
    return np.stack(heads, axis=1)


def pooled_heads(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, ridges: Sequence[float]
) -> FloatArray:
    """One head for all communities steered to, under several ridges, shape (K, C, D)."""
    theta_K_D = train.of(*train.communities).heads(ridges, reference.reference_D)
    return np.repeat(theta_K_D[:, None], len(train.communities), axis=1)


def learn_reference(
    train: TrainingSet, reference: LinearRewardModel, config: NoConfig, rng: np.random.Generator
) -> OneHead:
    """The reference, for every community."""
    return OneHead(reference, reference.reference_D)


def learn_pooled(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, rng: np.random.Generator
) -> OneHead:
    """The head of all communities steered to, also for one that is not among them."""
    return OneHead(reference, pooled_heads(train, reference, config, [config.ridge])[0, 0])


def fit_full(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """Full fine-tuning: each community alone, from the reference, with equal weights."""
    return steered(
        reference, train.communities, full_heads(train, reference, config, [config.ridge])[0]
    )


def fit_pooled(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """One model for all communities steered to, fine-tuned from the reference."""
    return steered(
        reference, train.communities, pooled_heads(train, reference, config, [config.ridge])[0]
    )
