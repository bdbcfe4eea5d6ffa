"""VPL (Poddar et al., arXiv 2408.10075): a reward that depends on a latent vector of the people.

An encoder reads pairs of a community, the context: an MLP of the chosen and the rejected response
of each pair, a mean weighted by attention, and from it the mean and the spread of a latent vector z
(the logarithm of the spread is within +-1, z is scaled to the length sqrt(d)). A decoder, an MLP of
``[h; z]``, gives the reward. The loss is that of Bradley and Terry's law for other pairs of the
community, plus ``beta * KL(q(z | context) || N(0, I))``. A community that was not seen is encoded
from its choices.

Written from the formula; the published code has no licence. These defects of it are not repeated:

* Its scripts set beta to 0, so that nothing keeps z near the prior. Here beta is chosen inside the
  training pairs, with 0 among the candidates. Without choices z is the prior's mean, and such
  contexts are part of the training.
* Its contexts come from a small pool of survey pairs, in one script always 8 of them. Here context
  and target are drawn from different questions (or raters), in contexts of 0 to ``context`` pairs.
* It is used after a fixed number of epochs. Here the learning rate and the number of steps are
  chosen on held-out units of the training pairs.

The reward is added to the reference's, from which all methods start. The network is small, so that
it has about as many parameters as heads of 50 communities.
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
class VplConfig:
    """Settings of VPL.

    Attributes:
        hidden: Width of the hidden layers; 512 is published.
        latent: Dimensions of the latent vector; 512 is published.
        context: Largest number of pairs that the encoder reads; 8 is published.
        betas: Candidate weights of the divergence from the prior, >= 0; 0 is published.
        rates: Candidate learning rates, > 0; 0.0001 is published.
        steps: Candidate numbers of training steps, each of 8 communities.
    """

    hidden: int = 16
    latent: int = 8
    context: int = 100
    betas: tuple[float, ...] = (0.0, 0.01)
    rates: tuple[float, ...] = (0.0001, 0.001, 0.003)
    steps: tuple[int, ...] = (30, 100, 300, 1000)

    def __post_init__(self) -> None:
        self.recipe().check()
        if self.hidden < 1 or self.latent < 1:
            raise InvalidInput(
                f"hidden and latent must be >= 1, got {self.hidden} and {self.latent}"
            )

    def recipe(self) -> Recipe:
        """How the network is built and trained."""
        return Recipe(self.network, self.context, self.rates, self.betas, self.steps)

    def network(self, features: int) -> Any:
        """A network for this number of features."""
        from pluralign.methods.networks import VplNetwork

        return VplNetwork(features, self.hidden, self.latent)


def learn_vpl(
    train: TrainingSet, reference: LinearRewardModel, config: VplConfig, rng: np.random.Generator
) -> ContextModel:
    """Train encoder and decoder on every training pair, also of communities not steered to.

    Raises:
        MissingExtra: If torch is not installed.
    """
    require_torch()
    return learn_in_context(train, reference, config.recipe(), rng)


def fit_vpl(
    train: TrainingSet, reference: LinearRewardModel, config: VplConfig, rng: np.random.Generator
) -> InContextReward:
    """VPL: each community is a latent vector, encoded from its pairs."""
    return steered_in_context(learn_vpl(train, reference, config, rng), train)
