"""LoRe and PAL: heads that are mixtures of a few bases."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from pluralign.core import FloatArray, InvalidInput, rng_for
from pluralign.encoders import HashEncoder
from pluralign.methods import RidgeConfig, TrainingSet, mixtures, pooled_heads
from pluralign.methods.adapting import choice_margins
from pluralign.methods.lore import LoreConfig, fit_lore, learn_lore
from pluralign.methods.mixtures import Candidate, Mixture, MixtureFit, _problem, mixture_loss
from pluralign.methods.pal import PalConfig, fit_pal, learn_pal
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel

ONE = LoreConfig(bases=(2,), ridges=(1.0,))
ONE_PAL = PalConfig(prototypes=(2,), ridges=(1.0,), anchored=(True,))


def flat_reference(dimensions: int) -> LinearRewardModel:
    return LinearRewardModel(EmbeddingTrunk(HashEncoder(dimensions // 2)), np.zeros(dimensions))


def choices_of(head_C_D: FloatArray, each: int, seed: int) -> dict[str, FloatArray]:
    """Pairs that people with these heads chose, by Bradley and Terry's law."""
    rng = rng_for(seed, "planted")
    found = {}
    for c, head_D in enumerate(head_C_D):
        rows = rng.normal(size=(each, len(head_D))) / np.sqrt(len(head_D))
        chose = rng.random(each) < 1 / (1 + np.exp(-rows @ head_D))
        found[f"~c{c:02d}"] = np.where(chose[:, None], rows, -rows)
    return found


def test_the_gradients_of_the_objective_are_those_of_finite_differences(
    numbers: Callable[..., TrainingSet],
) -> None:
    train = numbers(choices_of(rng_for(0).normal(size=(3, 4)), 9, 0))
    problem, rng = _problem(train, balanced=True), rng_for(1, "point")
    offset_N = rng.normal(size=27)
    change_P_K, share_C_K = rng.normal(size=(4, 2)), rng.dirichlet([1, 1], size=3)
    _, slope_P_K, gain_C_K = mixture_loss(problem, offset_N, 0.7, change_P_K, share_C_K)

    def by_change(z: FloatArray) -> float:
        return mixture_loss(problem, offset_N, 0.7, z.reshape(4, 2), share_C_K)[0]

    def by_share(z: FloatArray) -> float:
        return mixture_loss(problem, offset_N, 0.7, change_P_K, z.reshape(3, 2))[0]

    expected = approx_fprime(change_P_K.ravel(), by_change, 1e-7)
    np.testing.assert_allclose(slope_P_K.ravel(), expected, atol=1e-4)
    expected = approx_fprime(share_C_K.ravel(), by_share, 1e-7)
    np.testing.assert_allclose(gain_C_K.ravel(), expected, atol=1e-4)


def test_one_base_for_equal_communities_is_the_pooled_head(village: Any) -> None:
    train = village.train.of("~river", "~hill")
    fit = MixtureFit(village.reference, pull=1.0, balanced=False, seed=0)
    (mixture,) = fit.each(train, [Candidate(1, 2.0)])
    (pooled_C_D,) = pooled_heads(train, village.reference, RidgeConfig(), [2.0])
    np.testing.assert_allclose(mixture.base_K_D, pooled_C_D[:1], atol=2e-3)


@pytest.mark.parametrize(("fit", "config"), [(fit_lore, ONE), (fit_pal, ONE_PAL)])
def test_adapting_to_all_pairs_of_a_community_is_the_fit(
    village: Any, fit: Any, config: Any
) -> None:
    learn = {fit_lore: learn_lore, fit_pal: learn_pal}[fit]
    train, reference = village.train, village.reference
    model = fit(train, reference, config, rng_for(3))
    shared = learn(train, reference, config, rng_for(3))
    for community, head_D in zip(model.communities, model.heads(), strict=True):
        adapted = shared.adapt(train.of(community))
        np.testing.assert_allclose(adapted.reference_D, head_D, atol=1e-12)


def test_without_choices_a_community_gets_the_mean_of_those_seen(village: Any) -> None:
    shared = learn_lore(village.train, village.reference, ONE, rng_for(3))
    nothing = village.train.without(np.ones(len(village.train.encoded), dtype=bool))
    expected_D = shared.share_C_K.mean(axis=0) @ shared.base_K_D
    np.testing.assert_allclose(shared.head(nothing), expected_D)
    assert choice_margins(shared.adapt(nothing), nothing.encoded).shape == (0,)


def test_shares_of_a_new_community_are_the_best_on_the_simplex(village: Any) -> None:
    shared = learn_lore(
        village.train, village.reference, LoreConfig((3,), (1.0,), pull=0.0), rng_for(3)
    )
    choices = village.train.of("~isle")
    margin_N_K = choices.encoded.margins(shared.base_K_D.T)

    def loss(share_K: FloatArray) -> float:
        return float(np.logaddexp(0, -margin_N_K @ share_K).sum())

    best = loss(shared.shares(choices))
    others = rng_for(0).dirichlet(np.ones(3), size=200)
    assert all(best <= loss(share_K) + 1e-3 for share_K in (*np.eye(3), *others))


def test_planted_tastes_of_low_rank_are_recovered_better_than_each_community_alone(
    numbers: Callable[..., TrainingSet],
) -> None:
    rng = rng_for(4, "truth")
    base_K_D = 4 * rng.normal(size=(3, 40))
    head_C_D = rng.dirichlet(np.full(3, 0.3), size=16) @ base_K_D
    train = numbers(choices_of(head_C_D, 60, 5))
    config = LoreConfig(bases=(1, 3), ridges=(1.0, 0.3))
    model = fit_lore(train, flat_reference(40), config, rng_for(6))
    alone_C_D = np.stack([train.of(c).heads([0.3], np.zeros(40))[0] for c in train.communities])

    def likeness(found_C_D: FloatArray) -> float:
        pairs = zip(found_C_D, head_C_D, strict=True)
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))

    assert likeness(model.heads()) > likeness(alone_C_D) + 0.1
    assert likeness(model.heads()) > 0.8


def test_two_planted_prototypes_are_found_and_each_community_is_near_its_own(
    numbers: Callable[..., TrainingSet],
) -> None:
    prototype_K_D = 4 * rng_for(7, "prototypes").normal(size=(2, 30))
    own_C = np.arange(12) % 2
    train = numbers(choices_of(prototype_K_D[own_C], 80, 8))
    config = PalConfig(prototypes=(1, 2), ridges=(1.0,), anchored=(False,))
    shared = learn_pal(train, flat_reference(30), config, rng_for(9))
    assert shared.base_K_D.shape == (2, 30)
    likeness_K_K = np.corrcoef(shared.base_K_D, prototype_K_D)[:2, 2:]
    match_K = likeness_K_K.argmax(axis=0)
    assert sorted(match_K.tolist()) == [0, 1]
    assert likeness_K_K.max(axis=0).min() > 0.85
    assert (shared.share_C_K.argmax(axis=1) == match_K[own_C]).mean() == 1


@pytest.mark.parametrize("learn", [learn_lore, learn_pal])
def test_the_same_seed_gives_the_same_bases_to_the_last_bit(village: Any, learn: Any) -> None:
    config = ONE if learn is learn_lore else ONE_PAL
    first, again = (
        learn(village.train, village.reference, config, rng_for(1)).base_K_D for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_more_bases_than_communities_are_not_searched_for_again(
    numbers: Callable[..., TrainingSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = numbers(choices_of(rng_for(1).normal(size=(2, 6)), 30, 2))
    searches: list[int] = []
    search = mixtures._fit

    def counted(problem: Any, anchor_D: FloatArray, ridge: float, bases: int, rng: Any) -> Any:
        searches.append(bases)
        return search(problem, anchor_D, ridge, bases, rng)

    monkeypatch.setattr(mixtures, "_fit", counted)
    config = LoreConfig(bases=(2, 5, 10), ridges=(3.0, 1.0))
    shared = learn_lore(train, flat_reference(6), config, rng_for(0))
    assert shared.base_K_D.shape == (2, 6)
    # Each ridge in each of three folds, and the choice on all pairs.
    assert searches == [2] * 7


def test_too_few_people_to_hold_any_out_take_the_first_candidate(
    numbers: Callable[..., TrainingSet],
) -> None:
    train = numbers({"MEX": rng_for(0).normal(size=(6, 4))}, raters=1)
    config = LoreConfig(bases=(1,), ridges=(3.0, 1.0))
    shared = learn_lore(train, flat_reference(4), config, rng_for(0))
    (alone,) = MixtureFit(flat_reference(4), 1.0, True, 0).each(train, [Candidate(1, 3.0)])
    assert isinstance(shared, Mixture)
    np.testing.assert_allclose(shared.base_K_D, alone.base_K_D)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (lambda: LoreConfig(bases=(0,)), "number of bases"),
        (lambda: LoreConfig(ridges=(0.0,)), "ridge"),
        (lambda: PalConfig(prototypes=()), "number of bases"),
        (lambda: PalConfig(pull=-1.0), "pull must be"),
    ],
)
def test_settings_out_of_range_are_refused(config: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        config()
