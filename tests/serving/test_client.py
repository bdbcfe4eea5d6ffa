"""The client and the model behind the port against a live server."""

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import (
    WORLD,
    InvalidInput,
    InvalidSettings,
    Message,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
)
from pluralign.models import open_model
from pluralign.rewards import LinearRewardModel, load_card, save_reward_model
from pluralign.rewards.remote import RemoteRewardModel, RewardClient, TooMuchAtOnce

TOKEN = "a token of this test"
CLOSE = {"abs": 1e-5, "rel": 0.0}
TALK = (Message("user", "Tea or coffee?"), Message("assistant", "Tea."), Message("user", "Why?"))
ITEMS = [
    RewardRequest("What matters in life?", "My family comes first."),
    RewardRequest("What matters in life?", "What I earn."),
    RewardRequest(TALK, "It is warm."),
    RewardRequest("", "-"),
]


@pytest.fixture(scope="module")
def url(serving: Callable[..., str]) -> str:
    return serving()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[RewardClient]:
    with RewardClient(url, seconds=20.0) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(model_folder: Path) -> SteerableRewardModel:
    return open_model(model_folder, around=lambda encoder: encoder)


@pytest.fixture(scope="module")
def remote(client: RewardClient) -> RemoteRewardModel:
    return RemoteRewardModel(client)


def test_rewards_are_those_of_the_model_with_intervals_and_people(
    client: RewardClient, model: SteerableRewardModel
) -> None:
    answer = client.rewards(ITEMS, ["~hill", "~coast"])
    assert [community.id for community in answer.communities] == ["~hill", "~coast"]
    assert answer.interval.startswith("95 %, over the raters")
    for id_ in ("~hill", "~coast"):
        told = [item.rewards[id_] for item in answer.items]
        assert [number.value for number in told] == pytest.approx(
            model.score(ITEMS, Steer.to(id_)), **CLOSE
        )
        assert all(number.low <= number.value <= number.high for number in told)  # type: ignore[operator]
    assert all(community.raters for community in answer.communities)


def test_all_communities_are_the_default(client: RewardClient, model: SteerableRewardModel) -> None:
    answer = client.rewards(ITEMS)
    assert tuple(community.id for community in answer.communities) == model.communities
    assert [list(item.rewards) for item in answer.items] == [list(model.communities)] * len(ITEMS)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 2.5])
def test_a_strength_and_a_blend_are_those_of_the_model(
    client: RewardClient, model: SteerableRewardModel, strength: float
) -> None:
    one = client.rewards(ITEMS, "~hill", strength=strength)
    wanted = model.score(ITEMS, Steer.to("~hill", strength))
    assert [item.rewards["~hill"].value for item in one.items] == pytest.approx(wanted, **CLOSE)
    shares = {"~hill": 0.5, "~coast": 0.2, WORLD.id: 0.3}
    blend = client.rewards(ITEMS, blend=shares, strength=strength)
    wanted = model.score(ITEMS, Steer(shares, strength))
    assert [item.rewards["blend"].value for item in blend.items] == pytest.approx(wanted, **CLOSE)
    assert {community.id for community in blend.communities} == shares.keys()


def test_responses_are_ranked_for_one_and_for_the_worst_off(
    client: RewardClient, model: SteerableRewardModel
) -> None:
    responses = ["My family.", "What I earn.", "Nothing."]
    requests = [RewardRequest("What matters?", response) for response in responses]
    one = client.rank("What matters?", responses, "~hill")
    reward = model.score(requests, Steer.to("~hill"))
    assert [place.index for place in one.ranking] == np.argsort(-reward).tolist()
    assert one.ranking[0].behind.value == 0
    reward_N_C = model.score_all(requests)
    loss_N = (reward_N_C.max(axis=0) - reward_N_C).max(axis=1)
    several = client.rank("What matters?", responses)
    assert [place.index for place in several.ranking] == np.argsort(loss_N).tolist()
    assert several.ranking[0].worst_off is not None
    assert several.ranking[0].worst_off.logits.value == pytest.approx(loss_N.min(), **CLOSE)


def test_a_comparison_is_a_margin_and_a_share(
    client: RewardClient, model: SteerableRewardModel
) -> None:
    answer = client.compare(TALK, "It is warm.", "It is cheap.", "~hill")
    first, other = model.score(
        [RewardRequest(TALK, "It is warm."), RewardRequest(TALK, "It is cheap.")], Steer.to("~hill")
    )
    preference = answer.preferences["~hill"]
    assert preference.margin.value == pytest.approx(first - other, **CLOSE)
    assert preference.share.value == pytest.approx(1 / (1 + np.exp(other - first)), **CLOSE)
    back = client.compare(TALK, "It is cheap.", "It is warm.", "~hill").preferences["~hill"]
    assert back.margin.value == -preference.margin.value


def test_everybody_and_the_reference_are_listed(
    client: RewardClient, model: SteerableRewardModel
) -> None:
    found = client.communities()
    assert found.steered == model.communities
    assert [community.id for community in found.communities] == [*model.communities, WORLD.id]
    assert found.model == "served"


def test_a_server_that_is_there_is_ready(client: RewardClient) -> None:
    assert client.ready()


def test_an_unknown_community_is_refused_and_near_ones_are_named(client: RewardClient) -> None:
    for given in (
        {"communities": "~hil"},
        {"communities": ["~coast", "~hil"]},
        {"blend": {"~hil": 1.0}},
    ):
        with pytest.raises(InvalidInput, match="not steered to '~hil'") as caught:
            client.rewards(ITEMS, **given)  # type: ignore[arg-type]
        assert caught.value.hint == "did you mean ~hill?"


def test_a_parent_answers_where_that_is_asked_for(client: RewardClient) -> None:
    with pytest.raises(InvalidInput, match="Mexico"):
        client.rewards(ITEMS, "Mexico")
    answer = client.rewards(ITEMS, ["Mexico"], parents=True)
    (community,) = answer.communities
    assert (community.id, community.answered_by) == ("MEX", WORLD.id)
    assert "parent" in community.warnings[0]
    reference = client.rewards(ITEMS, WORLD.id)
    assert [item.rewards["MEX"] for item in answer.items] == [
        item.rewards[WORLD.id] for item in reference.items
    ]


def test_shares_that_do_not_sum_to_one_are_refused(client: RewardClient) -> None:
    with pytest.raises(InvalidInput, match=r"with a sum of 0\.7"):
        client.rewards(ITEMS, blend={"~hill": 0.7})


def test_too_many_items_are_refused_with_the_number_that_may_come(
    serving: Callable[..., str],
) -> None:
    with RewardClient(serving(most_items=3), seconds=20.0) as client:
        with pytest.raises(TooMuchAtOnce, match="4 responses in one request") as caught:
            client.rewards(ITEMS)
        assert caught.value.hint == "send at most 3 at a time"
        assert len(client.rewards(ITEMS[:3]).items) == 3


def test_a_body_that_is_too_large_is_refused_though_it_is_not_read_to_its_end(
    serving: Callable[..., str],
) -> None:
    with RewardClient(serving(most_bytes=1000), seconds=20.0, tries=1) as client:
        with pytest.raises(TooMuchAtOnce, match="more than 1000 bytes"):
            client.rewards([RewardRequest("?", "a" * 5_000_000)])
        assert client.ready()


@pytest.mark.parametrize("limit", [{"most_items": 3}, {"most_bytes": 600}])
def test_a_model_behind_a_narrow_server_is_asked_in_parts(
    serving: Callable[..., str], model: SteerableRewardModel, limit: dict[str, Any]
) -> None:
    requests = [RewardRequest("What matters?", f"number {i}") for i in range(40)]
    found = RemoteRewardModel.at(serving(**limit)).score(requests, Steer.to("~hill"))
    assert found == pytest.approx(model.score(requests, Steer.to("~hill")), **CLOSE)


def test_a_token_lets_in_and_a_wrong_one_does_not(serving: Callable[..., str]) -> None:
    url = serving(tokens=(TOKEN,))
    assert RewardClient(url, TOKEN, seconds=20.0).communities().model == "served"
    assert RewardClient(
        url.replace("//", f"//any:{TOKEN.replace(' ', '%20')}@"), seconds=20.0
    ).communities()
    for token in (None, "a wrong token"):
        client = RewardClient(url, token, seconds=20.0)
        with pytest.raises(InvalidSettings, match="the token is missing or wrong") as caught:
            client.rewards(ITEMS)
        assert caught.value.hint is not None
        assert "Authorization" in caught.value.hint
        assert client.ready()


def test_threads_share_a_client(client: RewardClient, model: SteerableRewardModel) -> None:
    def ask(n: int) -> float:
        return (
            client.rewards([RewardRequest("?", f"number {n}")], "~hill")
            .items[0]
            .rewards["~hill"]
            .value
        )

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(40), timeout=60))
    wanted = model.score([RewardRequest("?", f"number {n}") for n in range(40)], Steer.to("~hill"))
    assert found == pytest.approx(wanted, **CLOSE)


def test_a_copy_in_another_process_gives_the_same_rewards(remote: RemoteRewardModel) -> None:
    copy = pickle.loads(pickle.dumps(remote))  # noqa: S301 - our own bytes
    assert (
        copy.score(ITEMS, Steer.to("~hill")).tolist()
        == remote.score(ITEMS, Steer.to("~hill")).tolist()
    )


@pytest.mark.parametrize(
    "steer",
    [
        None,
        Steer.to("~hill"),
        Steer.to("~coast", 0.4),
        Steer.to("~isle", 3.0),
        Steer.to(WORLD.id),
        Steer({"~hill": 0.25, "~coast": 0.75}, 1.5),
        Steer({"~hill": 0.5, WORLD.id: 0.5}),
    ],
)
def test_a_server_scores_as_its_model_does(
    remote: RemoteRewardModel, model: SteerableRewardModel, steer: Steer | None
) -> None:
    assert isinstance(remote, SteerableRewardModel)
    found = remote.score(ITEMS, steer)
    assert found.dtype == np.float64
    assert found == pytest.approx(model.score(ITEMS, steer), **CLOSE)


def test_a_server_scores_for_all_as_its_model_does(
    remote: RemoteRewardModel, model: SteerableRewardModel
) -> None:
    assert remote.communities == model.communities
    assert remote.score_all(ITEMS) == pytest.approx(model.score_all(ITEMS), **CLOSE)


def test_more_than_fit_into_a_request_are_scored(
    remote: RemoteRewardModel, model: SteerableRewardModel
) -> None:
    requests = [RewardRequest("What matters?", f"number {i}") for i in range(1030)]
    assert remote.score(requests, Steer.to("~hill")) == pytest.approx(
        model.score(requests, Steer.to("~hill")), **CLOSE
    )


def test_a_community_that_the_server_lacks_is_unknown_as_for_any_model(
    remote: RemoteRewardModel,
) -> None:
    with pytest.raises(UnknownCommunity) as caught:
        remote.score(ITEMS, Steer.to("~hil"))
    assert caught.value.hint == "did you mean ~hill?"


def test_a_world_that_is_a_community_of_its_own_is_not_the_reference(
    serving: Callable[..., str], model_folder: Path, model: SteerableRewardModel, tmp_path: Path
) -> None:
    assert isinstance(model, LinearRewardModel)
    worldly = replace(model, communities=("~hill", WORLD.id), delta_C_D=model.delta_C_D[:2])
    save_reward_model(worldly, tmp_path / "worldly", load_card(model_folder)["trunk"])  # type: ignore[arg-type]
    remote = RemoteRewardModel.at(serving(model=tmp_path / "worldly"))
    assert remote.communities == worldly.communities
    for steer in (None, Steer.to(WORLD.id), Steer({"~hill": 0.5, WORLD.id: 0.5})):
        assert remote.score(ITEMS, steer) == pytest.approx(worldly.score(ITEMS, steer), **CLOSE)
    assert remote.score_all(ITEMS) == pytest.approx(worldly.score_all(ITEMS), **CLOSE)
    assert np.abs(remote.score(ITEMS) - remote.score(ITEMS, Steer.to(WORLD.id))).max() > 0.01


def test_a_model_without_a_steer_is_a_reference(
    serving: Callable[..., str], model_folder: Path
) -> None:
    folder = model_folder.parent / "reference"
    remote, model = RemoteRewardModel.at(serving(model=folder)), open_model(folder)
    assert remote.communities == model.communities == ()
    assert remote.score(ITEMS) == pytest.approx(model.score(ITEMS), **CLOSE)
    assert remote.score_all(ITEMS).shape == (len(ITEMS), 0)


def test_names_and_tuples_go_to_the_server_as_steers_and_requests_do(
    client: RewardClient, remote: RemoteRewardModel
) -> None:
    tuples = [(item.prompt, item.response) for item in ITEMS]
    expected = remote.score(ITEMS, Steer.to("~hill"))
    np.testing.assert_array_equal(remote.score(tuples, "~hill"), expected)
    np.testing.assert_array_equal(remote.score(tuples, {"~hill": 1.0}), expected)
    np.testing.assert_array_equal(remote.score_all(tuples), remote.score_all(ITEMS))
    answer = client.rewards(tuples, "~hill")
    assert [item.rewards["~hill"].value for item in answer.items] == expected.tolist()
    with pytest.raises(UnknownCommunity, match="not steered to '~hil'"):
        remote.score(tuples, "~hil")


def test_the_margin_of_a_server_is_explained_as_reference_and_what_the_community_adds(
    remote: RemoteRewardModel, model: LinearRewardModel
) -> None:
    found = remote.explain("Tea?", "Yes, please.", "No.", "~hill")
    expected = model.explain("Tea?", "Yes, please.", "No.", "~hill")
    assert [part.source for part in found.parts] == ["reference", "~hill"]
    totals = [part.total for part in expected.parts]
    assert [part.total for part in found.parts] == pytest.approx(totals, **CLOSE)
