from dataclasses import replace

import numpy as np
import pytest

from pluralign.core import (
    NotEnoughData,
    RewardModel,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
)
from pluralign.rewards import LengthReward, LinearRewardModel


def test_the_models_keep_the_port(model: LinearRewardModel) -> None:
    for each in (model, LengthReward()):
        assert isinstance(each, SteerableRewardModel)
        assert isinstance(each, RewardModel)


def test_unsteered_or_at_strength_zero_it_is_the_reference(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    reference = model.trunk.features(requests).astype(float) @ model.reference_D
    np.testing.assert_array_equal(model.score(requests), reference)
    np.testing.assert_array_equal(model.score(requests, Steer.to("MEX", strength=0)), reference)


def test_blends_and_strength_are_linear(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    reference, gbr, mex = (
        model.score(requests, s) for s in (None, Steer.to("GBR"), Steer.to("MEX"))
    )
    blend = model.score(requests, Steer({"GBR": 0.3, "MEX": 0.7}))
    np.testing.assert_allclose(blend, 0.3 * gbr + 0.7 * mex, atol=1e-12)
    double = model.score(requests, Steer({"GBR": 0.3, "MEX": 0.7}, strength=2))
    np.testing.assert_allclose(double - reference, 2 * (blend - reference), atol=1e-12)


def test_scoring_for_all_is_scoring_for_each(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    every = model.score_all(requests)
    assert every.shape == (len(requests), 3)
    for column, id_ in enumerate(model.communities):
        np.testing.assert_allclose(
            every[:, column], model.score(requests, Steer.to(id_)), atol=1e-12
        )


def test_the_rest_of_the_world_in_a_blend_is_the_reference(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    np.testing.assert_array_equal(model.score(requests, Steer.to("~world")), model.score(requests))
    mixed = model.score(requests, Steer({"MEX": 0.5, "~world": 0.5}))
    np.testing.assert_allclose(
        mixed, model.score(requests, Steer.to("MEX", strength=0.5)), atol=1e-12
    )


def test_a_world_that_was_steered_to_is_itself(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    own = replace(model, communities=("GBR", "MEX", "~world"))
    np.testing.assert_allclose(
        own.score(requests, Steer.to("~world")), own.score_all(requests)[:, 2], atol=1e-12
    )


def test_rewards_do_not_depend_on_what_else_is_scored(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    alone = [model.score([r], Steer.to("MEX"))[0] for r in requests]
    np.testing.assert_allclose(model.score(requests, Steer.to("MEX")), alone, atol=1e-12)


def test_an_unknown_community_is_refused_and_near_ones_are_named(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    with pytest.raises(UnknownCommunity, match="did you mean MEX"):
        model.score(requests, Steer.to("Mexcio"))
    with pytest.raises(UnknownCommunity, match="it knows GBR, MEX, ~yoruba, ~world"):
        model.score(requests, Steer.to("NZL"))
    unsteered = LinearRewardModel(model.trunk, model.reference_D)
    with pytest.raises(UnknownCommunity, match="it knows ~world"):
        unsteered.score(requests, Steer.to("MEX", strength=0))


def test_a_model_without_communities_scores_for_none(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    assert LinearRewardModel(model.trunk, model.reference_D).score_all(requests).shape == (
        len(requests),
        0,
    )


def test_shapes_that_do_not_fit_are_refused(model: LinearRewardModel) -> None:
    with pytest.raises(ValueError, match="trunk of 64"):
        replace(model, reference_D=np.zeros(63))
    with pytest.raises(ValueError, match="2 communities"):
        replace(model, communities=("GBR", "MEX"))


def test_nothing_to_score_is_not_enough_data(model: LinearRewardModel) -> None:
    with pytest.raises(NotEnoughData):
        model.score([])
    with pytest.raises(NotEnoughData):
        model.score_all([])


def test_the_longer_text_wins_for_every_community() -> None:
    requests = [RewardRequest("Q", text) for text in ("", "a", "ab", "abc" * 1000)]
    rewards = LengthReward().score(requests, Steer.to("MEX"))
    assert rewards.tolist() == sorted(rewards.tolist())
    assert np.isfinite(rewards).all()
    assert LengthReward().score_all(requests).shape == (4, 0)


def test_names_and_tuples_score_as_steers_and_requests_do(
    model: LinearRewardModel, requests: list[RewardRequest]
) -> None:
    tuples = [(request.prompt, request.response) for request in requests]
    expected = model.score(requests, Steer.to("MEX"))
    np.testing.assert_array_equal(model.score(tuples, "MEX"), expected)
    np.testing.assert_array_equal(model.score(tuples, "Mexico"), expected)
    np.testing.assert_array_equal(model.score(tuples, {"Mexico": 1.0}), expected)
    np.testing.assert_array_equal(model.score_all(tuples), model.score_all(requests))
    np.testing.assert_array_equal(model.score(tuples, "~world"), model.score(requests))
    np.testing.assert_array_equal(LengthReward().score(tuples), LengthReward().score(requests))


def test_the_repr_describes_a_model_without_its_numbers(model: LinearRewardModel) -> None:
    assert repr(model).startswith(f"LinearRewardModel(steers to {', '.join(model.communities)}; ")
    assert len(repr(replace(model, about={"method": "scpo"}))) < 200
