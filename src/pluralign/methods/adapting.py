"""Models of communities that a method has not seen, made from few choices or from none.

Some methods learn more than heads: bases, prototypes, a covariance of communities, a network. With
that, a few choices of a community on which nobody trained give it a model in a moment, and none at
all give it the best guess. ``Method.learn`` returns a `Shared`, and ``shared.adapt(choices)`` the
model; `pluralign run` fits such a method as `learn` followed by `adapt` for each community, so that
adapting to all pairs of a community is the fit.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pluralign.core import NO_STEER, FloatArray, SteerableRewardModel
from pluralign.evaluation import margins_by_steer
from pluralign.methods.method import steered
from pluralign.methods.training import TrainingSet
from pluralign.rewards import EncodedPairs, LinearRewardModel


class SharedHeads(Protocol):
    """A `Shared` whose models are linear heads."""

    def head(self, choices: TrainingSet) -> FloatArray:
        """The head of the community that made these choices, shape (D,)."""
        ...


@dataclass(frozen=True, slots=True)
class OneHead:
    """One head for every community and for any choices.

    Attributes:
        reference: The reference, whose trunk reads the texts.
        head_D: The head, shape (D,).
    """

    reference: LinearRewardModel
    head_D: FloatArray

    def head(self, choices: TrainingSet) -> FloatArray:
        """The head, shape (D,)."""
        return self.head_D

    def adapt(self, choices: TrainingSet) -> LinearRewardModel:
        """The model of every community."""
        return LinearRewardModel(self.reference.trunk, self.head_D)


def heads_of(shared: SharedHeads, train: TrainingSet) -> FloatArray:
    """The head of every community steered to, each adapted to all of its pairs, shape (C, D)."""
    return np.stack([shared.head(train.of(c)) for c in train.communities])


def steered_by(
    shared: SharedHeads, train: TrainingSet, reference: LinearRewardModel
) -> LinearRewardModel:
    """The reference with the head of every community steered to."""
    return steered(reference, train.communities, heads_of(shared, train))


def choice_margins(model: SteerableRewardModel, encoded: EncodedPairs) -> FloatArray:
    """Margins of pairs under an adapted model, in logits, shape (N,).

    Linear heads read the features at hand; other models score the texts.
    """
    if isinstance(model, LinearRewardModel):
        return encoded.margins(model.reference_D)
    if not len(encoded):
        return np.zeros(0)
    return margins_by_steer(model, encoded.pairs)[NO_STEER]
