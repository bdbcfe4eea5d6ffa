"""The prior of communities that nobody trained on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.encoders import HashEncoder
from pluralign.methods import TrainingSet, learn_prior
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel


def flat_reference(dimensions: int) -> LinearRewardModel:
    return LinearRewardModel(EmbeddingTrunk(HashEncoder(dimensions // 2)), np.zeros(dimensions))


def test_the_mean_is_the_head_of_all_communities_steered_to(village: Any) -> None:
    prior = learn_prior(village.train, village.reference, 3.0, rng_for(0))
    seen = village.train.of(*village.train.communities)
    np.testing.assert_array_equal(prior.mean_D, seen.heads([3.0], village.reference.reference_D)[0])
    assert (prior.communities, prior.pairs) == (3, 130)
    assert prior.people == len({pair.rater for pair in seen.encoded.pairs})


def test_one_community_alone_is_no_head_for_others_so_the_references_people_count_too(
    village: Any,
) -> None:
    alone = village.train.of("~world", "~hill")
    assert alone.communities == ("~hill",)
    assert learn_prior(alone, village.reference, 3.0, rng_for(0)).communities == 2


def test_the_same_seed_gives_the_same_prior_to_the_last_bit(village: Any) -> None:
    first, again = (
        learn_prior(village.train, village.reference, 3.0, rng_for(1)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.mean_D, again.mean_D)
    np.testing.assert_array_equal(first.low_D_r, again.low_D_r)
    assert (first.ridge, first.shares) == (again.ridge, again.shares)


def test_planted_differences_of_few_directions_make_better_heads_of_few_choices(
    numbers: Callable[..., TrainingSet],
) -> None:
    rng = rng_for(4, "truth")
    direction_2_D = np.linalg.qr(rng.normal(size=(40, 2)))[0].T
    mean_D = rng.normal(size=40)
    head_C_D = mean_D + 8 * rng.normal(size=(24, 2)) @ direction_2_D
    pairs = {}
    for c, head_D in enumerate(head_C_D):
        rows = rng.normal(size=(100, 40)) / np.sqrt(40)
        chose = rng.random(100) < 1 / (1 + np.exp(-rows @ head_D))
        pairs[f"~c{c:02d}"] = np.where(chose[:, None], rows, -rows)
    train = numbers(pairs, raters=20)
    seen = train.of(*train.communities[:16])
    prior = learn_prior(seen, flat_reference(40), 3.0, rng_for(5))
    assert prior.low_D_r.shape[1]
    before, after = [], []
    for head_D, id_ in zip(head_C_D[16:], train.communities[16:], strict=True):
        own = train.of(id_)
        few = own.take(np.arange(30), ()).encoded
        before.append(np.corrcoef(prior.mean_D, head_D)[0, 1])
        after.append(np.corrcoef(prior.head(few), head_D)[0, 1])
    assert np.mean(after) > np.mean(before) + 0.1


@pytest.mark.parametrize(("apart", "least", "most"), [(0.2, 0.0, 1.0), (3.0, 2.0, 32.0)])
def test_a_larger_scale_is_learned_where_communities_are_planted_farther_apart(
    numbers: Callable[..., TrainingSet], apart: float, least: float, most: float
) -> None:
    rng = rng_for(8, "truth")
    head_C_D = rng.normal(size=16) + apart * rng.normal(size=(12, 16))
    pairs = {}
    for c, head_D in enumerate(head_C_D):
        rows = rng.normal(size=(100, 16))
        chose = rng.random(100) < 1 / (1 + np.exp(-rows @ head_D))
        pairs[f"~c{c:02d}"] = np.where(chose[:, None], rows, -rows)
    prior = learn_prior(numbers(pairs, raters=20), flat_reference(16), 3.0, rng_for(9))
    assert sum(prior.shares) == pytest.approx(1)
    assert least < 2 ** float(np.dot(prior.shares, np.log2(prior.scales))) < most


def test_of_one_community_alone_all_scales_are_alike(village: Any) -> None:
    alone = village.train.of("~world", "~hill")
    shares = learn_prior(alone, village.reference, 3.0, rng_for(0)).shares
    assert shares == pytest.approx([1 / len(shares)] * len(shares))
