"""A society whose tastes we wrote: does steering find them?"""

from typing import Any

import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.methods import (
    AdaptiveConfig,
    RidgeConfig,
    ScpoConfig,
    fit_adaptive,
    fit_full,
    fit_pooled,
    fit_scpo,
    scpo_filter,
)
from pluralign.methods.method import Fit
from pluralign.rewards import LinearRewardModel

LIKE_THE_WORLD = ("~river", "~coast", "~marsh")
CONFIGS: dict[str, tuple[Fit, Any]] = {
    "full": (fit_full, RidgeConfig()),
    "scpo": (fit_scpo, ScpoConfig()),
    "pooled": (fit_pooled, RidgeConfig()),
    "adaptive": (fit_adaptive, AdaptiveConfig()),
}


@pytest.fixture(scope="module")
def models(world: Any) -> dict[str, Any]:
    return {
        n: fit(world.train, world.reference, c, rng_for(0, n)) for n, (fit, c) in CONFIGS.items()
    }


def unsteered(world: Any) -> LinearRewardModel:
    reference, ids = world.reference, world.train.communities
    zeros = np.zeros((len(ids), reference.trunk.dimensions))
    return LinearRewardModel(reference.trunk, reference.reference_D, ids, zeros)


def test_the_reference_learns_the_taste_of_the_majority_and_not_that_of_the_minority(
    world: Any,
) -> None:
    reference = unsteered(world)
    assert world.recovery(reference, "~river") > 0.9
    assert world.recovery(reference, "~hill") < 0


@pytest.mark.parametrize("name", ["full", "scpo", "adaptive"])
def test_steering_to_a_minority_recovers_its_taste_better_than_the_reference_does(
    world: Any, models: dict[str, Any], name: str
) -> None:
    assert world.recovery(models[name], "~hill") > world.recovery(unsteered(world), "~hill") + 0.3
    accuracy = (world.margins(models[name], "~hill") > 0).mean()
    assert accuracy > (world.margins(unsteered(world), "~hill") > 0).mean() + 0.05


def test_one_model_for_all_serves_the_minority_worse_than_its_own(
    world: Any, models: dict[str, Any]
) -> None:
    own, shared = (world.margins(models[n], "~hill") > 0 for n in ("full", "pooled"))
    assert own.mean() > shared.mean() + 0.05


@pytest.mark.parametrize("community", ["~isle", *LIKE_THE_WORLD])
def test_adaptive_steering_hurts_no_community_beyond_noise(
    world: Any, models: dict[str, Any], community: str
) -> None:
    before, after = (
        world.margins(m, community) > 0 for m in (unsteered(world), models["adaptive"])
    )
    gain_N = after.astype(float) - before
    assert gain_N.mean() > -2 * gain_N.std() / np.sqrt(len(gain_N))


def test_learning_from_contradiction_alone_wins_the_contested_pairs_and_loses_the_rest(
    world: Any,
) -> None:
    """Published: filter only is best where the reference errs, worst overall; weights moderate."""
    before_N = world.margins(unsteered(world), *LIKE_THE_WORLD)
    configs = [ScpoConfig(weight=w, ridge=0.1) for w in (True, False)]
    fitted = [fit_scpo(world.train, world.reference, c, rng_for(0)) for c in configs]
    scpo_N, filtered_N = (world.margins(model, *LIKE_THE_WORLD) > 0 for model in fitted)
    assert filtered_N.mean() < scpo_N.mean() - 0.015
    assert filtered_N[before_N < 0].mean() > scpo_N[before_N < 0].mean() + 0.015


def test_the_minority_keeps_more_of_its_pairs_through_the_filter(world: Any) -> None:
    kept = {}
    for community in ("~river", "~hill"):
        margin_N = world.train.of(community).encoded.margins(world.reference.reference_D)
        kept[community] = scpo_filter(margin_N, tau=0.7).mean()
    assert kept["~hill"] > kept["~river"] + 0.1
