"""LoRe (Bose et al., arXiv 2504.14439): a low-rank basis of rewards, mixed for each community.

The reward of community c is ``w_c' V' h``: the features h of a prompt and a response, a basis V of
B rewards, and weights w_c on the simplex. Basis and weights are fitted together to the mean loss
-log sigmoid(margin) of each community, so that each counts the same; a community that was not seen
gets weights of its own, and the basis is kept.

Written from the formula; the published code has another licence. Here the basis is pulled towards
the reference by a ridge, and the number of bases and the ridge are chosen inside the training
pairs; the published numbers of bases 1, 5 and 10 are among the candidates. Not repeated are these
defects of the published code:

* rejected responses are templated as a list ("['...']"), so that they can be recognised unread;
* the anchor of the basis is a column of an inner layer, not the weights of the reward;
* prompts pass the chat template twice (first commit);
* the pull ``10,000 * (1 - cosine)`` makes all bases alike, so that the model has rank one.
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
class LoreConfig:
    """Settings of LoRe.

    Attributes:
        bases: Candidate numbers of bases, each >= 1.
        ridges: Candidate pulls of each base towards the reference, > 0, in pairs.
        pull: Pull of a community's weights towards the mean of the communities seen, >= 0, in
            pairs; 0 is published.
    """

    bases: tuple[int, ...] = (1, 2, 5, 10)
    ridges: tuple[Annotated[float, Unit("pairs")], ...] = (30.0, 10.0, 3.0, 1.0, 0.3)
    pull: Annotated[float, Unit("pairs")] = 1.0

    def __post_init__(self) -> None:
        check_ridges(*self.ridges)
        check_mixture(self.bases, self.pull)


def learn_lore(
    train: TrainingSet, reference: LinearRewardModel, config: LoreConfig, rng: np.random.Generator
) -> Mixture:
    """Learn the basis from every training pair, also of communities not steered to.

    Returns:
        The basis and the weights of the communities seen; ``adapt`` fits weights to choices of a
        community that was not.
    """
    candidates = list(starmap(Candidate, product(config.bases, config.ridges)))
    fit = MixtureFit(reference, config.pull, balanced=True, seed=int(rng.integers(2**32)))
    return fit.best(train, candidates, rng)


def fit_lore(
    train: TrainingSet, reference: LinearRewardModel, config: LoreConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """LoRe: a basis of rewards, and a mixture of it for each community."""
    return steered_by(learn_lore(train, reference, config, rng), train, reference)
