"""Heads of communities that nobody trained on."""

from dataclasses import replace

import numpy as np
import pytest

from pluralign.core import InvalidInput, PreferencePair, UnknownCommunity, rng_for
from pluralign.rewards import (
    HeadPrior,
    LinearRewardModel,
    heads_made,
    unseen_id,
    with_prior_heads,
)

TEXTS = ["Tea, of course.", "Coffee.", "Neither of them.", "Water from the well."]


def choice(k: int, community: str = "KEN") -> PreferencePair:
    chosen, rejected = TEXTS[k % 4], TEXTS[(k + 1 + k // 4) % 4]
    return PreferencePair(f"{k}", f"Drink {k}?", chosen, rejected, community, f"r{k % 3}")


@pytest.fixture
def ready(model: LinearRewardModel) -> LinearRewardModel:
    """The model with a prior."""
    rng = rng_for(1, "prior")
    prior = HeadPrior(rng.normal(size=64), rng.normal(size=(64, 2)), 3.0, 3, 40, 900)
    return replace(model, prior=prior)


CHOICES = [choice(k) for k in range(6)]


def test_without_choices_the_head_is_the_mean_of_the_prior(ready: LinearRewardModel) -> None:
    adapted = ready.adapt([], "Kenya")
    assert adapted.communities == (*ready.communities, "KEN")
    assert ready.prior is not None
    np.testing.assert_allclose(adapted.head("KEN"), ready.prior.mean_D, atol=1e-12)
    assert heads_made(adapted.about) == {"KEN": "prior"}


def test_other_communities_and_the_reference_stay_as_they_are(ready: LinearRewardModel) -> None:
    adapted = ready.adapt(CHOICES, "KEN")
    for steer in (None, *ready.communities):
        np.testing.assert_array_equal(adapted.head(steer), ready.head(steer))


def test_choices_draw_the_head_towards_them(ready: LinearRewardModel) -> None:
    before, after = ready.adapt([], "KEN"), ready.adapt(CHOICES, "KEN")
    margins = [
        model.score([(c.prompt, c.chosen) for c in CHOICES], "KEN")
        - model.score([(c.prompt, c.rejected) for c in CHOICES], "KEN")
        for model in (before, after)
    ]
    assert margins[1].mean() > margins[0].mean()
    assert after.about["adapted"] == {"KEN": {"choices": 6, "people": 3}}


def test_the_order_of_choices_changes_nothing_to_the_last_bit(ready: LinearRewardModel) -> None:
    turned = ready.adapt(CHOICES[::-1], "KEN")
    np.testing.assert_array_equal(turned.delta_C_D, ready.adapt(CHOICES, "KEN").delta_C_D)


def test_choices_may_be_given_again_but_a_trained_head_stays(ready: LinearRewardModel) -> None:
    twice = ready.adapt(CHOICES[:2], "KEN").adapt(CHOICES, "KEN")
    np.testing.assert_array_equal(twice.delta_C_D, ready.adapt(CHOICES, "KEN").delta_C_D)
    own = [choice(k, "MEX") for k in range(3)]
    with pytest.raises(InvalidInput, match="a head that was trained for MEX"):
        ready.adapt(own, "Mexico")
    over = ready.adapt(own, "MEX", overwrite=True)
    assert over.communities == ready.communities
    assert heads_made(over.about) == {"MEX": "adapted"}


def test_choices_of_others_and_models_without_a_prior_are_refused(
    model: LinearRewardModel, ready: LinearRewardModel
) -> None:
    with pytest.raises(InvalidInput, match="of UGA, not of KEN"):
        ready.adapt([choice(0), choice(1, "UGA")], "KEN")
    with pytest.raises(InvalidInput, match="cannot be adapted"):
        model.adapt([], "KEN")
    with pytest.raises(UnknownCommunity, match="fit it again"):
        with_prior_heads(model, ["KEN"])
    for label in ("Atlantis", "~world"):
        with pytest.raises(UnknownCommunity, match="not a community that a head"):
            ready.adapt([], label)


@pytest.mark.parametrize(
    ("label", "answers"),
    [
        ("Kenya", "KEN"),
        ("KEN/nairobi", "KEN/nairobi"),
        ("~zulu", "~zulu"),
        ("MEX", None),
        ("Mexcio", None),
        ("MEX/oaxaca", None),
        ("~yorubas", None),
        ("~yoruba/north", None),
        ("Atlantis", None),
        ("USA", None),
        ("~world", None),
    ],
)
def test_the_prior_answers_for_no_label_that_may_be_meant_for_another(
    label: str, answers: str | None
) -> None:
    seen = ("GBR", "MEX", "~yoruba")
    assert unseen_id(label, seen, {"reference_fitted_on": ["USA"]}) == answers
