"""Products of principal components of prompts and responses."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray, InvalidInput, PreferencePair, RewardRequest, Steer, rng_for
from pluralign.encoders import HashEncoder
from pluralign.rewards import (
    DenseFeatures,
    EmbeddingTrunk,
    EncodedPairs,
    LinearRewardModel,
    TableFeatures,
    features_under,
    fit_bradley_terry,
    fit_components,
    fit_trunk,
    load_reward_model,
    save_reward_model,
)

SIZE = 6
PROMPTS, RESPONSES = 40, 60


class Random:
    """Unit vectors at random for the numbered texts of these tests."""

    fingerprint = "random"
    dimensions = SIZE

    def encode(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.stack([rng_for(0, text.strip()).normal(size=SIZE) + 0.3 for text in texts])
        unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit.astype(np.float32)


TRUNK = EmbeddingTrunk(Random())


def some_pairs(n: int, seed: int = 0) -> list[PreferencePair]:
    rng = rng_for(seed, "pairs")
    found = []
    for k in range(n):
        first, second = rng.choice(RESPONSES, size=2, replace=False)
        prompt = f"prompt {rng.integers(PROMPTS)}"
        found.append(PreferencePair(str(k), prompt, f"text {first}", f"text {second}", "GBR"))
    return found


def table(pairs: Sequence[PreferencePair]) -> TableFeatures:
    features = TRUNK.encode_pairs(pairs).features
    assert isinstance(features, TableFeatures)
    return features


def fitted(pairs: Sequence[PreferencePair], components: int) -> tuple[Any, EncodedPairs]:
    encoded = TRUNK.encode_pairs(pairs)
    return fit_trunk(TRUNK, encoded, np.arange(len(pairs)), components)


def outer_products(trunk: EmbeddingTrunk, pairs: Sequence[PreferencePair]) -> FloatArray:
    """The response and all products of the elements of both vectors, at the trunk's scale."""
    assert trunk.components is not None
    of = {text: Random().encode([text])[0].astype(np.float64) for p in pairs for text in texts(p)}
    factor = np.linalg.norm(trunk.components.prompt_d_p[:, 0])
    rows = []
    for pair in pairs:
        difference = of[pair.chosen] - of[pair.rejected]
        prompt = 0.5 * factor * (of[str(pair.prompt)] - trunk.components.mean_d)
        rows.append(np.concatenate([difference, np.outer(prompt, difference).ravel()]))
    return np.array(rows)


def texts(pair: PreferencePair) -> tuple[str, str, str]:
    return str(pair.prompt), pair.chosen, pair.rejected


def test_with_all_components_a_head_predicts_as_on_the_full_outer_product() -> None:
    pairs = some_pairs(150)
    trunk, encoded = fitted(pairs[:100], SIZE)
    assert trunk.dimensions == SIZE + SIZE**2
    full_N_D, test = outer_products(trunk, pairs), trunk.encode_pairs(pairs[100:])
    head_D = fit_bradley_terry(encoded.features, ridge=1.0)
    rotated_D = fit_bradley_terry(full_N_D[:100], ridge=1.0)
    np.testing.assert_allclose(test.margins(head_D), full_N_D[100:] @ rotated_D, atol=2e-5)


def test_a_taste_for_one_direction_that_depends_on_another_of_the_prompt_is_learned() -> None:
    pairs = [turned_by_taste(pair) for pair in some_pairs(900)]
    plain = TRUNK.encode_pairs(pairs)
    _, encoded = fit_trunk(TRUNK, plain, np.arange(600), SIZE)
    right = {}
    for name, read in (("by element", plain), ("components", encoded)):
        head_D = fit_bradley_terry(read.take(np.arange(600)).features, ridge=0.01)
        right[name] = (read.take(np.arange(600, 900)).margins(head_D) > 0).mean()
    assert right["by element"] < 0.6
    assert right["components"] > 0.9


def turned_by_taste(pair: PreferencePair) -> PreferencePair:
    """What speaks for the fifth dimension where the prompt has the first, and else against it."""
    prompt, chosen, rejected = Random().encode(texts(pair))
    if (prompt[0] - 0.1) * (chosen[4] - rejected[4]) > 0:
        return pair
    return replace(pair, chosen=pair.rejected, rejected=pair.chosen)


def test_neither_order_nor_choices_nor_texts_that_are_held_out_matter() -> None:
    pairs = some_pairs(80)
    found = fit_components(table(pairs), 3).digest
    assert fit_components(table(pairs[::-1]), 3).digest == found
    turned = [replace(p, chosen=p.rejected, rejected=p.chosen) for p in pairs]
    assert fit_components(table(turned), 3).digest == found
    for others in (some_pairs(50, seed=1), some_pairs(7, seed=2)):
        both = [*others, *pairs]
        rows = np.arange(len(others), len(both))
        trunk, _ = fit_trunk(TRUNK, TRUNK.encode_pairs(both), rows, 3)
        assert isinstance(trunk, EmbeddingTrunk) and trunk.components is not None
        assert trunk.components.digest == found


def test_a_text_counts_once_however_often_it_occurs() -> None:
    pairs = some_pairs(80)
    often, once = (fit_components(table(p), 3) for p in ([*pairs, *pairs[:1] * 30], pairs))
    np.testing.assert_array_equal(often.mean_d, once.mean_d)
    np.testing.assert_array_equal(often.response_d_r, once.response_d_r)


def test_directions_are_orthonormal_and_their_scores_uncorrelated_the_first_largest() -> None:
    pairs = some_pairs(300)
    found = fit_components(table(pairs), 4)
    np.testing.assert_allclose(found.response_d_r.T @ found.response_d_r, np.eye(4), atol=1e-6)
    distinct = sorted({text for p in pairs for text in (p.chosen, p.rejected)})
    covariance = np.cov(found.of_responses(Random().encode(distinct)).T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-7)
    assert (np.diff(np.diag(covariance)) < 0).all()
    for directions in (found.prompt_d_p, found.response_d_r):
        largest = np.abs(directions).argmax(axis=0)
        assert (directions[largest, np.arange(4)] > 0).all()


def test_products_of_scores_are_as_large_as_products_by_element() -> None:
    pairs = some_pairs(100)
    _, encoded = fitted(pairs, 2)
    by_element = TRUNK.encode_pairs(pairs).features.dense()[:, SIZE:]
    products = encoded.features.dense()[:, SIZE:]
    assert (products**2).sum() == pytest.approx((by_element**2).sum(), rel=1e-5)


def test_a_pair_is_the_features_of_chosen_minus_those_of_rejected() -> None:
    pairs = some_pairs(30)
    trunk, encoded = fitted(pairs, 3)
    chosen = [RewardRequest(p.prompt, p.chosen) for p in pairs]
    rejected = [RewardRequest(p.prompt, p.rejected) for p in pairs]
    expected = trunk.features(chosen) - trunk.features(rejected)
    assert encoded.features.shape == expected.shape == (30, trunk.dimensions)
    np.testing.assert_allclose(encoded.features.dense(), expected, atol=1e-6)
    alone = np.vstack([trunk.features([request]) for request in chosen])
    np.testing.assert_array_equal(trunk.features(chosen), alone)
    again = trunk.encode_pairs(pairs).features
    np.testing.assert_array_equal(again.dense(), encoded.features.dense())
    assert trunk.kinds == {"response": slice(0, 6), "interaction": slice(6, 15)}


@pytest.mark.parametrize(("prompts", "components"), [(1, 0), (2, 1), (3, 2), (9, 4)])
def test_n_prompts_vary_in_fewer_than_n_directions(prompts: int, components: int) -> None:
    pairs = [replace(p, prompt=f"prompt {k % prompts}") for k, p in enumerate(some_pairs(40))]
    trunk, encoded = fitted(pairs, 4)
    assert trunk.components.shape == (components, 4)
    assert encoded.features.dense().shape == (40, SIZE + 4 * components)
    assert np.isfinite(encoded.features.dense()).all()


def test_responses_that_are_read_alike_tie_exactly() -> None:
    pairs = [*some_pairs(30), PreferencePair("t", "prompt 1", "text 1", "text 1 ", "GBR")]
    _, encoded = fitted(pairs, 3)
    assert encoded.alike_N.tolist() == [False] * 30 + [True]
    assert encoded.margins(np.ones(encoded.features.shape[1]))[-1] == 0


def test_a_fit_on_a_table_is_the_fit_on_its_matrix() -> None:
    pairs = some_pairs(60)
    _, encoded = fitted([*pairs, *pairs, *pairs], 3)
    on_table = fit_bradley_terry(encoded.features, ridge=1.0)
    on_matrix = fit_bradley_terry(DenseFeatures(encoded.features.dense()), ridge=1.0)
    np.testing.assert_allclose(on_table, on_matrix, atol=1e-6)


def test_without_components_trunk_and_pairs_stay_the_same() -> None:
    encoded = TRUNK.encode_pairs(some_pairs(5))
    assert fit_trunk(TRUNK, encoded, np.arange(5), 0) == (TRUNK, encoded)


def saved(folder: Path, components: int = 3) -> LinearRewardModel:
    trunk, _ = fitted(some_pairs(50), components)
    rng = rng_for(1, "heads")
    size = trunk.dimensions
    model = LinearRewardModel(trunk, rng.normal(size=size), ("GBR",), rng.normal(size=(1, size)))
    described = {"kind": "embedding", "encoder": "hash", "interaction": 0.5}
    save_reward_model(model, folder, described | {"components": components})
    return model


def test_a_saved_model_comes_back_with_its_components(tmp_path: Path) -> None:
    model, requests = saved(tmp_path), [RewardRequest("prompt 3", f"text {k}") for k in range(9)]
    for trunk in (TRUNK, model.trunk):
        again = load_reward_model(tmp_path, trunk)
        assert again.trunk.fingerprint == model.trunk.fingerprint
        for steer in (None, Steer.to("GBR", 0.5)):
            np.testing.assert_array_equal(
                again.score(requests, steer), model.score(requests, steer)
            )
    assert again.described["components"] == 3
    assert "component_counts" not in again.described


def test_a_saved_model_refuses_another_encoder_with_components_too(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(InvalidInput, match="the model was fitted on 'random"):
        load_reward_model(tmp_path, EmbeddingTrunk(HashEncoder(SIZE)))


def test_the_fingerprint_changes_with_the_components() -> None:
    trunks = [TRUNK, *(fitted(some_pairs(n), k)[0] for n in (50, 51) for k in (2, 3))]
    assert len({trunk.fingerprint for trunk in trunks}) == 5


def test_texts_are_encoded_once_for_trunks_that_differ_in_components_alone() -> None:
    class Counting(Random):
        calls = 0

        def encode(self, texts: Sequence[str]) -> FloatArray:
            self.calls += 1
            return super().encode(texts)

    encoder, requests = Counting(), [RewardRequest("prompt 3", f"text {k}") for k in range(9)]
    trunks = [
        replace(fitted(some_pairs(n), 2)[0], encoder=encoder) for n in (50, 51, 52)
    ]  # fmt: skip
    found = list(features_under(trunks, requests))
    assert encoder.calls == 1
    for trunk, feature_N_D in zip(trunks, found, strict=True):
        np.testing.assert_array_equal(feature_N_D, trunk.features(requests))
