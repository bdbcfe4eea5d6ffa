"""GPO (Zhao et al., arXiv 2310.11523): a transformer that learns preferences in its context.

Tokens are responses: features h with y, which is 1 for a chosen and 0 for a rejected response of
the context, and 0 for a response to be rewarded. An MLP embeds them. Every token attends to the
context and to itself, so that a reward does not depend on the other responses that are scored.
There are no positions. A community that was not seen is a context of its choices.

Written from the formula (the published code has the MIT licence; none of it was copied). These
parts differ:

* The published target is a share of people, with a normal likelihood, and a softmax over options
  afterwards. Here it is a choice between two responses, and the softmax over their two rewards is
  the loss of Bradley and Terry's law.
* The published code takes the checkpoint that is best on the evaluation groups. Here the learning
  rate and the number of steps are chosen on held-out units of the training pairs.
* The published code replaces distances that are not a number by 0, the best value. Here nothing is
  replaced.
* Published contexts have 10 to 100 questions in training and always 20 in the evaluation. Here both
  have 0 to ``context`` pairs, of other questions (or raters) than the target's.

The reward is added to the reference's, from which all methods start. The network is small, so that
it has about as many parameters as heads of 60 communities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import InvalidInput
from pluralign.methods.in_context import (
    ContextModel,
    InContextReward,
    Recipe,
    learn_in_context,
    require_torch,
    steered_in_context,
)
from pluralign.methods.training import TrainingSet
from pluralign.rewards import LinearRewardModel


@dataclass(frozen=True, slots=True)
class GpoConfig:
    """Settings of GPO.

    Attributes:
        width: Width of the tokens, a multiple of ``heads``; 128 is published.
        layers: Number of layers; 6 is published.
        heads: Number of heads of attention; 4 is published.
        feedforward: Width of the feed-forward layers; 128 is published.
        context: Largest number of pairs in the context; 100 questions are published.
        rates: Candidate learning rates, > 0; 0.0003 is published.
        steps: Candidate numbers of training steps, each of 8 communities.
    """

    width: int = 32
    layers: int = 2
    heads: int = 4
    feedforward: int = 64
    context: int = 100
    rates: tuple[float, ...] = (0.0001, 0.0003, 0.001)
    steps: tuple[int, ...] = (30, 100, 300, 1000)

    def __post_init__(self) -> None:
        self.recipe().check()
        if min(self.width, self.layers, self.heads, self.feedforward) < 1:
            raise InvalidInput(
                "width, layers, heads and feedforward must be >= 1, got "
                f"{self.width}, {self.layers}, {self.heads} and {self.feedforward}"
            )
        if self.width % self.heads:
            raise InvalidInput(f"width must be a multiple of {self.heads} heads, got {self.width}")

    def recipe(self) -> Recipe:
        """How the network is built and trained."""
        return Recipe(self.network, self.context, self.rates, (0.0,), self.steps)

    def network(self, features: int) -> Any:
        """A network for this number of features."""
        from pluralign.methods.networks import GpoNetwork

        return GpoNetwork(features, self.width, self.layers, self.heads, self.feedforward)


def learn_gpo(
    train: TrainingSet, reference: LinearRewardModel, config: GpoConfig, rng: np.random.Generator
) -> ContextModel:
    """Train the transformer on every training pair, also of communities not steered to.

    Raises:
        MissingExtra: If torch is not installed.
    """
    require_torch()
    return learn_in_context(train, reference, config.recipe(), rng)


def fit_gpo(
    train: TrainingSet, reference: LinearRewardModel, config: GpoConfig, rng: np.random.Generator
) -> InContextReward:
    """GPO: each community is a context of its pairs."""
    return steered_in_context(learn_gpo(train, reference, config, rng), train)
