"""Simple ways to serve a community from few choices."""

from typing import Any

import numpy as np

from pluralign.core import rng_for
from pluralign.methods import (
    AdaptiveConfig,
    RidgeConfig,
    ScpoConfig,
    TrainingSet,
    fit_adaptive,
    full_heads,
    scpo_heads,
)
from pluralign.methods.few_choices import learn_alone, learn_mixture, learn_nearest

# A pull without end: the mixture of communities seen is kept.
FEW = AdaptiveConfig((3.0,), (), (3.0, 1.0), share_pull=1e9, guard=100.0)


def nothing(train: TrainingSet) -> TrainingSet:
    return train.without(np.ones(len(train.encoded), dtype=bool))


def test_the_kept_mixture_of_all_pairs_of_a_community_is_the_fit(village: Any) -> None:
    learned = learn_mixture(village.train, village.reference, FEW, rng_for(2))
    model = fit_adaptive(village.train, village.reference, FEW, rng_for(2))
    for k, community in enumerate(model.communities):
        own = village.train.of(community)
        np.testing.assert_allclose(learned.adapt(own).reference_D, model.heads()[k], atol=1e-4)


def test_the_kept_mixture_without_choices_is_one_of_the_shared_levels(village: Any) -> None:
    learned = learn_mixture(village.train, village.reference, FEW, rng_for(2))
    each = learned.share_K.reshape(len(learned.prior_P_D), -1).sum(axis=1)
    found = learned.head(nothing(village.train))
    np.testing.assert_allclose(found, each @ learned.prior_P_D, atol=1e-12)


def test_the_nearest_head_is_the_one_with_the_least_loss_on_the_choices(village: Any) -> None:
    config = RidgeConfig()
    learned = learn_nearest(village.train, village.reference, config, rng_for(0))
    own = village.train.of("~hill")
    losses = np.logaddexp(0, -own.encoded.margins(learned.head_C_D.T)).sum(axis=0)
    nearest = learned.adapt(own).reference_D
    np.testing.assert_array_equal(nearest, learned.head_C_D[losses.argmin()])
    none = learned.adapt(nothing(village.train)).reference_D
    np.testing.assert_array_equal(none, learned.together_D)


def test_choices_alone_are_a_fit_from_the_reference(village: Any) -> None:
    own = village.train.of("~hill")
    for heads, config in ((full_heads, RidgeConfig()), (scpo_heads, ScpoConfig())):
        learned = learn_alone(heads)(village.train, village.reference, config, rng_for(0))
        fitted = heads(own, village.reference, config, [learned.ridge])[0, 0]
        np.testing.assert_array_equal(learned.adapt(own).reference_D, fitted)
        none = learned.adapt(nothing(village.train)).reference_D
        np.testing.assert_array_equal(none, village.reference.reference_D)
