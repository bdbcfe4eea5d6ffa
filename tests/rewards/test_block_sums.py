import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime

from pluralign.core import FloatArray, rng_for
from pluralign.rewards import TableFeatures
from pluralign.rewards.block_sums import (
    BLOCK,
    added,
    block_count,
    curvature,
    groups_of,
    losses,
    total_of,
)
from pluralign.rewards.choices import Choices, joined


def choices(pairs: int, seed: int = 0) -> Choices:
    """Choices of some of which the other response won."""
    rng = rng_for(seed, "choices")
    vector_T_d = rng.normal(size=(500, 4)).astype(np.float32)
    features = TableFeatures(vector_T_d, rng.integers(0, 500, size=(3, pairs)), 0.7)
    weight_N = rng.uniform(0.5, 2, size=pairs)
    return Choices(features, weight_N, weight_N * rng.random(pairs))


@given(st.integers(1, 200), st.integers(1, 40))
def test_groups_are_aligned_and_cover_every_block_once_in_order(blocks: int, least: int) -> None:
    groups = groups_of(blocks, least)
    assert [b for group in groups for b in group] == list(range(blocks))
    assert min(least, blocks) <= len(groups)
    size = len(groups[0])
    assert len(groups) == 1 or size & (size - 1) == 0
    assert all(group.start % size == 0 for group in groups)


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 99))
def test_sums_of_groups_add_up_to_the_same_bits_as_sums_of_blocks(
    blocks: int, least: int, seed: int
) -> None:
    """Terms of all sizes, which another order of adding would round to another sum."""
    rng = rng_for(seed, "terms")
    term_B_2 = rng.normal(size=(blocks, 2)) * 10.0 ** rng.integers(-9, 9, size=(blocks, 1))
    grouped = added(added(term_B_2[list(g)].copy()) for g in groups_of(blocks, least))
    assert_array_equal(grouped, added(term_B_2.copy()))


def test_another_order_of_adding_rounds_to_other_bits() -> None:
    """So the laws here are not true of any sum."""
    term_B = rng_for(0, "terms").normal(size=64)
    assert added(np.array([t]) for t in term_B)[0] != sum(term_B.tolist())


@pytest.mark.parametrize("part", [losses, curvature])
@pytest.mark.parametrize("least", [1, 2, 8])
def test_one_group_two_groups_or_eight_give_the_same_bits(part: object, least: int) -> None:
    some = choices(9 * BLOCK + 77)
    theta_P_D = rng_for(1, "heads").normal(size=(2, 8))
    groups = groups_of(block_count(len(some.weight_N)), least)
    assert len(groups) >= least
    total = added(total_of(some, part, theta_P_D, group) for group in groups)
    assert_array_equal(total, total_of(some, part, theta_P_D))


def test_the_sum_of_a_block_has_the_slope_of_its_loss() -> None:
    some, rows = choices(300), slice(100, 250)
    theta_P_D = rng_for(2, "heads").normal(size=(2, 8))
    slope_P_D = losses(some, rows, theta_P_D)[2:].reshape(2, 8)
    for p, theta_D in enumerate(theta_P_D):

        def loss(theta_D: FloatArray) -> float:
            return float(losses(some, rows, theta_D[None])[0])

        assert_allclose(slope_P_D[p], approx_fprime(theta_D, loss), rtol=1e-4, atol=1e-4)


def test_the_curvature_of_a_block_is_the_slope_of_its_gradient() -> None:
    some, rows = choices(300), slice(100, 250)
    theta_D = rng_for(3, "head").normal(size=8)

    def gradient(theta_D: FloatArray) -> FloatArray:
        return losses(some, rows, theta_D[None])[1:]

    expected_D_D = np.tril(approx_fprime(theta_D, gradient))
    assert_allclose(curvature(some, rows, theta_D[None]), expected_D_D, rtol=1e-3, atol=1e-3)


def test_joined_choices_have_the_loss_of_all_choices_to_twelve_digits() -> None:
    rng = rng_for(4, "many people")
    vector_T_d = rng.normal(size=(6, 4)).astype(np.float32)
    features = TableFeatures(vector_T_d, rng.integers(0, 6, size=(2, 3000)))
    weight_N = rng.uniform(0.5, 2, size=3000)
    together, theta_P_D = joined(features, weight_N), rng.normal(size=(1, 4))
    apart = Choices(features, weight_N, np.zeros(3000))
    assert len(together.weight_N) <= 6 * 7 / 2
    assert_allclose(
        total_of(together, losses, theta_P_D), total_of(apart, losses, theta_P_D), rtol=1e-12
    )


@given(st.integers(0, 99))
def test_joined_choices_are_the_same_bits_for_any_order_of_the_pairs(seed: int) -> None:
    rng = rng_for(seed, "order")
    index_2_N, weight_N = rng.integers(0, 5, size=(2, 200)), rng.uniform(0.1, 2, size=200)
    vector_T_d = rng.normal(size=(5, 3)).astype(np.float32)
    order_N = rng.permutation(200)
    one = joined(TableFeatures(vector_T_d, index_2_N), weight_N)
    other = joined(TableFeatures(vector_T_d, index_2_N[:, order_N]), weight_N[order_N])
    assert_array_equal(one.features.dense(), other.features.dense())
    assert_array_equal(one.weight_N, other.weight_N)
    assert_array_equal(one.against_N, other.against_N)
