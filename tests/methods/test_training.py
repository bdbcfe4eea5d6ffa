import tomllib
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import (
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    rng_for,
)
from pluralign.methods import Method, ScpoConfig, TrainingSet, unit_of
from pluralign.methods.adapting import choice_margins
from pluralign.methods.builtin import SCPO_FILTER_ONLY, SCPO_INVERSE_WEIGHT, SCPO_WEIGHT_ONLY
from pluralign.rewards import DenseFeatures, EncodedPairs

PAIRS = (
    PreferencePair("1", "Q", "A", "B", "GBR", rater="r1", question="q1", stem="s"),
    PreferencePair("2", "Q", "A", "B", "MEX", rater="r2", question="q2", stem="s", weight=0.5),
    PreferencePair("3", "Q", "A", "B", "GBR", question="q1", stem="s"),
)
ENCODED = EncodedPairs(PAIRS, DenseFeatures(np.arange(12.0).reshape(3, 4)))
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
ENTRIES = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]["pluralign.methods"]
BUILT_IN = {
    name: EntryPoint(name, value, "pluralign.methods").load() for name, value in ENTRIES.items()
}
every_method = pytest.mark.parametrize("method", BUILT_IN.values(), ids=BUILT_IN)
EXPECTED = {
    "reference",
    "length",
    "full",
    "scpo",
    "scpo-filter-only",
    "scpo-weight-only",
    "scpo-inverse-weight",
    "pooled",
    "adaptive",
    "lore",
    "pal",
    "map",
    "group-dro",
    "vpl",
    "gpo",
    "props",
    "person-means",
}
FEW_PEOPLE: dict[str, Any] = {
    "person-means": {"epsilon": 1000.0, "dimensions": 2},
    "vpl": {"steps": (10,)},
    "gpo": {"steps": (10,)},
}
"""Settings of methods that refuse the few people of the village otherwise, or take long."""


def test_the_columns_of_a_training_set_are_aligned() -> None:
    train = TrainingSet.build(ENCODED, ["GBR", "MEX"])
    assert train.community_N.tolist() == ["GBR", "MEX", "GBR"]
    assert train.weight_N.tolist() == [1, 0.5, 1]
    assert train.unit_N.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("by", "units"),
    [
        ("rater", ["rater:r1", "rater:r2", "stem:s"]),
        ("both", ["rater:r1", "rater:r2", "stem:s"]),
        ("question", ["question:q1", "question:q2", "question:q1"]),
        ("stem", ["stem:s", "stem:s", "stem:s"]),
    ],
)
def test_the_unit_is_the_rater_or_what_was_asked(by: str, units: list[str]) -> None:
    assert [unit_of(p, by) for p in PAIRS] == units


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'row' is not a unit"):
        unit_of(PAIRS[0], "row")


def test_a_community_without_pairs_cannot_be_steered_to() -> None:
    with pytest.raises(NotEnoughData, match="NZL"):
        TrainingSet.build(ENCODED, ["GBR", "NZL"])


def test_units_and_pairs_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="3 pairs and 2 units"):
        TrainingSet(ENCODED, ("GBR",), np.array(["a", "b"]))


def test_a_part_of_a_training_set_steers_to_those_of_its_communities_that_are_left() -> None:
    train = TrainingSet.build(ENCODED, ["GBR", "MEX"])
    assert [p.id for p in train.of("GBR").encoded.pairs] == ["1", "3"]
    assert train.of("GBR").communities == ("GBR",)
    assert train.of("MEX", "GBR").communities == ("GBR", "MEX")
    rest = train.without(np.array([False, True, False]))
    assert (rest.communities, rest.unit_N.tolist()) == (("GBR",), [0, 2])
    assert train.without(np.ones(3, dtype=bool)).communities == ()


def test_every_method_enters_through_the_same_door() -> None:
    assert set(BUILT_IN) == EXPECTED


@every_method
def test_a_method_is_named_as_it_is_registered(method: Method) -> None:
    assert BUILT_IN[method.name] is method
    assert method.about
    assert method.tuned_as is None or BUILT_IN[method.tuned_as].heads is not None


@every_method
def test_every_method_gives_a_model_that_answers_for_its_communities(
    village: Any, method: Method
) -> None:
    train, reference = village.train, village.reference
    config = method.configure(**FEW_PEOPLE.get(method.name, {}))
    model = method.fit(train, reference, config, rng_for(0, method.name))
    requests = [RewardRequest("Q", "Be bold and take the risk."), RewardRequest("Q", "Go slowly.")]
    assert isinstance(model, SteerableRewardModel)
    assert model.communities == (train.communities if method.steers else ())
    assert model.score_all(requests).shape == (2, len(model.communities))
    if method.steers:
        np.testing.assert_array_equal(model.score(requests), reference.score(requests))
        assert np.isfinite(model.score(requests, Steer.to("~hill"))).all()


@pytest.mark.parametrize("name", sorted(n for n, m in BUILT_IN.items() if m.heads is not None))
def test_the_heads_under_several_ridges_are_the_fits_under_each(village: Any, name: str) -> None:
    method, ridges = BUILT_IN[name], (10.0, 1.0, 0.3)
    heads_K_C_D = method.heads(village.train, village.reference, method.configure(), ridges)
    for ridge, head_C_D in zip(ridges, heads_K_C_D, strict=True):
        fitted = method.fit(
            village.train, village.reference, method.configure(ridge=ridge), rng_for(0)
        )
        np.testing.assert_allclose(head_C_D, fitted.heads(), atol=1e-5)


@pytest.mark.parametrize("name", sorted(n for n, m in BUILT_IN.items() if m.alone is not None))
def test_where_one_community_is_steered_to_a_method_has_the_heads_of_its_twin(
    village: Any, name: str
) -> None:
    method, ridges = BUILT_IN[name], (10.0, 0.3)
    twin = BUILT_IN[method.alone or ""]
    train = replace(village.train, communities=("~hill",))
    heads, twins = (
        m.heads(train, village.reference, m.configure(), ridges) for m in (method, twin)
    )
    assert np.array_equal(heads, twins)


@pytest.mark.parametrize("name", sorted(n for n, m in BUILT_IN.items() if m.learn is not None))
def test_what_a_method_learns_serves_a_community_it_has_not_seen_from_any_number_of_choices(
    village: Any, name: str
) -> None:
    method = BUILT_IN[name]
    seen, unseen = village.train.of("~world", "~river", "~hill"), village.train.of("~isle")
    config = method.configure(**FEW_PEOPLE.get(name, {}))
    shared = method.learn(seen, village.reference, config, rng_for(0, name))
    requests = [RewardRequest("Q", "Be bold and take the risk."), RewardRequest("Q", "Go slowly.")]
    for k in (0, 1, 5):
        choices = unseen.without(np.arange(len(unseen.encoded)) >= k)
        model, again = shared.adapt(choices), shared.adapt(choices)
        assert np.isfinite(choice_margins(model, unseen.encoded)).all()
        np.testing.assert_array_equal(model.score(requests), again.score(requests))


def test_an_ablation_keeps_its_defining_settings_under_every_override() -> None:
    assert SCPO_FILTER_ONLY.configure(tau=0.6, weight=True) == ScpoConfig(
        tau=0.6, filter=True, weight=False
    )
    assert SCPO_WEIGHT_ONLY.configure(filter=True) == ScpoConfig(filter=False)
    assert SCPO_INVERSE_WEIGHT.configure() == ScpoConfig(
        filter=False, weight=False, inverse_weight=True
    )


def test_a_setting_that_a_method_has_not_is_refused() -> None:
    with pytest.raises(TypeError, match="tua"):
        SCPO_FILTER_ONLY.configure(tua=0.6)
    with pytest.raises(InvalidInput, match="tau"):
        SCPO_FILTER_ONLY.configure(tau=2.0)
