"""Whoever is held out is held out from the reference too."""

import numpy as np
import pytest

from pluralign.core import FloatArray, PreferencePair, rng_for
from pluralign.encoders import HashEncoder
from pluralign.methods import (
    ReferenceFit,
    RidgeConfig,
    TrainingSet,
    choose_ridge,
    full_heads,
    held_out_margins,
)
from pluralign.methods.ridges import mean_losses
from pluralign.rewards import DenseFeatures, EmbeddingTrunk, EncodedPairs, LinearRewardModel

QUESTIONS, DIMENSIONS = 90, 60
TRUNK = EmbeddingTrunk(HashEncoder(DIMENSIONS // 2))
FIT = ReferenceFit(("GBR", "USA"), 30.0)


def survey(communities: list[str], seed: int = 0) -> EncodedPairs:
    """Every question has a taste of its own, which all communities share; none carries over."""
    rng = rng_for(seed, "survey")
    taste_Q_D = rng.normal(size=(QUESTIONS, DIMENSIONS))
    pairs, rows = [], []
    for community in communities:
        for question, taste_D in enumerate(taste_Q_D):
            for k in range(3):
                x_D = rng.normal(size=DIMENSIONS) + 2 * taste_D
                pair_id = f"{community}/{question}/{k}"
                pairs.append(PreferencePair(pair_id, f"Q{question}", "A", "B", community))
                rows.append(x_D)
    return EncodedPairs(tuple(pairs), DenseFeatures(np.array(rows)))


def reference_of(train: TrainingSet) -> LinearRewardModel:
    head_D = train.of(*FIT.communities).heads([FIT.ridge], np.zeros(DIMENSIONS))[0]
    return LinearRewardModel(TRUNK, head_D)


@pytest.fixture
def train() -> TrainingSet:
    return TrainingSet.build(survey(["GBR", "USA", "MEX", "KEN"]), ["MEX", "KEN"], "question")


def held_out_loss(train: TrainingSet, reference: LinearRewardModel) -> float:
    """Held-out loss of the reference as a candidate."""

    def heads(inner: TrainingSet) -> FloatArray:
        kept_D = inner.refitted(reference).reference_D
        return np.tile(kept_D, (1, len(inner.communities), 1))

    return float(mean_losses(held_out_margins(heads, train, 1, rng_for(0)), train)[0])


def test_a_reference_refitted_on_all_pairs_is_the_reference(train: TrainingSet) -> None:
    reference = reference_of(train)
    refitted = train.knowing(FIT).refitted(reference)
    np.testing.assert_array_equal(refitted.reference_D, reference.reference_D)


def test_a_reference_that_saw_no_unit_of_the_communities_stays(train: TrainingSet) -> None:
    raters = [f"{p.community}/{k % 5}" for k, p in enumerate(train.encoded.pairs)]
    by_rater = TrainingSet(
        train.encoded, train.communities, np.unique(raters, return_inverse=True)[1]
    )
    reference = reference_of(train)
    assert by_rater.knowing(FIT).refitted(reference) is reference
    assert train.refitted(reference) is reference, "a reference from elsewhere is never refitted"


def test_folds_without_pairs_for_the_reference_begin_at_nothing(train: TrainingSet) -> None:
    alone = train.knowing(FIT).of("MEX")
    assert not alone.refitted(reference_of(train)).reference_D.any()


def test_held_out_questions_are_as_new_to_the_reference_as_questions_of_the_test(
    train: TrainingSet,
) -> None:
    reference = reference_of(train)
    fresh = survey(["MEX", "KEN"], seed=1).margins(reference.reference_D)
    truth = float(np.logaddexp(0, -fresh).mean())
    honest, leaky = (held_out_loss(t, reference) for t in (train.knowing(FIT), train))
    assert leaky < 0.5 * truth
    assert honest == pytest.approx(truth, rel=0.3)


def test_a_ridge_is_chosen_on_questions_that_are_new_to_the_reference(train: TrainingSet) -> None:
    reference = reference_of(train)
    ridges = (30.0, 1.0)
    honest, leaky = (
        choose_ridge(full_heads, t, reference, RidgeConfig(), rng_for(0), ridges)
        for t in (train.knowing(FIT), train)
    )
    assert min(leaky.loss.values()) < min(honest.loss.values())
