"""Small worlds to fit: a society whose tastes we planted, and pairs that are only numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from pluralign.core import WORLD, FloatArray, PreferencePair, Steer, rng_for
from pluralign.encoders import HashEncoder
from pluralign.methods import TrainingSet
from pluralign.rewards import (
    DenseFeatures,
    EmbeddingTrunk,
    EncodedPairs,
    LinearRewardModel,
    fit_bradley_terry,
)
from pluralign.simulation import Society, default_society, recovered_taste, taste_correlation


@dataclass(frozen=True)
class World:
    """A society, a reference fitted on its ~world panel, training pairs and test pairs."""

    society: Society
    reference: LinearRewardModel
    train: TrainingSet
    test: EncodedPairs

    def margins(self, model: LinearRewardModel, *communities: str) -> FloatArray:
        """Margins of the test pairs of these communities, each steered to its own, shape (N,)."""
        parts = [self.test.of([c]).margins(model.head(Steer.to(c))) for c in communities]
        return np.concatenate(parts)

    def recovery(self, model: LinearRewardModel, community: str) -> float:
        """How well a model steered to a community likes what its people like, in [-1, 1]."""
        probes = self.society.probe()
        sides = [[getattr(p, side) for p in probes] for side in ("positive", "negative")]
        found = recovered_taste(probes, *(model.score(side, Steer.to(community)) for side in sides))
        planted = {c.id: c.taste.weights for c in self.society.communities}
        return taste_correlation(found, planted[community])


def build_world(pairs: Mapping[str, int], test: int, dimensions: int) -> World:
    society, communities = default_society(), [c for c in pairs if c != WORLD.id]
    trunk = EmbeddingTrunk(HashEncoder(dimensions))
    encoded = trunk.encode_pairs(society.pairs(pairs, rng_for(0, "train")))
    panel = encoded.of([WORLD.id])
    reference = LinearRewardModel(trunk, fit_bradley_terry(panel.features, ridge=1.0))
    judged = trunk.encode_pairs(society.pairs(dict.fromkeys(communities, test), rng_for(0, "test")))
    return World(society, reference, TrainingSet.build(encoded, communities), judged)


@pytest.fixture(scope="session")
def world() -> World:
    """Enough pairs to find the planted tastes; ~hill is the minority, ~isle is thin."""
    each = {"~river": 400, "~coast": 400, "~marsh": 400, "~hill": 400, "~isle": 60}
    return build_world({WORLD.id: 2000, **each}, test=1000, dimensions=128)


@pytest.fixture(scope="session")
def village() -> World:
    """As few pairs as a law needs: each community has fewer than dimensions, all together more."""
    return build_world(
        {WORLD.id: 200, "~river": 60, "~hill": 50, "~isle": 20}, test=20, dimensions=32
    )


@pytest.fixture(scope="session")
def numbers() -> Callable[..., TrainingSet]:
    """Pairs that are nothing but numbers: ``numbers({"MEX": difference_N_D}, raters=5)``."""

    def build(difference: Mapping[str, FloatArray], raters: int = 5) -> TrainingSet:
        pairs = tuple(
            PreferencePair(f"{c}/{i}", f"Q {i}", "A", "B", c, rater=f"{c}/r{i % raters}")
            for c, rows in difference.items()
            for i in range(len(rows))
        )
        return TrainingSet.build(
            EncodedPairs(pairs, DenseFeatures(np.vstack(list(difference.values())))),
            list(difference),
        )

    return build


@pytest.fixture(scope="session")
def flat() -> LinearRewardModel:
    """A reference on four dimensions that likes the first of them."""
    return LinearRewardModel(EmbeddingTrunk(HashEncoder(2)), np.array([1.0, 0.0, 0.0, 0.0]))
