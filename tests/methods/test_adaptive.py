from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray, rng_for
from pluralign.methods import (
    AdaptiveConfig,
    RidgeConfig,
    TrainingSet,
    candidate_heads,
    falls_behind,
    fit_adaptive,
    full_heads,
    pooled_heads,
    stacking_shares,
)
from pluralign.methods.adaptive import candidate_priors, mixed_heads, own_shares
from pluralign.rewards import EncodedPairs, LinearRewardModel, fit_bradley_terry


def test_without_shared_levels_the_candidates_are_the_reference_and_full_fine_tuning(
    village: Any,
) -> None:
    config = AdaptiveConfig(shared_ridges=(), zero_ridges=(), own_ridges=(0.5,))
    heads_K_C_D = candidate_heads(village.train, village.reference, config)
    assert heads_K_C_D.shape == (2, 3, 64)
    np.testing.assert_array_equal(heads_K_C_D[0], np.tile(village.reference.reference_D, (3, 1)))
    (full_C_D,) = full_heads(village.train, village.reference, RidgeConfig(), [0.5])
    np.testing.assert_allclose(heads_K_C_D[1], full_C_D, atol=1e-5)


def test_without_own_levels_the_candidates_are_the_reference_and_two_pooled_models(
    village: Any,
) -> None:
    config = AdaptiveConfig(shared_ridges=(2.0,), zero_ridges=(), own_ridges=())
    train = village.train.without(village.train.community_N == "~coast")
    heads_K_C_D = candidate_heads(train, village.reference, config)
    (steered_to_C_D,) = pooled_heads(train, village.reference, RidgeConfig(), [2.0])
    everybody_D = fit_bradley_terry(train.encoded.features, 2.0, village.reference.reference_D)
    expected = [
        np.tile(village.reference.reference_D, (3, 1)),
        steered_to_C_D,
        np.tile(everybody_D, (3, 1)),
    ]
    np.testing.assert_allclose(heads_K_C_D, expected, atol=1e-5)
    assert not np.allclose(
        heads_K_C_D[1], heads_K_C_D[2], atol=1e-3
    )  # the ~world panel teaches too


def test_without_any_level_only_the_reference_is_left(village: Any) -> None:
    model = fit_adaptive(village.train, village.reference, AdaptiveConfig((), (), ()), rng_for(0))
    assert not model.delta_C_D.any()


def test_every_level_is_combined_with_every_other(village: Any) -> None:
    config = AdaptiveConfig()
    assert candidate_heads(village.train, village.reference, config).shape == (15, 3, 64)
    alone = village.train.without(~np.isin(village.train.community_N, ["~hill", "~world"]))
    assert candidate_heads(alone, village.reference, config, several=False).shape == (9, 1, 64)


@pytest.mark.parametrize("others", [True, False])
def test_levels_that_are_not_needed_are_zeros_and_the_others_stay_as_they_are(
    village: Any, others: bool
) -> None:
    config = AdaptiveConfig()
    train = village.train if others else village.train.of(*village.train.communities)
    all_P_D = candidate_priors(train, village.reference, config, several=True)
    for used_P in np.eye(5, dtype=np.bool_):
        prior_P_D = candidate_priors(train, village.reference, config, True, used_P)
        np.testing.assert_allclose(prior_P_D[used_P], all_P_D[used_P], atol=1e-6)
    prior_P_D = candidate_priors(train, village.reference, config, True, np.zeros(5, np.bool_))
    assert not prior_P_D[1:].any()


@pytest.mark.parametrize("seed", range(3))
def test_mixed_heads_are_the_mixture_of_all_candidates_whichever_have_a_share(
    village: Any, seed: int
) -> None:
    rng, config = rng_for(seed, "shares"), AdaptiveConfig()
    share_C_K = rng.dirichlet(np.ones(15), size=3) * (rng.random(15) < 0.3)
    head_K_C_D = candidate_heads(village.train, village.reference, config)
    mixed_C_D = mixed_heads(village.train, village.reference, config, True, share_C_K)
    np.testing.assert_allclose(mixed_C_D, np.einsum("ck,kcd->cd", share_C_K, head_K_C_D), atol=1e-6)


def loss(margin_N_K: FloatArray, share_K: FloatArray) -> float:
    return float(np.logaddexp(0, -margin_N_K @ share_K).mean())


@pytest.mark.parametrize("seed", range(5))
def test_shares_lie_on_the_simplex_and_no_candidate_nor_mixture_is_better(
    numbers: Callable[..., TrainingSet], seed: int
) -> None:
    rng = rng_for(seed, "candidates")
    margin_N_K = rng.normal(size=(90, 6)) * 2 + rng.normal(size=6)
    share_K = stacking_shares(margin_N_K, numbers({"MEX": np.ones((90, 4))}))
    assert share_K.sum() == pytest.approx(1)
    assert (share_K >= 0).all()
    best = loss(margin_N_K, share_K)
    assert all(
        best <= loss(margin_N_K, other) + 1e-6
        for other in (*np.eye(6), *rng.dirichlet(np.ones(6), size=50))
    )


@pytest.mark.parametrize("better", [0, 1, 2])
def test_the_candidate_that_agrees_with_the_held_out_raters_is_found(
    numbers: Callable[..., TrainingSet], better: int
) -> None:
    margin_N_K = np.tile([-1.0, 1.0], (60, 3))[:, :3] * np.where(np.arange(60) % 2, 1, -1)[:, None]
    margin_N_K[:, better] = 0.5
    share_K = stacking_shares(margin_N_K, numbers({"MEX": np.ones((60, 4))}))
    assert loss(margin_N_K, share_K) <= np.log1p(np.exp(-0.5)) + 1e-6
    assert (margin_N_K @ share_K).min() > 0


def test_a_candidate_that_is_always_right_takes_all(numbers: Callable[..., TrainingSet]) -> None:
    margin_N_K = np.column_stack([np.full(40, -1.0), np.full(40, 2.0), np.full(40, 1.0)])
    share_K = stacking_shares(margin_N_K, numbers({"MEX": np.ones((40, 4))}))
    np.testing.assert_allclose(share_K, [0, 1, 0], atol=1e-4)


def test_in_the_mixture_each_community_counts_the_same_and_unjudged_pairs_not_at_all(
    numbers: Callable[..., TrainingSet],
) -> None:
    rng = rng_for(0, "margins")
    few, many = rng.normal(0.3, 1, size=(20, 4)), rng.normal(0.1, 1, size=(50, 4))
    unjudged = np.full((7, 4), np.nan)
    plain = stacking_shares(
        np.vstack([few, many]), numbers({"MEX": np.ones((20, 4)), "GBR": np.ones((50, 4))})
    )
    repeated = stacking_shares(
        np.vstack([few, many, many, unjudged]),
        numbers({"MEX": np.ones((20, 4)), "GBR": np.ones((107, 4))}),
    )
    np.testing.assert_allclose(repeated, plain, atol=1e-3)


def test_a_planted_harm_is_flagged_and_a_planted_gain_is_not(
    numbers: Callable[..., TrainingSet],
) -> None:
    rng = rng_for(0, "harm")
    train = numbers({c: np.ones((200, 4)) for c in ("MEX", "GBR", "NZL")}, raters=40)
    reference_N = rng.choice([-1.0, 1.0], size=600, p=[0.3, 0.7])
    margin_N = reference_N.copy()
    hurt, helped = rng.choice(200, 40, replace=False), 200 + rng.choice(200, 40, replace=False)
    margin_N[hurt], margin_N[helped] = -1.0, 1.0
    assert falls_behind(margin_N, reference_N, train, 1.0).tolist() == [True, False, False]
    assert falls_behind(margin_N, reference_N, train, 1e9).tolist() == [False, False, False]


def test_harm_that_one_rater_alone_reports_is_within_noise(
    numbers: Callable[..., TrainingSet],
) -> None:
    train, reference_N = numbers({"MEX": np.ones((200, 4))}, raters=20), np.ones(200)
    margin_N = np.where([p.rater == "MEX/r3" for p in train.encoded.pairs], -1.0, 1.0)
    assert falls_behind(margin_N, reference_N, train, 2.0).tolist() == [False]
    spread_N = np.where(np.arange(200) < 20, -1.0, 1.0)
    assert falls_behind(spread_N, reference_N, train, 2.0).tolist() == [True]


def test_a_community_that_could_not_be_judged_falls_back(
    numbers: Callable[..., TrainingSet],
) -> None:
    train = numbers({"MEX": np.ones((5, 4)), "GBR": np.ones((5, 4))})
    margin_N = np.r_[np.ones(5), np.full(5, np.nan)]
    assert falls_behind(margin_N, np.ones(10), train, 1.0).tolist() == [False, True]


@pytest.mark.parametrize("communities", [["MEX"], ["MEX", "GBR", "NZL", "AUS"]])
def test_with_one_rater_a_community_keeps_the_reference(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel, communities: list[str]
) -> None:
    train = numbers({c: np.tile([-1.0, 1.0, 0.0, 0.0], (9, 1)) for c in communities}, raters=1)
    model = fit_adaptive(train, flat, AdaptiveConfig(), rng_for(0))
    assert model.communities == tuple(communities)
    assert not model.delta_C_D.any()


def test_with_many_raters_who_contradict_the_reference_it_is_left(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    train = numbers({"MEX": np.tile([-1.0, 1.0, 0.0, 0.0], (60, 1))}, raters=20)
    model = fit_adaptive(train, flat, AdaptiveConfig(), rng_for(0))
    assert (train.encoded.margins(model.heads()[0]) > 0).all()


def test_where_steering_would_hurt_everybody_the_reference_is_kept(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    """Raters who share the reference's taste, and features that tell nothing more."""
    rng = rng_for(0, "noise")
    x_N_D = np.column_stack([np.abs(rng.normal(size=90)) * 3, rng.normal(size=(90, 3))])
    model = fit_adaptive(numbers({"MEX": x_N_D}, raters=30), flat, AdaptiveConfig(), rng_for(0))
    assert ((x_N_D @ model.heads()[0]) > 0).mean() > 0.95


def test_a_pair_counts_in_every_candidate_by_the_weight_of_its_source(village: Any) -> None:
    train = village.train
    ignored = np.arange(len(train.encoded)) % 5 == 0
    pairs = [
        replace(p, weight=0.0) if skip else p
        for p, skip in zip(train.encoded.pairs, ignored, strict=True)
    ]
    weighted = replace(train, encoded=EncodedPairs(tuple(pairs), train.encoded.features))
    config = AdaptiveConfig()
    np.testing.assert_allclose(
        candidate_heads(weighted, village.reference, config),
        candidate_heads(train.without(ignored), village.reference, config),
        atol=1e-4,
    )


def test_a_community_unlike_the_others_gets_a_mixture_of_its_own(
    numbers: Callable[..., TrainingSet],
) -> None:
    """Two candidates: one is right for most communities, the other for one."""
    communities = ["AUS", "BEL", "CHE", "DNK", "~odd"]
    train = numbers({c: np.ones((40, 4)) for c in communities}, raters=8)
    sign_N = np.where(train.community_N == "~odd", -1.0, 1.0)
    margin_N_K = np.stack([2 * sign_N, -2 * sign_N], axis=1)
    common_K = stacking_shares(margin_N_K, train)
    share_C_K = own_shares(margin_N_K, train, common_K, pull=10.0)
    np.testing.assert_allclose(share_C_K.sum(axis=1), 1)
    assert (share_C_K[:4, 0] > common_K[0] - 1e-6).all()
    assert share_C_K[4, 1] > 0.5 > common_K[1]


def test_a_pull_without_end_gives_every_community_the_mixture_of_all(
    numbers: Callable[..., TrainingSet],
) -> None:
    train = numbers({c: np.ones((20, 4)) for c in ("MEX", "GBR")}, raters=5)
    margin_N_K = np.random.default_rng(7).normal(size=(40, 3))
    common_K = np.array([0.5, 0.3, 0.2])
    share_C_K = own_shares(margin_N_K, train, common_K, pull=1e9)
    np.testing.assert_allclose(share_C_K, np.tile(common_K, (2, 1)), atol=1e-6)


def test_a_community_that_was_never_held_out_gets_the_mixture_of_all(
    numbers: Callable[..., TrainingSet],
) -> None:
    train = numbers({c: np.ones((20, 4)) for c in ("MEX", "GBR")}, raters=5)
    margin_N_K = np.where((train.community_N == "MEX")[:, None], np.nan, np.ones((40, 2)))
    share_C_K = own_shares(margin_N_K, train, np.array([0.7, 0.3]), pull=1.0)
    np.testing.assert_allclose(share_C_K[0], [0.7, 0.3])


def test_shares_of_reported_choices_are_those_of_the_choices(
    numbers: Callable[..., TrainingSet],
) -> None:
    """Of two candidates that differ in scale alone, flipped reports do not favour the smaller."""
    rng = rng_for(0, "reports")
    train = numbers({"MEX": np.ones((4000, 4))}, raters=40)
    flipped_N = rng.random(4000) < 0.3
    reported = tuple(replace(pair, flip=0.3) for pair in train.encoded.pairs)
    private = replace(train, encoded=replace(train.encoded, pairs=reported))
    sure_N = 1.5 + 1.5 * rng.normal(size=4000)
    chosen_N = np.where(rng.random(4000) < 1 / (1 + np.exp(-sure_N)), sure_N, -sure_N)
    seen_N = np.where(flipped_N, -chosen_N, chosen_N)

    def share_of_scale(train: TrainingSet, margin_N: FloatArray) -> float:
        return float(stacking_shares(np.stack([margin_N, 0 * margin_N], axis=1), train)[0])

    clean = share_of_scale(train, chosen_N)
    forward = share_of_scale(replace(private, loss="forward"), seen_N)
    plain = share_of_scale(replace(private, loss="plain"), seen_N)
    assert clean > 0.9
    assert forward > 0.75
    assert plain < 0.5
