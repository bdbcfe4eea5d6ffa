"""Every method on pairs that teach nothing: of weight 0, or all equal."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from pluralign.core import PreferencePair, rng_for
from pluralign.encoders import HashEncoder
from pluralign.methods import Method, TrainingSet, builtin
from pluralign.methods.group_dro import group_dro_heads
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel
from pluralign.simulation import SocietySource

TRUNK = EmbeddingTrunk(HashEncoder(16))
REFERENCE = LinearRewardModel(TRUNK, np.full(TRUNK.dimensions, 0.1))
PAIRS = list(SocietySource(each=30, thin=10, world=40).pairs())
SMALL = {"vpl": {"steps": (5,)}, "gpo": {"steps": (5,)}}
METHODS = [
    method
    for method in vars(builtin).values()
    if isinstance(method, Method) and method.name != "person-means"
]
Change = Callable[[PreferencePair], PreferencePair]


def rewards(method: Method, pairs: Sequence[PreferencePair]) -> np.ndarray:
    train = TrainingSet.build(TRUNK.encode_pairs(pairs), ["~hill", "~coast"])
    config = method.configure(**SMALL.get(method.name, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = method.fit(train, REFERENCE, config, rng_for(0))
    asked = [("Tea?", "Yes."), ("Tea?", "With my family.")]
    if model.communities:
        return model.score_all(asked).T
    return np.tile(model.score(asked), (2, 1))


def nothing_of_hill(pair: PreferencePair) -> PreferencePair:
    return replace(pair, weight=0.0) if pair.community == "~hill" else pair


def nothing_at_all(pair: PreferencePair) -> PreferencePair:
    return replace(pair, weight=0.0)


def all_equal(pair: PreferencePair) -> PreferencePair:
    one = PAIRS[0]
    return replace(
        pair, prompt=one.prompt, chosen=one.chosen, rejected=one.rejected, question="", stem=""
    )


@pytest.mark.parametrize("change", [nothing_of_hill, nothing_at_all, all_equal])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_pairs_that_teach_nothing_give_numbers_without_a_warning(
    method: Method, change: Change
) -> None:
    assert np.isfinite(rewards(method, [change(pair) for pair in PAIRS])).all()


def test_a_community_of_weight_0_changes_nobody_elses_group_dro() -> None:
    """It ended the search at once, with the reference for everybody."""
    with_hill, alone = (
        [nothing_of_hill(pair) for pair in PAIRS],
        [nothing_of_hill(pair) for pair in PAIRS if pair.community != "~hill"],
    )
    train = TrainingSet.build(TRUNK.encode_pairs(with_hill), ["~hill", "~coast"])
    only = TrainingSet.build(TRUNK.encode_pairs(alone), ["~coast"])
    heads = [group_dro_heads(one, REFERENCE, 0.0, [1.0]) for one in (train, only)]
    np.testing.assert_allclose(*heads, atol=1e-4)
    assert np.abs(heads[0] - REFERENCE.reference_D).max() > 0.01
