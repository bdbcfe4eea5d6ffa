from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray, NotEnoughData, rng_for
from pluralign.methods import (
    RIDGES,
    RidgeChoice,
    RidgeConfig,
    TrainingSet,
    choose_ridge,
    full_heads,
    held_out_margins,
)
from pluralign.methods.ridges import mean_losses
from pluralign.rewards import LinearRewardModel


def taught(truth_D: FloatArray, n: int, sureness: float, seed: int = 0) -> FloatArray:
    """Differences chosen by raters who like ``truth_D``; with ``sureness`` 0 they toss a coin."""
    rng = rng_for(seed, "taught")
    x_N_D = rng.normal(size=(n, len(truth_D)))
    chosen_N = rng.random(n) < 1 / (1 + np.exp(-sureness * x_N_D @ truth_D))
    return np.where(chosen_N[:, None], x_N_D, -x_N_D)


ODD = np.array([-1.0, 1.0, 1.0, -1.0])


def test_where_labels_are_noise_the_strongest_pull_is_chosen(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    agreeing = taught(flat.reference_D, 300, sureness=1.0)
    choice = choose_ridge(
        full_heads, numbers({"MEX": agreeing}, 30), flat, RidgeConfig(), rng_for(0)
    )
    assert choice.ridge == max(RIDGES)
    assert list(choice.loss) == list(RIDGES)


def test_where_there_is_much_clean_data_a_weak_pull_is_chosen(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    clean = taught(ODD, 600, sureness=10.0)
    choice = choose_ridge(full_heads, numbers({"MEX": clean}, 30), flat, RidgeConfig(), rng_for(0))
    assert choice.ridge == min(RIDGES)
    assert choice.loss[choice.ridge] == min(choice.loss.values()) < np.log(2)


def test_each_community_counts_the_same_however_many_pairs_it_has(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    few, many = taught(ODD, 60, 2.0, seed=1), taught(flat.reference_D, 600, 1.0, seed=2)
    alone = [
        choose_ridge(full_heads, numbers({c: x}, 60), flat, RidgeConfig(), rng_for(0))
        for c, x in (("MEX", few), ("GBR", many))
    ]
    both = choose_ridge(
        full_heads, numbers({"MEX": few, "GBR": many}, 60), flat, RidgeConfig(), rng_for(0)
    )
    for ridge, loss in both.loss.items():
        assert loss == pytest.approx((alone[0].loss[ridge] + alone[1].loss[ridge]) / 2, abs=0.03)


@pytest.mark.parametrize("raters", [2, 3, 7])
def test_no_rater_is_divided_and_each_is_held_out_once(
    numbers: Callable[..., TrainingSet], raters: int
) -> None:
    train = numbers({"MEX": np.ones((20, 4)), "GBR": np.ones((30, 4))}, raters)
    seen: list[set[str]] = []

    def spy(inner: TrainingSet) -> FloatArray:
        """Heads that tell by their margin which call they come from."""
        whole = [
            u
            for u in set(inner.unit_N.tolist())
            if (inner.unit_N == u).sum() == (train.unit_N == u).sum()
        ]
        assert set(whole) == set(inner.unit_N.tolist()), "a rater is divided"
        seen.append(set(whole))
        return np.full((2, len(inner.communities), 4), len(seen) / 4)

    margin_N_K = held_out_margins(spy, train, 2, rng_for(0))
    assert margin_N_K.shape == (50, 2)
    assert len(seen) == 3
    for unit, margin in zip(train.unit_N.tolist(), margin_N_K[:, 0], strict=True):
        assert unit not in seen[int(margin) - 1], "a head has seen the rater it is judged by"
    held = [set(train.unit_N.tolist()) - inner for inner in seen]
    assert sum(map(len, held)) == len(set.union(*held)) == 2 * raters


def test_pairs_of_communities_not_steered_to_are_not_judged(village: Any) -> None:
    margin_N_K = held_out_margins(
        lambda inner: np.zeros((1, len(inner.communities), 64)), village.train, 1, rng_for(0)
    )
    unjudged = np.isnan(margin_N_K[:, 0])
    assert set(village.train.community_N[unjudged]) == {"~world"}
    assert "~world" not in village.train.community_N[~unjudged]


def test_a_rater_who_is_a_whole_community_cannot_be_judged(
    numbers: Callable[..., TrainingSet],
) -> None:
    train = TrainingSet.build(
        numbers({"MEX": np.ones((4, 4)), "GBR": np.ones((30, 4))}, 4).encoded, ["MEX", "GBR"]
    )
    others = [p.community == "MEX" and p.rater != "MEX/r0" for p in train.encoded.pairs]
    one = train.without(np.array(others))
    margin_N_K = held_out_margins(
        lambda inner: np.ones((1, len(inner.communities), 4)), one, 1, rng_for(0)
    )
    assert np.isnan(margin_N_K[one.community_N == "MEX"]).all()
    assert not np.isnan(margin_N_K[one.community_N == "GBR"]).any()


def test_one_rater_cannot_be_held_out(numbers: Callable[..., TrainingSet]) -> None:
    train = numbers({"MEX": np.ones((5, 4))}, raters=1)
    with pytest.raises(NotEnoughData, match="fewer than two"):
        held_out_margins(lambda inner: np.zeros((1, 1, 4)), train, 1, rng_for(0))


@pytest.mark.parametrize("communities", [["MEX"], ["MEX", "GBR"], ["MEX", "GBR", "NZL", "AUS"]])
def test_with_one_rater_in_each_community_the_strongest_pull_is_chosen(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel, communities: list[str]
) -> None:
    train = numbers({c: np.ones((5, 4)) for c in communities}, raters=1)
    choice = choose_ridge(full_heads, train, flat, RidgeConfig(), rng_for(0), ridges=(3.0, 0.3))
    assert choice == RidgeChoice(3.0, {})


@pytest.mark.filterwarnings("error")
def test_pairs_that_are_never_held_out_raise_no_warning(
    numbers: Callable[..., TrainingSet],
) -> None:
    pairs = numbers({"MEX": taught(ODD, 60, 2.0), "GBR": taught(ODD, 60, 2.0, seed=1)}, 30)
    margin_N_K = np.ones((len(pairs.encoded), 2))
    margin_N_K[:10] = np.nan
    assert np.isfinite(mean_losses(margin_N_K, pairs)).all()
