"""Simple ways to serve a community that was not seen: compared with those of `adapting`.

`learn_nearest` takes the head of the community whose choices are most like the few at hand.
`learn_alone` fits the few choices alone, from the reference, as full fine-tuning or SCPO does.
`learn_mixture` keeps what `adaptive` chose on the communities seen: the shared levels, the pulls
and their shares; the few choices give the community's own level.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray, NotEnoughData
from pluralign.methods.adaptive import (
    AdaptiveConfig,
    candidate_heads,
    candidate_priors,
    stacking_shares,
)
from pluralign.methods.baselines import RidgeConfig, full_heads, pooled_heads
from pluralign.methods.method import Heads
from pluralign.methods.ridges import choose_ridge, held_out_margins
from pluralign.methods.training import TrainingSet
from pluralign.rewards import LinearRewardModel, one_blas_thread

_LEAST_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Nearest:
    """The heads of the communities seen, of which the most likely one is taken.

    Attributes:
        reference: The reference, whose trunk reads the texts.
        head_C_D: Heads of the communities seen, shape (C, D).
        together_D: The head of all of them, for a community without choices, shape (D,).
    """

    reference: LinearRewardModel
    head_C_D: FloatArray
    together_D: FloatArray

    def head(self, choices: TrainingSet) -> FloatArray:
        """The head with the least loss on the choices, shape (D,)."""
        if not len(choices.encoded):
            return self.together_D
        counted_N = np.ones(len(choices.encoded), dtype=np.bool_)
        loss_N_C = choices.losses(choices.encoded.margins(self.head_C_D.T), counted_N)
        nearest_D: FloatArray = self.head_C_D[int(np.argmin(choices.weight_N @ loss_N_C))]
        return nearest_D

    def adapt(self, choices: TrainingSet) -> LinearRewardModel:
        """A model of the community that made these choices."""
        return LinearRewardModel(self.reference.trunk, self.head(choices))


@dataclass(frozen=True, slots=True)
class Alone:
    """The few choices alone, from the reference.

    Attributes:
        reference: The model that the fit starts from.
        heads: The method's fit under several ridges.
        config: The method's settings.
        ridge: The ridge chosen on the communities seen.
    """

    reference: LinearRewardModel
    heads: Heads
    config: Any
    ridge: float

    def head(self, choices: TrainingSet) -> FloatArray:
        """The head that the choices teach; the reference's without any, shape (D,)."""
        if not len(choices.encoded):
            return self.reference.reference_D
        own = choices.take(np.arange(len(choices.encoded)), (choices.encoded.pairs[0].community,))
        head_D: FloatArray = self.heads(own, self.reference, self.config, [self.ridge])[0, 0]
        return head_D

    def adapt(self, choices: TrainingSet) -> LinearRewardModel:
        """A model of the community that made these choices."""
        return LinearRewardModel(self.reference.trunk, self.head(choices))


@dataclass(frozen=True, slots=True)
class KeptMixture:
    """The mixture that `adaptive` chose on the communities seen.

    Attributes:
        reference: The reference, whose trunk reads the texts.
        prior_P_D: The reference and the shared levels, shape (P, D).
        own_ridges: Candidate pulls of a community towards each of them.
        share_K: Shares of the candidates, in the order of `candidate_heads`, shape (K,).
    """

    reference: LinearRewardModel
    prior_P_D: FloatArray
    own_ridges: tuple[float, ...]
    share_K: FloatArray

    def head(self, choices: TrainingSet) -> FloatArray:
        """The mixture of the candidates fitted on the choices, shape (D,)."""
        share_P_R = self.share_K.reshape(len(self.prior_P_D), 1 + len(self.own_ridges))
        head_D: FloatArray = np.zeros(self.prior_P_D.shape[1])
        for prior_D, share_R in zip(self.prior_P_D, share_P_R, strict=True):
            # Most shares are 0, and their heads need not be fitted.
            used = np.flatnonzero(share_R[1:] > _LEAST_SHARE)
            if not len(choices.encoded) or not len(used):
                head_D = head_D + share_R.sum() * prior_D
                continue
            own_r_D = choices.heads([self.own_ridges[r] for r in used], prior_D)
            head_D = head_D + share_R[0] * prior_D + share_R[1:][used] @ own_r_D
        return head_D

    def adapt(self, choices: TrainingSet) -> LinearRewardModel:
        """A model of the community that made these choices."""
        return LinearRewardModel(self.reference.trunk, self.head(choices))


def learn_nearest(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, rng: np.random.Generator
) -> Nearest:
    """Heads of full fine-tuning of the communities steered to, and one of all of them."""
    own, pooled = (
        _chosen(heads, train, reference, config, rng) for heads in (full_heads, pooled_heads)
    )
    return Nearest(
        reference,
        full_heads(train, reference, config, [own])[0],
        pooled_heads(train, reference, config, [pooled])[0, 0],
    )


def learn_alone(heads: Heads) -> Callable[..., Alone]:
    """How a method that fits each community alone learns: it chooses its ridge."""

    def learn(
        train: TrainingSet, reference: LinearRewardModel, config: Any, rng: np.random.Generator
    ) -> Alone:
        ridge = _chosen(heads, train, reference, config, rng)
        return Alone(reference, heads, config, ridge)

    return learn


def learn_mixture(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: AdaptiveConfig,
    rng: np.random.Generator,
) -> KeptMixture:
    """The shared levels of `adaptive`, and the shares that held-out pairs give its candidates.

    Where there are too few units to leave any out, the reference has the whole share.
    """
    several = len(train.communities) > 1
    prior_P_D = candidate_priors(train, reference, config, several)
    share_K = np.eye(len(prior_P_D) * (1 + len(config.own_ridges)))[0]
    # Without units to leave out, the reference stays.
    with suppress(NotEnoughData):
        margin_N_K = held_out_margins(
            lambda inner: candidate_heads(inner, inner.refitted(reference), config, several),
            train,
            len(share_K),
            rng,
        )
        with one_blas_thread():
            share_K = stacking_shares(margin_N_K, train)
    return KeptMixture(reference, prior_P_D, config.own_ridges, share_K)


def _chosen(
    heads: Heads,
    train: TrainingSet,
    reference: LinearRewardModel,
    config: Any,
    rng: np.random.Generator,
) -> float:
    return choose_ridge(heads, train, reference, config, rng).ridge
