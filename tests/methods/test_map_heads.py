"""MAP: a ridge whose covariance is learned from communities."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray, InvalidInput, rng_for
from pluralign.encoders import HashEncoder
from pluralign.methods import TrainingSet
from pluralign.methods.map_heads import (
    CommunityPrior,
    MapConfig,
    _first_half,
    fit_map,
    learn_map,
    shared_directions,
)
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel

SMALL = MapConfig(ranks=(0, 1), ratios=(10.0,), ridges=(3.0, 1.0), mean_ridges=(3.0,))


def flat_reference(dimensions: int) -> LinearRewardModel:
    return LinearRewardModel(EmbeddingTrunk(HashEncoder(dimensions // 2)), np.zeros(dimensions))


def a_prior(dimensions: int, rank: int, ridge: float = 2.0) -> CommunityPrior:
    rng = rng_for(0, "prior")
    mean_D, low_D_r = rng.normal(size=dimensions), 3 * rng.normal(size=(dimensions, rank))
    return CommunityPrior(flat_reference(dimensions), mean_D, low_D_r, ridge)


@pytest.mark.parametrize("pairs", [3, 30])
def test_the_head_is_a_stationary_point_of_the_posterior(
    numbers: Callable[..., TrainingSet], pairs: int
) -> None:
    prior = a_prior(8, 2)
    difference_N_D = rng_for(1).normal(size=(pairs, 8))
    head_D = prior.head(numbers({"MEX": difference_N_D}))
    surprise_N = 1 / (1 + np.exp(difference_N_D @ head_D))
    pull_D = np.linalg.solve(prior.covariance(), head_D - prior.mean_D)
    np.testing.assert_allclose(surprise_N @ difference_N_D, pull_D, atol=1e-4)


def test_a_covariance_of_rank_0_is_a_ridge_towards_the_head_for_all(
    numbers: Callable[..., TrainingSet],
) -> None:
    prior, train = a_prior(8, 0), numbers({"MEX": rng_for(1).normal(size=(5, 8))})
    np.testing.assert_allclose(prior.head(train), train.heads([2.0], prior.mean_D)[0])


def test_without_choices_a_community_gets_the_head_for_all(village: Any) -> None:
    learned = learn_map(village.train, village.reference, SMALL, rng_for(0))
    nothing = village.train.without(np.ones(len(village.train.encoded), dtype=bool))
    np.testing.assert_array_equal(learned.adapt(nothing).reference_D, learned.mean_D)


def test_adapting_to_all_pairs_of_a_community_is_the_fit(village: Any) -> None:
    model = fit_map(village.train, village.reference, SMALL, rng_for(2))
    learned = learn_map(village.train, village.reference, SMALL, rng_for(2))
    for community, head_D in zip(model.communities, model.heads(), strict=True):
        adapted = learned.adapt(village.train.of(community))
        np.testing.assert_allclose(adapted.reference_D, head_D, atol=1e-12)


def planted(numbers: Callable[..., TrainingSet], each: int) -> tuple[TrainingSet, Any, Any]:
    """Sixteen communities whose heads differ from one head along two directions only."""
    rng = rng_for(4, "truth")
    direction_2_D = np.linalg.qr(rng.normal(size=(40, 2)))[0].T
    mean_D = rng.normal(size=40)
    head_C_D = mean_D + 8 * rng.normal(size=(16, 2)) @ direction_2_D
    found = {}
    for c, head_D in enumerate(head_C_D):
        rows = rng.normal(size=(each, 40)) / np.sqrt(40)
        chose = rng.random(each) < 1 / (1 + np.exp(-rows @ head_D))
        found[f"~c{c:02d}"] = np.where(chose[:, None], rows, -rows)
    return numbers(found, raters=20), head_C_D, direction_2_D


def likeness(found_C_D: FloatArray, head_C_D: FloatArray) -> float:
    pairs = zip(found_C_D, head_C_D, strict=True)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def test_planted_directions_are_found_and_make_better_heads_than_a_ridge(
    numbers: Callable[..., TrainingSet],
) -> None:
    train, head_C_D, direction_2_D = planted(numbers, 100)
    ridges = {"ridges": (3.0, 1.0, 0.3, 0.1), "mean_ridges": (3.0,)}
    config = MapConfig(ranks=(0, 2), ratios=(10.0, 100.0), **ridges)
    learned = learn_map(train, flat_reference(40), config, rng_for(5))
    assert learned.low_D_r.shape == (40, 2)
    span_D_2 = np.linalg.qr(learned.low_D_r)[0]
    # The length of each planted direction within the span that was learned, 1 at most.
    assert np.linalg.norm(direction_2_D @ span_D_2, axis=1).min() > 0.8
    low = fit_map(train, flat_reference(40), config, rng_for(5))
    round_ = fit_map(train, flat_reference(40), MapConfig(ranks=(0,), **ridges), rng_for(5))
    assert likeness(low.heads(), head_C_D) > likeness(round_.heads(), head_C_D) + 0.1


@pytest.mark.parametrize(("communities", "directions"), [(3, 6), (16, 20)])
def test_shared_directions_are_those_of_the_moment_of_all_dimensions(
    numbers: Callable[..., TrainingSet], communities: int, directions: int
) -> None:
    rng = rng_for(communities)
    named = {f"~c{c:02d}": rng.normal(size=(40, 20)) for c in range(communities)}
    prior, train = a_prior(20, 0), numbers(named, raters=8)
    first_N = _first_half(train, rng_for(1))
    half_C_D = [
        np.stack([prior.head(half.of(c)) for c in named]) - prior.mean_D
        for half in (train.without(first_N), train.without(~first_N))
    ]
    moment_D_D = half_C_D[0].T @ half_C_D[1] / communities
    whole_D, every_D_D = np.linalg.eigh((moment_D_D + moment_D_D.T) / 2)
    value_R, vector_D_R = shared_directions(prior, train, rng_for(1))
    assert vector_D_R.shape == (20, directions)
    np.testing.assert_allclose(vector_D_R.T @ vector_D_R, np.eye(directions), atol=1e-12)
    kept = int(np.sum(whole_D > 1e-9))
    assert np.sum(value_R > 1e-9) == kept > 2
    np.testing.assert_allclose(value_R[:kept], whole_D[::-1][:kept])
    np.testing.assert_allclose(
        np.abs(np.sum(vector_D_R[:, :kept] * every_D_D[:, ::-1][:, :kept], axis=0)), 1
    )


def test_halves_that_agree_on_nothing_and_single_communities_give_no_direction(
    numbers: Callable[..., TrainingSet],
) -> None:
    alone = numbers({"MEX": rng_for(0).normal(size=(12, 8))})
    value_R, _ = shared_directions(a_prior(8, 0), alone, rng_for(1))
    assert not value_R.any()
    model = fit_map(alone, flat_reference(8), SMALL, rng_for(1))
    assert np.isfinite(model.heads()).all()


def test_the_same_seed_gives_the_same_heads_to_the_last_bit(village: Any) -> None:
    first, again = (
        fit_map(village.train, village.reference, SMALL, rng_for(1)).heads() for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ranks": (-1,)}, "each rank"),
        ({"ranks": ()}, "each rank"),
        ({"ratios": (0.0,)}, "each ratio"),
        ({"ratios": (float("nan"),)}, "each ratio"),
        ({"ratios": (float("inf"),)}, "each ratio"),
        ({"ridges": (0.0,)}, "ridge"),
    ],
)
def test_settings_out_of_range_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        MapConfig(**settings)
