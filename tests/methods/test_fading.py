"""Where steering fades is chosen on topics that are left out."""

from dataclasses import replace

import numpy as np
import pytest

from pluralign.core import FloatArray, PreferencePair, rng_for
from pluralign.methods import AdaptiveConfig, TrainingSet, fit_adaptive
from pluralign.methods.fading import TOPICS, learn_fading, topics_of
from pluralign.methods.ridges import FOLDS
from pluralign.rewards import EncodedPairs, Fading, LinearRewardModel, TableFeatures

WIDTH, TASTE = 24, 6.0


def survey(stems: int = 60, seed: int = 0) -> TrainingSet:
    """Pairs of two communities on planted topics; people prefer the first dimension."""
    rng = rng_for(seed, "survey")
    topic_S = np.arange(stems) % TOPICS
    prompt_S_d = np.eye(WIDTH)[topic_S] + rng.normal(size=(stems, WIDTH)) * 0.1
    prompt_S_d /= np.linalg.norm(prompt_S_d, axis=1, keepdims=True)
    response_R_d = rng.normal(size=(40, WIDTH)) / np.sqrt(WIDTH)
    vector_T_d = np.concatenate([prompt_S_d, response_R_d]).astype(np.float32)
    pairs, rows = [], []
    for k in range(12 * stems):
        first, other = stems + rng.choice(40, size=2, replace=False)
        if vector_T_d[first, 0] < vector_T_d[other, 0]:
            first, other = other, first
        stem, community = k % stems, "KEN" if rng.random() < 0.4 else "MEX"
        pairs.append(PreferencePair(
            str(k), f"Q{stem}", f"A{first}", f"A{other}", community, stem=f"s{stem}"
        ))  # fmt: skip
        rows.append((first, other, stem))
    features = TableFeatures(vector_T_d, np.array(rows, dtype=np.int32).T, scale=0.5)
    return TrainingSet.build(EncodedPairs(tuple(pairs), features), ["KEN", "MEX"], by="stem")


def taste(sign: float) -> FloatArray:
    """A head that prefers the first dimension, or its opposite."""
    head_D = np.zeros(2 * WIDTH)
    head_D[0] = sign * TASTE
    return head_D


class Bare:
    """A trunk with a number of dimensions only."""

    dimensions = 2 * WIDTH


def started(sign: float) -> LinearRewardModel:
    """A reference with this taste."""
    return LinearRewardModel(Bare(), taste(sign))  # type: ignore[arg-type]


def learned(train: TrainingSet, reference: float, steered: float) -> Fading:
    def heads(inner: TrainingSet, start: LinearRewardModel) -> FloatArray:
        return np.tile(taste(steered), (len(inner.communities), 1))

    found = learn_fading(train, started(reference), heads, rng_for(0, "fading"))
    assert found is not None
    return found


def prompts(train: TrainingSet) -> FloatArray:
    found = train.encoded.features.prompts()
    assert found is not None
    return found[0]


FAR = np.eye(WIDTH)[TOPICS + 1 :][:3]


def test_where_steering_misleads_on_left_out_topics_it_stops_on_new_ones_only() -> None:
    train = survey()
    fading = learned(train, reference=1, steered=-1)
    assert (fading.strengths(FAR, ["KEN", "MEX"]) == 0).all()
    assert (fading.strengths(prompts(train), ["MEX"]) > 0.9).mean() > 0.9


def test_where_steering_helps_on_left_out_topics_it_is_full_on_such_topics() -> None:
    train = survey()
    fading = learned(train, reference=-1, steered=1)
    assert fading.start == 0
    assert (fading.strengths(prompts(train), ["MEX"]) == 1).all()


def test_beyond_all_topics_that_were_left_out_there_is_no_evidence_and_no_steering() -> None:
    fading = learned(survey(), reference=-1, steered=1)
    assert fading.strengths(np.zeros((1, WIDTH)), ["MEX", "NGA"]).tolist() == [[0.0, 0.0]]


def test_topics_are_whole_stems_that_belong_together_dealt_to_three_folds() -> None:
    train = survey()
    found = train.encoded.features.prompts()
    assert found is not None
    topic_N = topics_of(train, *found, rng_for(0))
    assert topic_N is not None
    planted_N = np.array([int(p.stem[1:]) % TOPICS for p in train.encoded.pairs])
    stems = {(p.stem, topic) for p, topic in zip(train.encoded.pairs, topic_N, strict=True)}
    assert len(stems) == 60
    # One of the planted topics may lie in two clusters, or two in one.
    assert len(set(zip(topic_N.tolist(), planted_N.tolist(), strict=True))) <= TOPICS + 1
    assert len(set((topic_N % FOLDS).tolist())) == FOLDS


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_pairs_does_not_matter(seed: int) -> None:
    train = survey()
    order = rng_for(seed, "order").permutation(len(train.encoded))
    shuffled = train.take(order, train.communities)
    first, second = learned(train, 1, -1), learned(shuffled, 1, -1)
    assert (first.start, first.full) == (second.start, second.full)
    for community in first.asked:
        np.testing.assert_array_equal(first.asked[community], second.asked[community])


def test_with_too_few_stems_or_without_vectors_of_prompts_nothing_is_learned() -> None:
    def heads(inner: TrainingSet, start: LinearRewardModel) -> FloatArray:
        raise AssertionError("nothing is to be fitted")

    assert learn_fading(survey(stems=20), started(1), heads, rng_for(0)) is None
    train = survey()
    features = train.encoded.features
    assert isinstance(features, TableFeatures)
    alone = replace(features, index_3_N=features.index_3_N[:2])
    bare = replace(train, encoded=EncodedPairs(train.encoded.pairs, alone))
    assert learn_fading(bare, started(1), heads, rng_for(0)) is None


def test_prompts_that_are_all_alike_teach_nothing_and_warn_of_nothing(
    recwarn: pytest.WarningsRecorder,
) -> None:
    train = survey()
    features = train.encoded.features
    assert isinstance(features, TableFeatures)
    same_T_d = features.vector_T_d.copy()
    same_T_d[:60] = same_T_d[0]
    alike = replace(
        train, encoded=EncodedPairs(train.encoded.pairs, replace(features, vector_T_d=same_T_d))
    )

    def heads(inner: TrainingSet, start: LinearRewardModel) -> FloatArray:
        raise AssertionError("nothing is to be fitted")

    assert learn_fading(alike, started(1), heads, rng_for(0)) is None
    assert not recwarn.list


def test_where_the_only_pairs_that_count_are_of_one_topic_nothing_is_learned() -> None:
    """It ended with an error that there were too few raters, which there were not."""
    train = survey()
    pairs = tuple(replace(p, weight=float(p.community == "MEX")) for p in train.encoded.pairs)
    kept = [k for k, p in enumerate(pairs) if p.community == "KEN" or p.stem == "s0"]
    encoded = EncodedPairs(pairs, train.encoded.features).take(np.array(kept))
    few = TrainingSet.build(encoded, train.communities, by="stem")

    def heads(inner: TrainingSet, start: LinearRewardModel) -> FloatArray:
        return np.tile(taste(1), (len(inner.communities), 1))

    assert learn_fading(few, started(1), heads, rng_for(0)) is None


def test_adaptive_fades_unless_it_is_told_not_to() -> None:
    train, reference = survey(), started(-0.2)
    small = AdaptiveConfig(shared_ridges=(1.0,), zero_ridges=(), own_ridges=(1.0,))
    fades = fit_adaptive(train, reference, small, rng_for(0))
    never = fit_adaptive(train, reference, replace(small, fade=False), rng_for(0))
    assert fades.fading is not None
    assert never.fading is None
    np.testing.assert_array_equal(fades.delta_C_D, never.delta_C_D)
