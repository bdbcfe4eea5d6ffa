"""PROPS and person means, on people whose tastes are planted."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pluralign.core import (
    FloatArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    flip_probability,
    rng_for,
)
from pluralign.encoders import HashEncoder
from pluralign.methods import (
    PersonMeansConfig,
    PropsConfig,
    ReferenceFit,
    RidgeConfig,
    TrainingSet,
    fit_full,
    fit_person_means,
    fit_props,
    model_error,
    report_odds,
)
from pluralign.methods.person_means import person_vectors, private_mean, public_directions
from pluralign.rewards import DenseFeatures, EmbeddingTrunk, EncodedPairs, LinearRewardModel

D = 16
REFERENCE = LinearRewardModel(EmbeddingTrunk(HashEncoder(D // 2)), np.full(D, 0.2))
TASTE_D = rng_for(0, "taste").normal(size=D)


def people(count: int = 60, each: int = 10, flip: float = 0.0, seed: int = 0) -> TrainingSet:
    """Choices of a community by the planted taste, as they are reported, and a public panel."""
    rng = rng_for(seed, "people")
    n = count * each
    x_N_D = rng.normal(size=(2 * n, D)) / np.sqrt(D)
    head_D = np.concatenate([np.tile(3 * TASTE_D, (n, 1)), np.zeros((n, D))])
    chosen_N = rng.random(2 * n) < 1 / (1 + np.exp(-(x_N_D * head_D).sum(axis=1)))
    flipped_N = (rng_for(seed, "flips").random(2 * n) < flip) & (np.arange(2 * n) < n)
    x_N_D = x_N_D * np.where(chosen_N != flipped_N, 1.0, -1.0)[:, None]
    pairs = tuple(
        PreferencePair(
            str(i), "p", "a", "b", "MEX" if i < n else "USA", rater=f"{i % count}-{i < n}",
            flip=flip if i < n else 0.0,
        )
        for i in range(2 * n)
    )  # fmt: skip
    built = TrainingSet.build(EncodedPairs(pairs, DenseFeatures(x_N_D)), ["MEX"])
    return replace(built, loss="unbiased")


def accuracy(model: LinearRewardModel, seed: int = 99) -> float:
    test = people(200, 10, seed=seed).of("MEX")
    return float((test.encoded.margins(model.heads()[0]) > 0).mean())


def props(train: TrainingSet, **config: Any) -> LinearRewardModel:
    return fit_props(train, REFERENCE, PropsConfig(**config), rng_for(0))


def means(train: TrainingSet, seed: int = 0, **config: Any) -> LinearRewardModel:
    given = {"dimensions": 8, "seeded": True, **config}
    return fit_person_means(train, REFERENCE, PersonMeansConfig(**given), rng_for(seed))


@pytest.mark.parametrize("error", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0])
def test_the_error_of_a_model_is_found_from_reports(error: float, epsilon: float) -> None:
    flip, rng = flip_probability(epsilon), rng_for(1, "error")
    wrong_N, flipped_N = rng.random(100_000) < error, rng.random(100_000) < flip
    margin_N = np.where(wrong_N != flipped_N, -1.0, 1.0)
    assert model_error(margin_N, np.full(100_000, flip)) == pytest.approx(error, abs=0.02)


def test_the_odds_of_a_report_are_those_of_two_independent_witnesses() -> None:
    flip, error, rng = 0.3, 0.2, rng_for(2, "odds")
    wrong_N, flipped_N = rng.random(200_000) < error, rng.random(200_000) < flip
    margin_N = np.where(wrong_N != flipped_N, -1.0, 1.0)
    odds_N = report_odds(margin_N, np.full(200_000, flip), np.full(200_000, error))
    for judged in (1.0, -1.0):
        rows = margin_N == judged
        assert 1 / (1 + np.exp(-odds_N[rows][0])) == pytest.approx(
            1 - flipped_N[rows].mean(), abs=0.01
        )


def test_the_more_certain_witness_decides_when_they_disagree() -> None:
    """A model that errs less often than reports are flipped is believed against the report."""
    flip_N, against_N = np.full(2, 0.25), np.full(2, -1.0)
    assert (report_odds(against_N, flip_N, np.array([0.1, 0.4])) > 0).tolist() == [False, True]


@pytest.mark.parametrize("combine", ["posterior", "likelihood"])
def test_props_without_flips_is_full_fine_tuning(combine: str) -> None:
    full = fit_full(people(), REFERENCE, RidgeConfig(), rng_for(0))
    assert np.array_equal(props(people(), combine=combine).heads(), full.heads())


def test_props_of_one_stage_is_full_fine_tuning_on_the_reports() -> None:
    train = people(flip=0.3)
    full = fit_full(train, REFERENCE, RidgeConfig(), rng_for(0))
    assert props(train, stages=1).heads() == pytest.approx(full.heads(), abs=1e-12)


@pytest.mark.parametrize("combine", ["posterior", "likelihood"])
def test_props_learns_a_planted_taste_from_private_choices(combine: str) -> None:
    train = people(200, 10, flip=0.27)
    known = accuracy(fit_full(people(200, 10), REFERENCE, RidgeConfig(), rng_for(0)))
    assert accuracy(props(train, combine=combine, ridge=10.0)) > known - 0.06
    assert accuracy(props(train, combine=combine, stages=3, ridge=10.0)) > known - 0.08


def test_person_means_with_much_privacy_to_spend_learn_the_planted_taste() -> None:
    assert accuracy(means(people(), epsilon=1000.0, dimensions=D)) > accuracy_of_reference() + 0.1
    assert accuracy(means(people(200), epsilon=4.0, dimensions=D)) > accuracy_of_reference() + 0.1


def accuracy_of_reference() -> float:
    test = people(200, 10, seed=99).of("MEX")
    return float((test.encoded.margins(REFERENCE.reference_D) > 0).mean())


def test_one_person_moves_the_mean_by_no_more_than_the_noise_was_made_for() -> None:
    train, config = people(20, 10), PersonMeansConfig(dimensions=8)
    basis_D_M = public_directions(train, REFERENCE, 8).basis_D_M
    own = train.of("MEX")
    vector_P_M = person_vectors(own, basis_D_M, config.clip)
    assert vector_P_M.shape == (20, 8)
    assert np.linalg.norm(vector_P_M, axis=1).max() <= config.clip + 1e-12
    others_P_M = person_vectors(turned(own, "3-True"), basis_D_M, config.clip)
    moved_P = np.linalg.norm(vector_P_M - others_P_M, axis=1) > 1e-12
    assert moved_P.sum() == 1
    apart = np.linalg.norm(vector_P_M.mean(axis=0) - others_P_M.mean(axis=0))
    assert 0 < apart <= 2 * config.clip / 20


def test_a_person_is_a_person_also_where_folds_keep_questions_whole() -> None:
    by_rater = people(80)
    pairs = tuple(
        replace(pair, question=f"q{i % 3}", stem=f"q{i % 3}")
        for i, pair in enumerate(by_rater.encoded.pairs)
    )
    encoded = EncodedPairs(pairs, by_rater.encoded.features)
    by_question = TrainingSet.build(encoded, ["MEX"], by="question")
    assert np.array_equal(means(by_question).heads(), means(by_rater).heads())


def test_a_reference_that_learned_from_the_people_to_protect_is_refused() -> None:
    train = people(80)
    means(train.knowing(ReferenceFit(("USA",), 1.0)))
    with pytest.raises(InvalidInput, match="fitted on the choices of MEX") as refused:
        means(train.knowing(ReferenceFit(("MEX", "USA"), 1.0)))
    assert refused.value.hint == "fit the reference on other communities"


def test_people_whose_choices_would_be_published_twice_are_refused() -> None:
    """Two means of one person cost epsilon twice; a reference without noise costs without end."""
    train = people(80)

    def shared(steered_to: list[str]) -> TrainingSet:
        moved = [replace(p, community="KEN") if i < 160 else p for i, p in enumerate(pairs)]
        built = TrainingSet.build(EncodedPairs(tuple(moved), train.encoded.features), steered_to)
        return replace(built, loss=train.loss)

    pairs = train.encoded.pairs[:800] + tuple(
        replace(p, community="FRA") for p in train.encoded.pairs[800:]
    )
    with pytest.raises(InvalidInput, match="80 people chose for more than one of KEN, MEX") as two:
        means(shared(["MEX", "KEN"]))
    assert two.value.where == "person-means"
    known = shared(["MEX"]).knowing(ReferenceFit(("KEN",), 1.0))
    with pytest.raises(InvalidInput, match="chose for more than one of KEN, MEX"):
        means(known)
    means(shared(["MEX"]))  # of another community only the texts are read


def turned(own: TrainingSet, rater: str) -> TrainingSet:
    """The same choices, except that one person chose the opposite each time."""
    sign_N = np.where([p.rater == rater for p in own.encoded.pairs], -1.0, 1.0)
    features = DenseFeatures(own.encoded.features.dense() * sign_N[:, None])
    return replace(own, encoded=EncodedPairs(own.encoded.pairs, features))


def test_public_directions_do_not_depend_on_any_choice_of_the_community() -> None:
    train = people(20, 10)
    once = public_directions(train, REFERENCE, 8)
    again = public_directions(turned(train, "3-True"), REFERENCE, 8)
    assert np.array_equal(once.basis_D_M, again.basis_D_M)
    assert (once.feature_N_M**2).sum(axis=1).mean() == pytest.approx(1)


def test_the_noise_of_a_mean_differs_by_fit_unless_it_is_seeded() -> None:
    train = people(80)
    assert np.array_equal(means(train).heads(), means(train).heads())
    assert not np.array_equal(means(train).heads(), means(train, 1).heads())
    secret = [means(train, seeded=False).heads() for _ in range(2)]
    assert not np.array_equal(*secret)


def test_too_few_people_are_refused_with_the_number_needed() -> None:
    with pytest.raises(NotEnoughData, match=r"needs 67 people, MEX has 10"):
        train = people(10)
        wide = DenseFeatures(widened(train.encoded.features.dense()))
        encoded = EncodedPairs(train.encoded.pairs, wide)
        public = public_directions(replace(train, encoded=encoded), wide_reference(), 20)
        own = replace(train, encoded=encoded).of("MEX")
        private_mean(own, public, PersonMeansConfig(epsilon=1.0), rng_for(0))


def widened(x_N_D: FloatArray) -> FloatArray:
    return np.concatenate([x_N_D, x_N_D**2], axis=1)


def wide_reference() -> LinearRewardModel:
    return LinearRewardModel(EmbeddingTrunk(HashEncoder(D)), np.full(2 * D, 0.2))


def test_reports_and_pairs_without_a_rater_or_a_public_panel_are_refused() -> None:
    with pytest.raises(InvalidInput, match="needs the choices themselves"):
        means(people(flip=0.2))
    with pytest.raises(NotEnoughData, match="no pairs are public"):
        means(people().of("MEX"))
    train = people()
    pairs = tuple(replace(p, rater=None) for p in train.encoded.pairs)
    nobody = EncodedPairs(pairs, train.encoded.features)
    with pytest.raises(InvalidInput, match="needs a rater for each pair"):
        means(TrainingSet.build(nobody, ["MEX"], "question"))
