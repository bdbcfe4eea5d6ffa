import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from pluralign.core import FloatArray, PreferencePair, rng_for
from pluralign.encoders import HashEncoder
from pluralign.rewards import (
    DenseFeatures,
    EmbeddingTrunk,
    TableFeatures,
    bradley_terry_loss,
    fit_path,
    fit_paths,
)
from pluralign.rewards import features as module
from pluralign.rewards.features import as_features, chunks, products


def table(pairs: int, seed: int = 0, prompts: bool = True) -> TableFeatures:
    rng = rng_for(seed, "table")
    vector_T_d = rng.normal(size=(30, 6)).astype(np.float32)
    return TableFeatures(vector_T_d, rng.integers(0, 30, size=(3 if prompts else 2, pairs)), 0.7)


@pytest.mark.parametrize("prompts", [True, False])
def test_a_table_gives_the_features_of_a_full_matrix(prompts: bool) -> None:
    features = table(50, prompts=prompts)
    e, index = features.vector_T_d, features.index_3_N
    response_N_d = e[index[0]] - e[index[1]]
    expected = (
        [response_N_d, np.float32(0.7) * e[index[2]] * response_N_d] if prompts else [response_N_d]
    )
    assert_array_equal(features.dense(), np.concatenate(expected, axis=1))
    assert features.shape == features.dense().shape


@given(st.integers(1, 40), st.integers(0, 99), st.booleans())
def test_taking_pairs_then_reading_is_reading_then_taking(
    pairs: int, seed: int, masked: bool
) -> None:
    features = table(pairs, seed)
    rng = rng_for(seed, "rows")
    rows = rng.random(pairs) < 0.5 if masked else rng.integers(0, pairs, size=2 * pairs)
    assert_array_equal(features.take(rows).dense(), features.dense()[rows])
    assert_array_equal(DenseFeatures(features.dense()).take(rows).dense(), features.dense()[rows])


def test_chunks_cover_every_pair_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    features = table(20)
    read = list(chunks(features))
    assert [rows for rows, _ in read] == [slice(0, 7), slice(7, 14), slice(14, 20)]
    assert_array_equal(np.concatenate([chunk for _, chunk in read]), features.dense())


def test_a_product_with_a_head_is_the_product_with_the_matrix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    features, theta_D_C = table(20), rng_for(1, "heads").normal(size=(12, 2))
    dense = features.dense().astype(np.float64)
    assert_allclose(products(features, theta_D_C), dense @ theta_D_C)
    assert_allclose(products(features, theta_D_C[:, 0]), dense @ theta_D_C[:, 0])


@pytest.mark.parametrize(
    "pairs", [8, 200], ids=["fewer pairs than dimensions", "more pairs than dimensions"]
)
def test_a_fit_from_a_table_is_the_fit_from_its_matrix(
    pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, prior_D = table(pairs), rng_for(2, "prior").normal(size=12)
    expected = fit_path(features.dense(), (3.0, 1.0), prior_D)
    monkeypatch.setattr(
        "pluralign.rewards.choices._AT_HAND", 0
    )  # as for many pairs: computed whenever they are read
    assert_array_equal(fit_path(features, (3.0, 1.0), prior_D), expected)


@pytest.mark.parametrize("texts", [3, 6], ids=["dual", "primal"])
def test_comparisons_that_many_people_made_are_joined_and_give_the_heads_of_all_pairs(
    texts: int,
) -> None:
    rng = rng_for(3, "many people")
    first_N, second_N = rng.integers(texts, size=(2, 300))
    vector_T_d = rng.normal(size=(texts, 10)).astype(np.float32)
    features = TableFeatures(vector_T_d, np.stack([first_N, second_N]))
    weight_N, prior_P_D = rng.uniform(0, 2, size=300), rng.normal(size=(2, 10))
    joined_K_P_D = fit_paths(features, (3.0, 0.3), prior_P_D, weight_N)
    apart_K_P_D = fit_paths(features.dense(), (3.0, 0.3), prior_P_D, weight_N)
    assert_allclose(joined_K_P_D, apart_K_P_D, atol=1e-6)


def test_the_loss_of_a_table_is_the_loss_of_its_matrix() -> None:
    features, zero_D = table(30), np.zeros(12)

    def loss(of: FloatArray | TableFeatures) -> tuple[float, list[float]]:
        value, slope_D = bradley_terry_loss(of, np.ones(30), 1.0, zero_D, zero_D + 0.1)
        return value, slope_D.tolist()

    assert loss(features) == loss(features.dense())


def test_a_matrix_counts_as_features_and_features_stay_as_they_are() -> None:
    features = table(3)
    assert as_features(features) is features
    assert_array_equal(as_features(np.eye(3)).dense(), np.eye(3))


def test_a_pair_more_takes_three_indices_not_a_row_of_features() -> None:
    texts = [f"word{i} other{i}" for i in range(40)]
    pairs = [
        PreferencePair(str(i), "Q", texts[i % 40], texts[(i + 1) % 40], "MEX") for i in range(4000)
    ]
    trunk = EmbeddingTrunk(HashEncoder())

    def kept(n: int) -> int:
        tracemalloc.start()
        encoded = trunk.encode_pairs(pairs[:n])
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(encoded) == n
        return size

    kept(1000)  # what is made once
    assert (kept(4000) - kept(1000)) / 3000 < 40  # bytes a pair; a row of features is 2,048
