"""PAL (Chen et al., arXiv 2406.08469): communities are mixtures of a few prototypes.

In its second model (PAL-B) the reward of community c is ``sum over k of w_ck <g_k(x), f(y)>``: K
prototypes, each a projection g_k of the prompt x, and weights w_c on the simplex. On the trunk's
features ``h(x, y) = [e(y), s * e(x) * e(y)]``, f(y) = e(y) and projections that are affine in each
dimension of e(x) make a prototype a linear head: ``<g_k(x), f(y)> = v_k . h(x, y)``. Prototypes and
weights are fitted together to the loss -log sigmoid(margin) of all pairs, each pair counting the
same; a community that was not seen gets weights of its own, and the prototypes are kept.

So PAL and LoRe have one form of reward here and differ in its fit: PAL has few prototypes (two are
published), counts pairs and not communities, and need not start from the reference. Whether
prototypes are pulled towards the reference or towards zero (weight decay, as published) is chosen
with their number and the ridge inside the training pairs.

Written from the formula (the published code has the licence Apache-2.0; none of it was copied). Its
deeper projections and its hinge loss are left out: margins under a hinge loss are not logits, so
that held-out losses could not be compared.
"""

from dataclasses import dataclass
from itertools import product, starmap
from typing import Annotated

import numpy as np

from pluralign.core.units import Unit
from pluralign.methods.adapting import steered_by
from pluralign.methods.mixtures import Candidate, Mixture, MixtureFit, check_mixture
from pluralign.methods.training import TrainingSet, check_ridges
from pluralign.rewards import LinearRewardModel


@dataclass(frozen=True, slots=True)
class PalConfig:
    """Settings of PAL.

    Attributes:
        prototypes: Candidate numbers of prototypes, each >= 1; 2 is published.
        ridges: Candidate pulls of each prototype, > 0, in pairs.
        anchored: Whether prototypes are pulled towards the reference, or towards zero (published);
            with both values, the choice is made inside the training pairs.
        pull: Pull of a community's weights towards the mean of the communities seen, >= 0, in
            pairs; 0 is published.
    """

    prototypes: tuple[int, ...] = (1, 2, 4, 8)
    ridges: tuple[Annotated[float, Unit("pairs")], ...] = (10.0, 3.0, 1.0, 0.3)
    anchored: tuple[bool, ...] = (True, False)
    pull: Annotated[float, Unit("pairs")] = 1.0

    def __post_init__(self) -> None:
        check_ridges(*self.ridges)
        check_mixture(self.prototypes, self.pull)


def learn_pal(
    train: TrainingSet, reference: LinearRewardModel, config: PalConfig, rng: np.random.Generator
) -> Mixture:
    """Learn the prototypes from every training pair, also of communities not steered to.

    Returns:
        The prototypes and the weights of the communities seen; ``adapt`` fits weights to choices of
        a community that was not.
    """
    grid = product(config.prototypes, config.ridges, config.anchored)
    fit = MixtureFit(reference, config.pull, balanced=False, seed=int(rng.integers(2**32)))
    return fit.best(train, list(starmap(Candidate, grid)), rng)


def fit_pal(
    train: TrainingSet, reference: LinearRewardModel, config: PalConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """PAL: a few prototypes, and a mixture of them for each community."""
    return steered_by(learn_pal(train, reference, config, rng), train, reference)
