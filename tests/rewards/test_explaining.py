from dataclasses import replace

import numpy as np
import pytest

from pluralign.core import (
    InvalidInput,
    Message,
    PreferencePair,
    RewardRequest,
    Steer,
    UnknownCommunity,
)
from pluralign.encoders import HashEncoder
from pluralign.rewards import EmbeddingTrunk, LengthReward, LinearRewardModel
from pluralign.rewards.explaining import nearest_pairs, refuse_pairs

PROMPT, A, B = "What matters in life?", "My family and my friends.", "What I earn, of course."
PAIRS = [
    PreferencePair("1", PROMPT, A, B, "MEX"),
    PreferencePair("2", PROMPT, B, A, "MEX"),
    PreferencePair("3", "Tea?", "Yes, with milk.", "Never.", "MEX"),
    PreferencePair("4", PROMPT, A, B, "GBR"),
]


@pytest.fixture
def model() -> LinearRewardModel:
    trunk = EmbeddingTrunk(HashEncoder(dimensions=32))
    rng = np.random.default_rng(3)
    heads = rng.normal(size=(3, trunk.dimensions))
    return LinearRewardModel(trunk, heads[0], ("GBR", "MEX"), heads[1:])


@pytest.mark.parametrize(
    "steer",
    [
        None,
        "MEX",
        "~world",
        Steer.to("GBR", strength=0.3),
        {"Mexico": 0.6, "MEX": 0.1, "GBR": 0.2, "~world": 0.1},
    ],
)
def test_the_parts_sum_to_the_margin_and_the_margin_is_the_models(
    model: LinearRewardModel, steer: str | Steer | dict[str, float] | None
) -> None:
    found = model.explain(PROMPT, A, B, steer)
    reward_a, reward_b = model.score([(PROMPT, A), (PROMPT, B)], steer)
    assert found.margin == sum(part.total for part in found.parts)
    assert all(part.total == sum(part.logits.values()) for part in found.parts)
    assert found.margin == pytest.approx(reward_a - reward_b, abs=1e-12)
    assert found.share == pytest.approx(1 / (1 + np.exp(reward_b - reward_a)))


def test_the_reference_part_and_what_a_community_adds_are_those_of_the_heads(
    model: LinearRewardModel,
) -> None:
    reference, added = model.explain(PROMPT, A, B, "Mexico").parts
    first, second = model.score([(PROMPT, A), (PROMPT, B)])
    assert (reference.source, added.source) == ("reference", "MEX")
    assert reference.total == pytest.approx(first - second, abs=1e-12)
    half = model.explain(PROMPT, A, B, Steer.to("MEX", strength=0.5)).parts[1]
    assert half.total == pytest.approx(added.total / 2, abs=1e-12)


def test_without_the_prompt_there_is_no_interaction(model: LinearRewardModel) -> None:
    deaf = replace(model, trunk=replace(model.trunk, interaction=0.0))
    for part in deaf.explain(PROMPT, A, B, "MEX").parts:
        assert part.logits["interaction"] == 0.0
        assert part.logits["response"] == part.total


def test_the_nearest_pair_is_the_same_choice_and_then_its_opposite(
    model: LinearRewardModel,
) -> None:
    first, second, third = model.explain(PROMPT, A, B, "MEX", pairs=PAIRS).nearest
    assert (first.pair.id, second.pair.id, third.pair.id) == ("1", "2", "3")
    assert (first.similarity, second.similarity) == pytest.approx((1, -1))
    assert abs(third.similarity) < 0.9


def test_training_pairs_at_hand_are_used_and_only_those_of_the_community(
    model: LinearRewardModel,
) -> None:
    assert model.explain(PROMPT, A, B, "MEX").nearest == ()
    trained = replace(model, training=model.trunk.encode_pairs(PAIRS))
    assert [near.pair.id for near in trained.explain(PROMPT, A, B, "GBR").nearest] == ["4"]
    assert trained.explain(PROMPT, A, B, "MEX", nearest=0).nearest == ()
    assert trained.explain(PROMPT, A, B, "GBR", pairs=PAIRS[:3]).nearest == ()
    assert len(trained.explain(PROMPT, A, B, nearest=9).nearest) == 3, "the same texts come once"


def test_the_nearest_pairs_do_not_depend_on_the_order_of_the_pairs(
    model: LinearRewardModel,
) -> None:
    rng = np.random.default_rng(0)
    pairs = [
        PreferencePair(str(k), PROMPT, f"yes {k} {rng.random()}", f"no {k}", "MEX")
        for k in range(30)
    ]
    forwards = model.explain(PROMPT, A, B, "MEX", pairs=pairs, nearest=5).nearest
    backwards = model.explain(PROMPT, A, B, "MEX", pairs=pairs[::-1], nearest=5).nearest
    assert [n.pair.id for n in forwards] == [n.pair.id for n in backwards]


def test_equal_responses_have_no_margin_and_no_direction(model: LinearRewardModel) -> None:
    found = model.explain(PROMPT, A, A, "MEX", pairs=PAIRS)
    assert found.margin == 0
    assert found.share == 0.5
    assert {near.similarity for near in found.nearest} == {0.0}
    assert "prefers neither" in repr(found)


def test_swapping_the_responses_turns_every_sign(model: LinearRewardModel) -> None:
    there = model.explain(PROMPT, A, B, "MEX", pairs=PAIRS)
    back = model.explain(PROMPT, B, A, "MEX", pairs=PAIRS)
    assert there.margin == pytest.approx(-back.margin, abs=1e-12)
    assert there.share + back.share == pytest.approx(1)
    assert there.nearest[0].similarity == pytest.approx(-back.nearest[0].similarity)


def test_it_prints_as_a_small_table_and_as_html_without_markup(model: LinearRewardModel) -> None:
    found = model.explain("<b>Tea?</b>", "Yes\n" * 80, "\x1b[2JNo", "MEX", pairs=PAIRS)
    lines = repr(found).splitlines()
    assert max(map(len, lines)) <= 140
    assert any(line.startswith("Mexico adds") for line in lines)
    assert lines[5].split() == ["logits", "response", "interaction", "sum"]
    assert "\x1b" not in repr(found)
    assert "<b>" not in found._repr_html_()
    assert found._repr_html_().count("<table>") == 2


def test_turns_of_a_conversation_are_a_prompt(model: LinearRewardModel) -> None:
    turns = (Message("user", "Tea?"), Message("assistant", "Why?"), Message("user", "It rains."))
    reward_a, reward_b = model.score([RewardRequest(turns, A), RewardRequest(turns, B)], "MEX")
    found = model.explain(turns, A, B, "MEX")
    assert found.margin == pytest.approx(reward_a - reward_b, abs=1e-12)
    assert "user: Tea? assistant: Why? user: It rains." in repr(found)


def test_an_unknown_community_and_a_negative_number_are_refused(model: LinearRewardModel) -> None:
    with pytest.raises(UnknownCommunity, match="not steered to 'Atlantis'"):
        model.explain(PROMPT, A, B, "Atlantis")
    with pytest.raises(InvalidInput, match="nearest must be a number >= 0, got -1"):
        model.explain(PROMPT, A, B, "MEX", nearest=-1)


def test_of_length_only_the_reference_is_known() -> None:
    found = LengthReward().explain(PROMPT, "abcd", "ab")
    assert [part.source for part in found.parts] == ["reference"]
    assert found.margin == pytest.approx(np.log(2))


def test_a_model_without_comparable_features_refuses_pairs() -> None:
    refuse_pairs(None, "TransformerRewardModel")
    with pytest.raises(InvalidInput, match="not for a TransformerRewardModel") as caught:
        refuse_pairs(PAIRS, "TransformerRewardModel")
    assert caught.value.where == "pairs"


def test_as_many_pairs_as_asked_for(model: LinearRewardModel) -> None:
    training = model.trunk.encode_pairs(PAIRS)
    difference_D = training.features.dense()[0]
    assert [len(nearest_pairs(difference_D, training, most)) for most in (0, 1, 9)] == [0, 1, 3]
