"""SCPO (arXiv 2606.18606): the pairs that it keeps, their weights, and the heads fitted on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from pluralign.core import BoolArray, FloatArray, InvalidInput
from pluralign.core.units import Unit
from pluralign.methods.method import steered
from pluralign.methods.training import TrainingSet, check_ridges
from pluralign.rewards import LinearRewardModel


@dataclass(frozen=True, slots=True)
class ScpoConfig:
    """Settings of SCPO.

    Attributes:
        tau: Confidence of the reference in the choice, in (0, 1], from which a pair is left out; 1
            keeps every pair.
        beta: Softness of the down-weighting, > 0, in logits.
        filter: Whether to filter.
        weight: Whether to weight.
        inverse_weight: Whether to use the inverted weight max(exp(-m), 1) in place of ``weight``.
        ridge: Pull towards the reference, > 0, in pairs.
    """

    tau: float = 0.7
    beta: Annotated[float, Unit("logits")] = 1.1
    filter: bool = True
    weight: bool = True
    inverse_weight: bool = False
    ridge: Annotated[float, Unit("pairs")] = 1.0

    def __post_init__(self) -> None:
        check_ridges(self.ridge)
        _check_tau(self.tau)
        if not (self.beta > 0 and np.isfinite(self.beta)):
            raise InvalidInput(
                f"beta must be a number > 0, got {self.beta}", hint="1.1 is the published value"
            )


def scpo_filter(margin_N: FloatArray, tau: float) -> BoolArray:
    """Pairs that SCPO learns from: the reference's confidence sigmoid(margin) is below tau.

    Args:
        margin_N: Reference reward of chosen minus rejected, in logits, shape (N,).
        tau: Threshold in (0, 1]. At 0.7 (published) mild agreement is still learned from; at 1
            every pair is.

    Returns:
        True where the pair is kept, shape (N,). SCPO, arXiv 2606.18606.

    Raises:
        InvalidInput: If ``tau`` is out of range.

    >>> scpo_filter(np.array([2.0, 0.5, -3.0]), tau=0.7).tolist()
    [False, True, True]
    """
    _check_tau(tau)
    # The threshold would be infinite, by a division by zero.
    if tau == 1:
        return np.ones(len(margin_N), dtype=np.bool_)
    # In logits, so that no sigmoid has to be computed.
    kept: BoolArray = margin_N < np.log(tau / (1 - tau))
    return kept


def scpo_weights(margin_N: FloatArray, beta: float) -> FloatArray:
    """Weigh pairs down that the reference contradicts: w = min(exp(margin / beta), 1).

    Args:
        margin_N: Reference reward of chosen minus rejected, in logits, shape (N,).
        beta: Softness, > 0, in logits; 1.1 is published.

    Returns:
        Weights in (0, 1], shape (N,). SCPO, arXiv 2606.18606.

    Raises:
        InvalidInput: If ``beta`` is not positive.

    >>> scpo_weights(np.array([1.0, 0.0, -1.1]), beta=1.1).round(3).tolist()
    [1.0, 1.0, 0.368]
    """
    if not beta > 0:
        raise InvalidInput(f"beta must be a number > 0, got {beta}")
    # The minimum before the exponential, which could overflow; the result is the same.
    weights: FloatArray = np.exp(np.minimum(margin_N / beta, 0))
    return weights


def inverse_weights(margin_N: FloatArray, limit: float = 30.0) -> FloatArray:
    """SCPO's ablation with the weight turned round: w = max(exp(-margin), 1).

    Args:
        margin_N: Reference reward of chosen minus rejected, in logits, shape (N,).
        limit: Margins below -limit weigh as much as -limit, so that the weight cannot overflow.

    Returns:
        Weights >= 1, shape (N,).

    >>> inverse_weights(np.array([1.0, -1.0])).round(3).tolist()
    [1.0, 2.718]
    """
    weights: FloatArray = np.exp(np.clip(-margin_N, 0, limit))
    return weights


def pair_weights(margin_N: FloatArray, config: ScpoConfig) -> FloatArray:
    """The weight SCPO gives each pair: 0 where the filter drops it, shape (N,)."""
    weight_N: FloatArray = np.ones(len(margin_N))
    if config.inverse_weight:
        weight_N = inverse_weights(margin_N)
    elif config.weight:
        weight_N = scpo_weights(margin_N, config.beta)
    return weight_N * scpo_filter(margin_N, config.tau) if config.filter else weight_N


def scpo_heads(
    train: TrainingSet, reference: LinearRewardModel, config: ScpoConfig, ridges: Sequence[float]
) -> FloatArray:
    """SCPO's heads under several ridges, each community alone, shape (K, C, D)."""
    return np.stack(
        [_own_heads(train.of(c), reference, config, ridges) for c in train.communities], axis=1
    )


def fit_scpo(
    train: TrainingSet, reference: LinearRewardModel, config: ScpoConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """SCPO: each community alone, from the reference, on the pairs that the filter keeps, weighted.

    The loss is not divided by the sum of weights, as published: a pull towards the reference of
    ``ridge`` pairs is the same for every weighting. A community whose every pair is filtered out
    stays at the reference.
    """
    return steered(
        reference, train.communities, scpo_heads(train, reference, config, [config.ridge])[0]
    )


def _check_tau(tau: float) -> None:
    if not 0 < tau <= 1:
        raise InvalidInput(
            f"tau must be in (0, 1], got {tau}",
            hint="0.7 is the published value; 1 keeps every pair",
        )


def _own_heads(
    own: TrainingSet, reference: LinearRewardModel, config: ScpoConfig, ridges: Sequence[float]
) -> FloatArray:
    margin_N = own.encoded.margins(reference.reference_D)
    weight_N = own.weight_N * pair_weights(margin_N, config)
    return own.heads(ridges, reference.reference_D, weight_N)
