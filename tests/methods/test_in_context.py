"""VPL and GPO: networks that read a community's choices."""

from typing import Any

import numpy as np
import pytest

from pluralign.core import (
    InvalidInput,
    MissingExtra,
    PreferencePair,
    RewardRequest,
    Steer,
    UnknownCommunity,
    rng_for,
)
from pluralign.encoders import HashEncoder
from pluralign.methods import (
    GpoConfig,
    TrainingSet,
    VplConfig,
    choice_margins,
    fit_gpo,
    fit_vpl,
    learn_gpo,
    learn_vpl,
)
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel

pytest.importorskip("torch")

QUICK: dict[str, Any] = {
    "vpl": (learn_vpl, fit_vpl, VplConfig(betas=(0.0,), rates=(0.01,), steps=(20,), context=10)),
    "gpo": (
        learn_gpo,
        fit_gpo,
        GpoConfig(width=8, heads=2, layers=1, rates=(0.01,), steps=(20,), context=10),
    ),
}
both = pytest.mark.parametrize("name", QUICK)
REQUESTS = [RewardRequest("Q", "Be bold and take the risk."), RewardRequest("Q", "Go slowly.")]


def nothing(train: TrainingSet) -> TrainingSet:
    return train.without(np.ones(len(train.encoded), dtype=bool))


@both
def test_adapting_to_all_pairs_of_a_community_is_the_fit(village: Any, name: str) -> None:
    learn, fit, config = QUICK[name]
    model = fit(village.train, village.reference, config, rng_for(0))
    shared = learn(village.train, village.reference, config, rng_for(0))
    for community in model.communities:
        adapted = shared.adapt(village.train.of(community))
        fitted = model.score(REQUESTS, Steer.to(community))
        np.testing.assert_allclose(adapted.score(REQUESTS), fitted, rtol=1e-12)


@both
def test_a_blend_is_one_of_rewards_and_the_world_is_the_reference(village: Any, name: str) -> None:
    _, fit, config = QUICK[name]
    train = village.train.without(village.train.community_N == "~world")
    model = fit(train, village.reference, config, rng_for(0))
    hill, base = model.score(REQUESTS, "~hill"), model.score(REQUESTS)
    np.testing.assert_array_equal(base, village.reference.score(REQUESTS))
    blend = model.score(REQUESTS, Steer({"~hill": 0.5, "~world": 0.5}, strength=2.0))
    np.testing.assert_allclose(blend, hill, atol=1e-9)
    with pytest.raises(UnknownCommunity):
        model.score(REQUESTS, "~nowhere")


@both
def test_a_reward_does_not_depend_on_the_other_responses_nor_on_the_order_of_choices(
    village: Any, name: str
) -> None:
    learn, _, config = QUICK[name]
    shared = learn(village.train, village.reference, config, rng_for(0))
    own = village.train.of("~isle")
    few = own.without(np.arange(len(own.encoded)) >= 6)
    turned = TrainingSet(few.encoded.take(np.arange(6)[::-1]), few.communities, few.unit_N[::-1])
    alone = shared.adapt(few).score(REQUESTS[:1])
    np.testing.assert_allclose(shared.adapt(few).score(REQUESTS)[:1], alone, atol=1e-5)
    np.testing.assert_allclose(shared.adapt(turned).score(REQUESTS)[:1], alone, atol=1e-5)


@both
def test_the_same_seed_gives_the_same_rewards_and_leaves_the_numbers_of_torch_alone(
    village: Any, name: str
) -> None:
    import torch

    _, fit, config = QUICK[name]
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again = (
        fit(village.train, village.reference, config, rng_for(0)).score_all(REQUESTS)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert torch.equal(torch.rand(1), expected)


@both
def test_without_steps_that_teach_rewards_are_those_of_the_reference(
    village: Any, name: str
) -> None:
    """A community of one unit has no other pairs to predict."""
    learn, _, config = QUICK[name]
    own = village.train.of("~isle")
    single = TrainingSet(own.encoded, own.communities, np.zeros(len(own.encoded), dtype=int))
    shared = learn(single, village.reference, config, rng_for(0))
    expected = village.reference.score(REQUESTS)
    np.testing.assert_allclose(shared.adapt(single).score(REQUESTS), expected, atol=1e-5)


def opposites(people: int, pairs: int, topics: int, dimensions: int) -> TrainingSet:
    """Communities that like one of two words, as their name says, whatever the topic."""
    rng, found = rng_for(3, "opposites"), []
    for c in range(people):
        for i in range(pairs):
            topic = f"topic{rng.integers(topics)}"
            texts = [f"bold {topic}", f"slow {topic}"]
            chosen, rejected = texts if c % 2 else texts[::-1]
            community = f"~{'bold' if c % 2 else 'slow'}{c}"
            found.append(
                PreferencePair(f"{c}/{i}", "Q", chosen, rejected, community, rater=f"{c}/{i % 6}")
            )
    encoded = EmbeddingTrunk(HashEncoder(dimensions)).encode_pairs(found)
    return TrainingSet.build(encoded, sorted({p.community for p in found}))


@pytest.mark.parametrize(
    ("learn", "config", "topics", "dimensions"),
    [
        (learn_vpl, VplConfig(betas=(0.0, 0.01), rates=(0.01,), steps=(100, 200)), 12, 32),
        (learn_gpo, GpoConfig(width=16, layers=1, rates=(0.03,), steps=(300,)), 1, 8),
    ],
)
def test_two_planted_tastes_are_told_apart_by_five_choices_of_a_new_community(
    learn: Any, config: Any, topics: int, dimensions: int
) -> None:
    train = opposites(10, 18, topics, dimensions)
    trunk = EmbeddingTrunk(HashEncoder(dimensions))
    reference = LinearRewardModel(trunk, np.zeros(trunk.dimensions))
    new = ("~bold9", "~slow8")
    seen = train.without(np.isin(train.community_N, new))

    def least_margin(shared: Any, community: str) -> float:
        own = train.of(community)
        five = own.without(np.arange(len(own.encoded)) >= 5)
        return float(choice_margins(shared.adapt(five), own.encoded).min())

    # About one start of GPO in four stays where it began, with all margins near 0. Those that leave
    # it have margins above 5: so this does not depend on the last bits of one start.
    for start in range(6):
        shared = learn(seen, reference, config, rng_for(start))
        if min(least_margin(shared, community) for community in new) > 1.0:
            break
    else:
        pytest.fail("six starts learned nothing from choices")
    # Without choices there is nothing to tell them apart by.
    empty_N = choice_margins(shared.adapt(nothing(train)), train.encoded)
    assert abs((empty_N > 0).mean() - 0.5) < 0.2


@pytest.mark.parametrize("kind", ["plain", "unbiased", "forward"])
def test_losses_of_reported_choices_are_those_of_linear_heads(kind: Any) -> None:
    from pluralign.methods.networks import as_tensor
    from pluralign.rewards import report_losses
    from pluralign.rewards.torch_losses import report_loss

    margin_N, flip_N = rng_for(0).normal(size=6), np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.0])
    found = report_loss(as_tensor(margin_N), as_tensor(flip_N), kind)
    np.testing.assert_allclose(found, report_losses(margin_N, flip_N, kind), atol=1e-5)


def test_without_torch_the_extra_is_named(village: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluralign.methods.in_context.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="embed"):
        learn_vpl(village.train, village.reference, VplConfig(), rng_for(0))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (lambda: VplConfig(rates=()), "learning rate"),
        (lambda: VplConfig(betas=(-1.0,)), "beta"),
        (lambda: GpoConfig(steps=(0,)), "number of steps"),
        (lambda: GpoConfig(context=0), "context must be"),
        (lambda: GpoConfig(width=30), "multiple of 4 heads"),
        (lambda: GpoConfig(width=0), "width, layers, heads and feedforward must be >= 1"),
        (lambda: GpoConfig(rates=(float("nan"),)), "each learning rate must be a number > 0"),
        (lambda: VplConfig(latent=0), "hidden and latent must be >= 1"),
        (lambda: VplConfig(betas=(float("inf"),)), "each beta must be a number >= 0"),
    ],
)
def test_settings_out_of_range_are_refused(config: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        config()
