"""Group DRO: one head that is best for the worst community."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from pluralign.core import FloatArray, InvalidInput, rng_for
from pluralign.methods import RidgeConfig, TrainingSet, pooled_heads
from pluralign.methods.group_dro import (
    TEMPERATURE,
    GroupDroConfig,
    Groups,
    fit_group_dro,
    group_dro_heads,
    learn_group_dro,
    worst_loss,
)
from pluralign.rewards import LinearRewardModel
from pluralign.rewards.distinct_pairs import DistinctPairs

ONE = GroupDroConfig(ridges=(1.0,), adjustments=(0.0,))


def losses_of(train: TrainingSet, head_D: FloatArray) -> FloatArray:
    """Mean loss of each community, shape (C,)."""
    parts = [train.of(c).encoded.margins(head_D) for c in train.communities]
    return np.array([np.logaddexp(0, -margin_n).mean() for margin_n in parts])


@pytest.fixture
def unlike(numbers: Callable[..., TrainingSet]) -> TrainingSet:
    """A majority and a minority that want different things, in four dimensions."""
    rng = rng_for(0, "unlike")
    majority = rng.normal(size=(80, 4)) + np.array([0.8, 0, 0.4, 0])
    minority = rng.normal(size=(15, 4)) + np.array([-0.6, 0.5, 0.4, 0])
    return numbers({"GBR": majority, "MEX": minority})


def test_the_gradient_is_that_of_finite_differences(unlike: TrainingSet) -> None:
    rows, rng = DistinctPairs.of(unlike.encoded.features), rng_for(1)
    member_N = (unlike.community_N == "MEX").astype(int)
    share_N = 1 / np.bincount(member_N)[member_N]
    groups = Groups(rows, member_N, share_N, np.array([0.0, 0.1]), np.zeros(95), "plain")
    offset_N, point_D = rng.normal(size=95), 0.05 * rng.normal(size=4)
    _, slope_D = worst_loss(groups, offset_N, 0.3, point_D)
    expected_D = approx_fprime(point_D, lambda z: worst_loss(groups, offset_N, 0.3, z)[0], 1e-8)
    np.testing.assert_allclose(slope_D, expected_D, atol=1e-4)


def test_the_head_is_the_minimax_of_a_general_solver(
    unlike: TrainingSet, flat: LinearRewardModel
) -> None:
    """The problem with a bound t on every community's loss, solved by another method."""
    pairs, ridge = len(unlike.encoded), 2.0

    def pull(head_D: FloatArray) -> float:
        return 0.5 * ridge / pairs * float(((head_D - flat.reference_D) ** 2).sum())

    found = minimize(
        lambda z: z[4] + pull(z[:4]),
        np.append(flat.reference_D, 2.0),
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda z: z[4] - losses_of(unlike, z[:4])},
        options={"maxiter": 500, "ftol": 1e-12},
    )
    head_D = group_dro_heads(unlike, flat, 0.0, [ridge])[0]
    reached = losses_of(unlike, head_D).max() + pull(head_D)
    assert found.fun - 1e-6 <= reached <= found.fun + TEMPERATURE * np.log(2)


def test_for_one_community_it_is_the_pooled_model(
    numbers: Callable[..., TrainingSet], flat: LinearRewardModel
) -> None:
    train = numbers({"MEX": rng_for(2).normal(size=(30, 4))})
    found = group_dro_heads(train, flat, 0.0, [3.0, 1.0])
    pooled_K_C_D = pooled_heads(train, flat, RidgeConfig(), [3.0, 1.0])
    np.testing.assert_allclose(found, pooled_K_C_D[:, 0], atol=1e-4)


def test_a_planted_minority_is_served_better_and_the_worst_case_with_it(
    unlike: TrainingSet, flat: LinearRewardModel
) -> None:
    worst, pooled = (
        losses_of(unlike, head_D)
        for head_D in (
            group_dro_heads(unlike, flat, 0.0, [1.0])[0],
            pooled_heads(unlike, flat, RidgeConfig(), [1.0])[0, 0],
        )
    )
    assert pooled[1] == pooled.max()
    assert worst.max() < pooled.max() - 0.05
    assert worst[0] > pooled[0]


def test_the_worst_community_of_a_society_is_served_better_on_new_pairs(world: Any) -> None:
    model = fit_group_dro(world.train, world.reference, ONE, rng_for(0))
    (pooled_C_D,) = pooled_heads(world.train, world.reference, RidgeConfig(), [1.0])

    def worst(head_D: FloatArray) -> float:
        parts = [world.test.of([c]).margins(head_D) for c in world.train.communities]
        return max(np.logaddexp(0, -margin_n).mean() for margin_n in parts)

    assert worst(model.heads()[0]) < worst(pooled_C_D[0]) - 0.02


def test_an_adjustment_demands_more_of_a_community_with_few_pairs(
    unlike: TrainingSet, flat: LinearRewardModel
) -> None:
    plain, adjusted = (
        losses_of(unlike, group_dro_heads(unlike, flat, a, [1.0])[0]) for a in (0.0, 1.0)
    )
    assert adjusted[1] < plain[1]


def test_any_choices_adapt_to_the_one_head(village: Any) -> None:
    shared = learn_group_dro(village.train, village.reference, ONE, rng_for(0))
    nothing = village.train.without(np.ones(len(village.train.encoded), dtype=bool))
    for choices in (nothing, village.train.of("~isle")):
        np.testing.assert_array_equal(shared.adapt(choices).reference_D, shared.head_D)


@pytest.mark.parametrize("settings", [{"adjustments": (-1.0,)}, {"adjustments": ()}])
def test_adjustments_out_of_range_are_refused(settings: Any) -> None:
    with pytest.raises(InvalidInput, match="adjustment"):
        GroupDroConfig(**settings)
