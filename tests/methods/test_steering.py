"""Laws that every way of fitting heads must keep."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray, rng_for
from pluralign.methods import (
    AdaptiveConfig,
    RidgeConfig,
    ScpoConfig,
    TrainingSet,
    fit_adaptive,
    fit_full,
    fit_pooled,
    fit_scpo,
    steered,
)
from pluralign.methods.method import Fit
from pluralign.rewards import EncodedPairs, LinearRewardModel

FITS: dict[str, tuple[Fit, Any]] = {
    "full": (fit_full, RidgeConfig()),
    "scpo": (fit_scpo, ScpoConfig()),
    "pooled": (fit_pooled, RidgeConfig()),
    "adaptive": (fit_adaptive, AdaptiveConfig()),
}
every_fit = pytest.mark.parametrize("name", FITS)
alone = pytest.mark.parametrize("name", ["full", "scpo"])


def margins(village: Any, train: TrainingSet, name: str) -> FloatArray:
    """Test margins under the head of each community, in the order of ``train.communities``."""
    fit, config = FITS[name]
    model: Any = fit(train, village.reference, config, rng_for(0, "fit"))
    margin_N_C: FloatArray = village.test.margins(model.heads().T)
    return margin_N_C


def renamed(train: TrainingSet, communities: dict[str, str], rater: str = "{}") -> TrainingSet:
    pairs = [
        replace(p, community=communities.get(p.community, p.community), rater=rater.format(p.rater))
        for p in train.encoded.pairs
    ]
    encoded = EncodedPairs(tuple(pairs), train.encoded.features)
    return TrainingSet.build(encoded, [communities.get(c, c) for c in train.communities])


@every_fit
def test_the_order_of_the_pairs_does_not_matter(village: Any, name: str) -> None:
    train = village.train
    rows = rng_for(0, "order").permutation(len(train.encoded))
    shuffled = TrainingSet(train.encoded.take(rows), train.communities, train.unit_N[rows])
    np.testing.assert_allclose(
        margins(village, shuffled, name), margins(village, train, name), atol=1e-5
    )


@every_fit
def test_names_of_communities_and_raters_do_not_matter(village: Any, name: str) -> None:
    other = renamed(
        village.train,
        {"~river": "NZL", "~hill": "AUS", "~isle": "~east", "~world": "~west"},
        rater="x{}",
    )
    np.testing.assert_allclose(
        margins(village, other, name), margins(village, village.train, name), atol=1e-5
    )


@every_fit
def test_the_order_of_the_communities_does_not_matter(village: Any, name: str) -> None:
    turned = replace(village.train, communities=village.train.communities[::-1])
    np.testing.assert_allclose(
        margins(village, turned, name)[:, ::-1], margins(village, village.train, name), atol=1e-5
    )


@every_fit
def test_the_same_seed_gives_the_same_heads(village: Any, name: str) -> None:
    assert np.array_equal(
        margins(village, village.train, name), margins(village, village.train, name)
    )


@every_fit
def test_the_reference_is_left_as_it_was(village: Any, name: str) -> None:
    before = village.reference.reference_D.copy()
    fit, config = FITS[name]
    model: Any = fit(village.train, village.reference, config, rng_for(0))
    assert np.array_equal(village.reference.reference_D, before)
    assert np.array_equal(model.reference_D, before)


@alone
def test_a_community_fitted_alone_does_not_feel_the_others(village: Any, name: str) -> None:
    everybody = margins(village, village.train, name)[:, [1]]
    np.testing.assert_allclose(
        margins(village, village.train.of("~hill"), name), everybody, atol=1e-12
    )


@pytest.mark.parametrize("name", ["full", "scpo", "pooled"])
def test_a_pair_of_weight_zero_is_as_if_it_were_not_there(village: Any, name: str) -> None:
    train = village.train
    ignored = np.arange(len(train.encoded)) % 5 == 0
    pairs = [
        replace(p, weight=0.0) if skip else p
        for p, skip in zip(train.encoded.pairs, ignored, strict=True)
    ]
    weighted = replace(train, encoded=EncodedPairs(tuple(pairs), train.encoded.features))
    np.testing.assert_allclose(
        margins(village, weighted, name), margins(village, train.without(ignored), name), atol=1e-5
    )


@every_fit
def test_a_pull_without_end_keeps_the_reference(village: Any, name: str) -> None:
    fit, config = FITS[name]
    strong = (
        AdaptiveConfig((1e9,), (), (1e9,)) if name == "adaptive" else replace(config, ridge=1e9)
    )
    model: Any = fit(village.train, village.reference, strong, rng_for(0))
    np.testing.assert_allclose(
        model.heads(), np.tile(village.reference.reference_D, (3, 1)), atol=1e-5
    )


def test_scpo_without_filter_and_weight_is_full_fine_tuning(village: Any) -> None:
    full = fit_full(village.train, village.reference, RidgeConfig(0.5), rng_for(0)).heads()
    for config in (
        ScpoConfig(filter=False, weight=False, ridge=0.5),
        ScpoConfig(tau=1.0, weight=False, ridge=0.5),
    ):
        heads = fit_scpo(village.train, village.reference, config, rng_for(0)).heads()
        np.testing.assert_array_equal(heads, full)


def test_the_loss_is_not_divided_by_the_sum_of_weights(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    """As published: where every pair weighs half, the pull towards the reference counts double."""
    margin = -1.1 * np.log(2)
    train = numbers({"MEX": np.tile([margin, 1.0, 0.0, 0.0], (8, 1))})
    half = fit_scpo(train, flat, ScpoConfig(ridge=1.0), rng_for(0)).heads()
    full = fit_full(train, flat, RidgeConfig(ridge=2.0), rng_for(0)).heads()
    np.testing.assert_allclose(half, full, atol=1e-5)


def test_a_community_whose_every_pair_is_filtered_out_stays_at_the_reference(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    agreed, contested = np.array([[5.0, 1, 1, 1]] * 6), np.array([[-1.0, 1, 0, 0]] * 6)
    model = fit_scpo(numbers({"MEX": agreed, "GBR": contested}), flat, ScpoConfig(), rng_for(0))
    assert not model.delta_C_D[0].any()
    assert model.delta_C_D[1].any()


def test_pooled_gives_every_community_the_same_head_and_learns_from_none_but_them(
    village: Any,
) -> None:
    heads = fit_pooled(village.train, village.reference, RidgeConfig(), rng_for(0)).heads()
    assert np.ptp(heads, axis=0).max() == 0
    without_panel = village.train.of("~river", "~hill", "~isle")
    np.testing.assert_array_equal(
        heads, fit_pooled(without_panel, village.reference, RidgeConfig(), rng_for(0)).heads()
    )


def test_heads_are_kept_as_differences_from_the_reference(flat: LinearRewardModel) -> None:
    heads = np.arange(8.0).reshape(2, 4)
    model = steered(flat, ("MEX", "GBR"), heads)
    np.testing.assert_array_equal(model.heads(), heads)
    np.testing.assert_array_equal(model.delta_C_D, heads - flat.reference_D)
