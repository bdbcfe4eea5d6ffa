"""Rewards, orders and preferences of the server's own endpoints, compared with the model's."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel
from scipy.special import expit
from starlette.testclient import TestClient

from pluralign.core import (
    Message,
    PreferencePair,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    prompt_text,
    requests_of,
)
from pluralign.encoders import HashEncoder, RecentVectors
from pluralign.metrics import subsample_half_width
from pluralign.models import open_model
from pluralign.rewards import LinearRewardModel
from pluralign.rewards.remote.wire import (
    BLEND,
    CommunityList,
    CompareAnswer,
    ModelList,
    RankAnswer,
    RewardsAnswer,
    Scored,
)

COMMUNITIES = ("~coast", "~hill", "~isle", "~marsh", "~river")
CLOSE = {"abs": 1e-6}


def strict(kind: type[BaseModel]) -> type[BaseModel]:
    """A type of an answer that takes no field it does not know, at its top."""
    return type(kind.__name__, (kind,), {"model_config": {**kind.model_config, "extra": "forbid"}})


def always(kind: type[BaseModel]) -> list[str]:
    """Fields of every answer; strengths are left out where no steering fades."""
    return [name for name in kind.model_fields if name != "strengths"]


def ask(client: TestClient, path: str, body: Any, kind: type[BaseModel]) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == set(always(kind))
    return strict(kind).model_validate_json(answer.content)


def rewards(client: TestClient, requests: list[RewardRequest], **steering: Any) -> RewardsAnswer:
    items = [{"prompt": _wire(one), "response": one.response} for one in requests]
    answer: RewardsAnswer = ask(client, "/v1/rewards", {"items": items, **steering}, RewardsAnswer)
    return answer


def _wire(one: RewardRequest) -> Any:
    if isinstance(one.prompt, str):
        return one.prompt
    return [{"role": turn.role, "content": turn.content} for turn in one.prompt]


def values(answer: RewardsAnswer, key: str) -> list[float]:
    return [item.rewards[key].value for item in answer.items]


@pytest.fixture(scope="module")
def requests(pairs: list[PreferencePair]) -> list[RewardRequest]:
    chosen, rejected = requests_of(pairs)
    turns = (
        Message("system", "Be kind."),
        Message("user", prompt_text(chosen[0].prompt)),
        Message("assistant", "Hm."),
    )
    return [*chosen, *rejected, RewardRequest(turns, chosen[0].response), RewardRequest("", "-")]


# Rewards


def test_all_communities_are_scored_as_the_model_scores_them(
    client: TestClient, model: SteerableRewardModel, requests: list[RewardRequest]
) -> None:
    reward_N_C = model.score_all(requests)
    for answer in (rewards(client, requests), rewards(client, requests, communities="all")):
        assert answer.model == "served"
        assert tuple(served.id for served in answer.communities) == COMMUNITIES
        assert all(tuple(item.rewards) == COMMUNITIES for item in answer.items)
        for column, id_ in enumerate(COMMUNITIES):
            assert values(answer, id_) == pytest.approx(reward_N_C[:, column], **CLOSE)


@pytest.mark.parametrize(
    "asked", ["~coast", ["~coast"], ["~coast", "~hill", "~world"], ["~hill", "~coast"]]
)
def test_one_or_several_communities_in_the_order_asked_for(
    client: TestClient, model: SteerableRewardModel, requests: list[RewardRequest], asked: Any
) -> None:
    answer = rewards(client, requests, communities=asked, strength=0.5)
    for id_ in answer.items[0].rewards:
        steer = None if id_ == "~world" else Steer.to(id_, 0.5)
        assert values(answer, id_) == pytest.approx(model.score(requests, steer), **CLOSE)


def test_a_single_community_may_be_the_reference(
    client: TestClient, model: SteerableRewardModel, requests: list[RewardRequest]
) -> None:
    answer = rewards(client, requests, communities="~world")
    assert values(answer, "~world") == pytest.approx(model.score(requests), **CLOSE)
    assert [served.id for served in answer.communities] == ["~world"]


def test_a_blend_is_one_column(
    client: TestClient, model: SteerableRewardModel, requests: list[RewardRequest]
) -> None:
    shares = {"~coast": 0.6, "~hill": 0.3, "~world": 0.1}
    answer = rewards(client, requests, blend=shares, strength=1.5)
    assert all(list(item.rewards) == [BLEND] for item in answer.items)
    assert values(answer, BLEND) == pytest.approx(
        model.score(requests, Steer(shares, 1.5)), **CLOSE
    )
    assert [served.id for served in answer.communities] == list(shares)


def test_no_strength_is_the_reference(
    client: TestClient, model: SteerableRewardModel, requests: list[RewardRequest]
) -> None:
    answer = rewards(client, requests, strength=0)
    assert values(answer, "~river") == pytest.approx(model.score(requests), **CLOSE)


def test_names_are_read_as_ids_and_two_of_one_community_are_one(asking: Any, planted: Any) -> None:
    client = asking(opened=planted({"MEX": {"yes": 1.0}, "GBR": {"yes": -1.0}}))
    answer = rewards(
        client, [RewardRequest("", "yes")], communities=["Mexico", "MEX", "Britain", "mx"]
    )
    assert {key: number.value for key, number in answer.items[0].rewards.items()} == {
        "MEX": 1.0,
        "GBR": -1.0,
    }
    assert [served.name for served in answer.communities] == ["Mexico", "United Kingdom"]
    blended = rewards(
        client, [RewardRequest("", "yes")], blend={"Mexico": 0.25, "MEX": 0.5, "UK": 0.25}
    )
    assert values(blended, BLEND) == [0.5]


def test_a_parent_answers_where_that_is_asked_for_and_is_named(asking: Any, planted: Any) -> None:
    client = asking(opened=planted({"MEX": {"yes": 1.0}, "~world": {"yes": 0.5}}))
    asked = {"communities": ["MEX/oaxaca", "GBR", "MEX"], "unknown": "parent"}
    answer = rewards(client, [RewardRequest("", "yes")], **asked)
    found = {key: number.value for key, number in answer.items[0].rewards.items()}
    assert found == {"MEX/oaxaca": 1.0, "GBR": 0.5, "MEX": 1.0}
    oaxaca, britain, mexico = answer.communities
    assert (oaxaca.answered_by, britain.answered_by, mexico.answered_by) == ("MEX", "~world", None)
    assert (
        oaxaca.warnings[0] == "parent: the model is not steered to MEX/oaxaca; Mexico (MEX) answers"
    )
    assert not mexico.warnings[0].startswith("parent")
    refused = client.post(
        "/v1/rewards", json={"items": [{"response": "yes"}], "communities": "MEX/oaxaca"}
    )
    assert refused.status_code == 422


def test_a_parent_answers_in_a_blend_too(asking: Any, planted: Any) -> None:
    client = asking(opened=planted({"MEX": {"yes": 1.0}, "GBR": {"yes": 3.0}}))
    shares = {"MEX/oaxaca": 0.25, "MEX": 0.25, "GBR": 0.5}
    answer = rewards(client, [RewardRequest("", "yes")], blend=shares, unknown="parent")
    assert values(answer, BLEND) == [2.0]
    assert (answer.communities[0].id, answer.communities[0].answered_by) == ("MEX/oaxaca", "MEX")


def test_no_parent_answers_for_a_label_that_names_no_community(client: TestClient) -> None:
    for label in ("Atlantis", "", "\x00", "QQQ", "~", "a" * 200):
        body = {"items": [{"response": "a"}], "communities": label, "unknown": "parent"}
        assert client.post("/v1/rewards", json=body).status_code == 422, label


def test_the_prior_answers_for_a_community_that_nobody_trained_on_and_the_answer_names_it(
    client: TestClient, model: SteerableRewardModel, requests: list[RewardRequest]
) -> None:
    assert isinstance(model, LinearRewardModel)
    answer = rewards(client, requests, communities=["Kenya", "~coast"])
    kenya, coast = answer.communities
    assert (kenya.id, kenya.head, kenya.pairs, coast.head) == ("KEN", "prior", 0, "trained")
    assert kenya.warnings[-1].startswith("prior: nobody of Kenya trained the model; the head of 5")
    expected = model.adapt([], "KEN").score(requests, "KEN")
    assert values(answer, "KEN") == pytest.approx(expected, **CLOSE)
    first = answer.items[0].rewards
    assert first["KEN"].low is None
    assert first["~coast"].low is not None
    blend = rewards(client, requests, blend={"KEN": 0.5, "~coast": 0.5})
    half = (np.array(values(answer, "KEN")) + values(answer, "~coast")) / 2
    assert values(blend, "blend") == pytest.approx(half, **CLOSE)
    listed = client.get("/v1/communities").json()
    assert listed["prior"]["communities"] == 5


@pytest.mark.parametrize(
    "asked",
    [
        {"communities": "KEN", "unknown": "error"},
        {"communities": "~coasts"},
        {"communities": "~coast/cliffs"},
        {"communities": "prior"},
        {"communities": "Atlantis"},
    ],
)
def test_the_prior_answers_for_no_label_that_may_be_meant_for_another_community(
    client: TestClient, asked: Any
) -> None:
    refused = client.post("/v1/rewards", json={"items": [{"response": "a"}], **asked})
    assert refused.status_code == 422


# Intervals


def repeats(model_folder: Path, cache: Path) -> list[SteerableRewardModel]:
    return [
        open_model(model_folder.parents[1] / f"seed-{seed}" / "adaptive", cache)
        for seed in range(3)
    ]


def test_intervals_are_those_of_the_fits_of_the_run(
    client: TestClient, model_folder: Path, cache: Path, requests: list[RewardRequest]
) -> None:
    fits = repeats(model_folder, cache)
    answer = rewards(client, requests)
    assert "3 fits of one run, each without another 20% of them" in answer.interval
    for column, id_ in enumerate(COMMUNITIES):
        reward_B_N = np.stack([fit.score_all(requests)[:, column] for fit in fits])
        half_N = subsample_half_width(reward_B_N, held_out=0.2)
        found = [item.rewards[id_] for item in answer.items]
        assert [n.low for n in found] == pytest.approx(reward_B_N[0] - half_N, **CLOSE)
        assert [n.high for n in found] == pytest.approx(reward_B_N[0] + half_N, **CLOSE)


def test_intervals_of_blends_margins_and_shares_are_those_of_the_fits(
    client: TestClient, model_folder: Path, cache: Path, pairs: list[PreferencePair]
) -> None:
    steer = Steer({"~coast": 0.5, "~marsh": 0.5}, 2.0)
    (chosen,), (rejected,) = requests_of(pairs[:1])
    margin_B = np.array(
        [np.subtract(*fit.score([chosen, rejected], steer)) for fit in repeats(model_folder, cache)]
    )
    half = subsample_half_width(margin_B, held_out=0.2)
    body = {"prompt": chosen.prompt, "response": chosen.response, "other": rejected.response}
    asked = {"blend": {"~coast": 0.5, "~marsh": 0.5}, "strength": 2}
    answer = ask(client, "/v1/compare", {**body, **asked}, CompareAnswer)
    found = answer.preferences[BLEND]
    ends = [margin_B[0], margin_B[0] - half, margin_B[0] + half]
    assert [found.margin.value, found.margin.low, found.margin.high] == pytest.approx(ends, **CLOSE)
    assert [found.share.value, found.share.low, found.share.high] == pytest.approx(
        expit(ends), **CLOSE
    )


def test_a_model_without_its_run_has_no_intervals_and_gives_the_reason(
    asking: Any, alone_folder: Path
) -> None:
    client = asking(model=alone_folder)
    answer = rewards(client, [RewardRequest("Tea?", "Yes.")])
    assert answer.interval.startswith("none: the model is not in the folder of its run")
    assert {(n.low, n.high) for item in answer.items for n in item.rewards.values()} == {
        (None, None)
    }
    body = {"responses": ["Yes.", "No."]}
    ranked = ask(client, "/v1/rank", body, RankAnswer)
    assert {(place.behind.low, place.behind.high) for place in ranked.ranking} == {(None, None)}


# Orders: rewards planted, orders worked out by hand

THREE = {
    "~lake": {"a": 3.0, "b": 2.0, "c": 0.0},
    "~town": {"a": -2.0, "b": 0.5, "c": 1.0},
}


def test_one_community_has_its_best_first(asking: Any, planted: Any) -> None:
    client = asking(opened=planted(THREE))
    answer = ask(
        client, "/v1/rank", {"responses": ["c", "a", "b"], "communities": "~lake"}, RankAnswer
    )
    assert [place.index for place in answer.ranking] == [1, 2, 0]
    assert [place.behind.value for place in answer.ranking] == [0.0, 1.0, 3.0]
    assert [place.rewards["~lake"].value for place in answer.ranking] == [3.0, 2.0, 0.0]
    assert {place.worst_off for place in answer.ranking} == {None}
    assert answer.rule == "the best first: reward of ~lake, in logits"


def test_a_blend_has_its_best_first(asking: Any, planted: Any) -> None:
    client = asking(opened=planted(THREE))
    body = {"responses": ["a", "b", "c"], "blend": {"~lake": 0.8, "~town": 0.2}}
    answer = ask(client, "/v1/rank", body, RankAnswer)  # 2.0, 1.7, 0.2
    assert [place.index for place in answer.ranking] == [0, 1, 2]
    assert [place.behind.value for place in answer.ranking] == pytest.approx([0.0, 0.3, 1.8])
    assert {place.worst_off for place in answer.ranking} == {None}
    assert answer.rule == "the best first: reward of the blend, in logits"


def test_several_communities_have_the_best_for_the_worst_off_first(
    asking: Any, planted: Any
) -> None:
    client = asking(opened=planted(THREE))
    answer = ask(client, "/v1/rank", {"responses": ["a", "b", "c"]}, RankAnswer)
    # lake loses 0, 1, 3 against its favourite a; town loses 3, 0.5, 0 against its favourite c
    assert [place.index for place in answer.ranking] == [1, 0, 2]
    assert [place.behind.value for place in answer.ranking] == [0.0, 2.0, 2.0]
    worst = [(place.worst_off.community, place.worst_off.logits.value) for place in answer.ranking]
    assert worst == [("~lake", 1.0), ("~town", 3.0), ("~lake", 3.0)]
    assert answer.rule.startswith("the best for the worst-off first")


def test_an_order_is_that_of_the_first_fit_and_its_intervals_those_of_all(
    asking: Any, planted: Any
) -> None:
    fits = {"~lake": {"a": [1.0, 0.0, 2.0], "b": [0.0, 0.5, 1.0]}}
    client = asking(opened=planted(fits, fits=3))
    answer = ask(client, "/v1/rank", {"responses": ["a", "b"], "communities": "~lake"}, RankAnswer)
    first, second = answer.ranking
    assert (first.behind.value, first.behind.low, first.behind.high) == (0.0, 0.0, 0.0)
    # each fit's loss of b against its own best, minus that of a: 1, -0.5, 1
    half = float(subsample_half_width(np.array([1.0, -0.5, 1.0]), held_out=0.2))
    ends = (second.behind.value, second.behind.low, second.behind.high)
    assert ends == pytest.approx((1.0, 1.0 - half, 1.0 + half), **CLOSE)


def test_one_response_and_equal_responses_have_an_order(client: TestClient) -> None:
    answer = ask(client, "/v1/rank", {"responses": ["Yes."]}, RankAnswer)
    assert [(place.index, place.behind.value) for place in answer.ranking] == [(0, 0.0)]
    answer = ask(client, "/v1/rank", {"responses": ["Yes."] * 3}, RankAnswer)
    assert [(place.index, place.behind.value) for place in answer.ranking] == [
        (0, 0.0),
        (1, 0.0),
        (2, 0.0),
    ]


def test_a_ranking_has_the_rewards_of_a_plain_request(
    client: TestClient, model: SteerableRewardModel, pairs: list[PreferencePair]
) -> None:
    responses = [pair.chosen for pair in pairs[:6]]
    prompt = prompt_text(pairs[0].prompt)
    answer = ask(client, "/v1/rank", {"prompt": prompt, "responses": responses}, RankAnswer)
    reward_N_C = model.score_all([RewardRequest(prompt, response) for response in responses])
    assert sorted(place.index for place in answer.ranking) == list(range(6))
    for place in answer.ranking:
        own = [place.rewards[id_].value for id_ in COMMUNITIES]
        assert own == pytest.approx(reward_N_C[place.index], **CLOSE)
    worst_N = (reward_N_C.max(axis=0) - reward_N_C).max(axis=1)
    assert [place.index for place in answer.ranking] == np.argsort(worst_N, kind="stable").tolist()


# Preferences


def test_a_share_is_the_margin_squeezed_and_turns_with_the_responses(
    client: TestClient, model: SteerableRewardModel, pairs: list[PreferencePair]
) -> None:
    pair = pairs[0]
    prompt = prompt_text(pair.prompt)
    there, back = (
        ask(
            client,
            "/v1/compare",
            {"prompt": prompt, "response": one, "other": other},
            CompareAnswer,
        )
        for one, other in ((pair.chosen, pair.rejected), (pair.rejected, pair.chosen))
    )
    reward_N_C = model.score_all(
        [RewardRequest(prompt, pair.chosen), RewardRequest(prompt, pair.rejected)]
    )
    for column, id_ in enumerate(COMMUNITIES):
        one, other = there.preferences[id_], back.preferences[id_]
        assert one.margin.value == pytest.approx(
            reward_N_C[0, column] - reward_N_C[1, column], **CLOSE
        )
        assert one.share.value == pytest.approx(expit(one.margin.value), **CLOSE)
        assert one.margin.value == -other.margin.value
        assert (one.margin.low, one.margin.high) == (-other.margin.high, -other.margin.low)
        assert one.share.value + other.share.value == pytest.approx(1, abs=2e-6)
        assert 0 <= one.share.low <= one.share.value <= one.share.high <= 1


def test_equal_responses_are_preferred_by_half(client: TestClient) -> None:
    answer = ask(client, "/v1/compare", {"response": "Yes.", "other": "Yes."}, CompareAnswer)
    for preference in answer.preferences.values():
        assert (preference.margin.value, preference.share.value) == (0.0, 0.5)
        assert (preference.share.low, preference.share.high) == (0.5, 0.5)


# People and warnings


def test_few_people_are_a_warning_in_every_answer(client: TestClient) -> None:
    found = {served.id: served for served in rewards(client, [RewardRequest("", "a")]).communities}
    assert found["~isle"].raters == 9
    assert "thin: only 9 people stand behind it" in found["~isle"].warnings
    assert not [warning for warning in found["~coast"].warnings if warning.startswith("thin")]
    body = {"response": "a", "other": "b", "communities": "~isle"}
    for path, kind, sent in (
        ("/v1/compare", CompareAnswer, body),
        ("/v1/rank", RankAnswer, {"responses": ["a"], "communities": "~isle"}),
    ):
        (served,) = ask(client, path, sent, kind).communities
        assert served == found["~isle"]


@pytest.mark.parametrize(
    ("people", "warning"),
    [
        ({}, "unknown: the model's card does not have"),
        ({"~lake": {"raters": 19, "pairs": 5000}}, "thin: only 19 people"),
        ({"~lake": {"raters": 20, "pairs": 20}}, None),
        ({"~lake": {"raters": None, "pairs": 199}}, "thin: only 199 pairs of published answers"),
        ({"~lake": {"raters": None, "pairs": 200}}, None),
        ({"~lake": {"raters": None, "pairs": None}}, "unknown: "),
    ],
)
def test_people_who_are_few_or_unknown_are_a_warning(
    asking: Any, planted: Any, people: dict[str, Any], warning: str | None
) -> None:
    card = {"communities": ["~lake"], "people": people}
    client = asking(opened=planted({"~lake": {"yes": 1.0}}, card=card))
    (served,) = rewards(client, [RewardRequest("", "yes")]).communities
    told = [one for one in served.warnings if one.startswith(("thin", "unknown"))]
    assert [one.startswith(str(warning)) for one in told] == ([True] if warning else [])


def test_a_response_in_a_language_that_the_trunk_does_not_read_is_a_warning(
    asking: Any, planted: Any
) -> None:
    english = "The people here would rather keep what they have than lose it for a promise."
    spanish = "La gente de aquí prefiere conservar lo que tiene antes que perderlo por una promesa."
    client = asking(opened=planted({"~lake": {english: 1.0}}, languages=("en",)))
    said = "language: the response looks like 'es', and the trunk reads en"
    for items in ([english, spanish, "ok"], [english, spanish, "ok"] * 4):
        answer = rewards(client, [RewardRequest("", text) for text in items])
        assert [item.warnings for item in answer.items] == [(), (said,), ()] * (len(items) // 3)
    ranked = ask(client, "/v1/rank", {"responses": [spanish, english]}, RankAnswer)
    assert [(place.index, place.warnings) for place in ranked.ranking] == [(1, ()), (0, (said,))]
    compared = ask(client, "/v1/compare", {"response": spanish, "other": spanish}, CompareAnswer)
    assert compared.warnings == (said,)


def test_a_response_longer_than_the_trunk_reads_has_a_warning(asking: Any, planted: Any) -> None:
    class Short(HashEncoder):
        def cut(self, texts: Sequence[str]) -> list[bool]:
            return [len(text) > 10 for text in texts]

    opened = planted({"~lake": {"yes": 1.0, "yes, and more": 0.5}})
    client = asking(opened=replace(opened, vectors=RecentVectors(Short(), 1000)))
    asked = [
        RewardRequest("Tea?", "yes"),
        RewardRequest("Tea?", "yes, and more"),
        RewardRequest("Tea, or " * 9, "yes"),
    ]
    said = [item.warnings for item in rewards(client, asked).items]
    about = "cut: the {} is longer than the trunk reads; only its beginning is scored"
    assert said == [(), (about.format("response"),), (about.format("prompt"),)]


def test_a_script_of_several_languages_is_named_in_the_warning(asking: Any, planted: Any) -> None:
    arabic = "قل له بلطف كيف يبدو الأمر لك"
    client = asking(opened=planted({"~lake": {arabic: 1.0}}, languages=("en",)))
    (item,) = rewards(client, [RewardRequest("", arabic)]).items
    assert item.warnings == (
        "language: the response is written in arabic letters, and the trunk reads en",
    )


def test_the_communities_are_listed_with_their_people_and_the_reference(client: TestClient) -> None:
    answer = client.get("/v1/communities")
    assert list(answer.json()) == list(CommunityList.model_fields)
    found = strict(CommunityList).model_validate_json(answer.content)
    assert [served.id for served in found.communities] == [*COMMUNITIES, "~world"]
    assert all(served.raters and served.pairs for served in found.communities)
    coast = found.communities[0]
    assert coast.accuracy is not None
    assert coast.accuracy.low <= coast.accuracy.value <= coast.accuracy.high
    strict(ModelList).model_validate_json(client.get("/v1/models").content)


def test_an_item_has_the_fields_of_its_type_and_no_others(client: TestClient) -> None:
    (item,) = client.post("/v1/rewards", json={"items": [{"response": "a"}]}).json()["items"]
    assert list(item) == always(Scored)
    assert all(list(number) == ["value", "low", "high"] for number in item["rewards"].values())


# State


def test_a_server_reports_that_it_is_live_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ready\n"


def test_metrics_count_requests_responses_and_vectors(asking: Any) -> None:
    client = asking()
    rewards(client, [RewardRequest("Tea?", "Yes."), RewardRequest("Tea?", "No.")])
    rewards(client, [RewardRequest("Tea?", "Yes."), RewardRequest("Tea?", "Maybe.")])
    client.post("/v1/rewards", json={})
    client.get("/nowhere")
    told = client.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain")
    assert counted(told.text, 'pluralign_requests_total{endpoint="/v1/rewards",status="200"}') == 2
    assert counted(told.text, 'pluralign_requests_total{endpoint="/v1/rewards",status="422"}') == 1
    assert counted(told.text, 'pluralign_requests_total{endpoint="other",status="404"}') == 1
    assert counted(told.text, "pluralign_responses_scored_total") == 4
    assert counted(told.text, "pluralign_waiting_responses") == 0
    assert counted(told.text, 'pluralign_vectors_total{remembered="yes"}') == 2  # Tea? and Yes.
    assert (
        counted(told.text, 'pluralign_vectors_total{remembered="no"}') == 6
    )  # two of them those of the first start
    assert counted(told.text, "pluralign_batch_responses_count") == 2


def counted(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


def test_answers_are_not_cached_and_have_their_content_type(client: TestClient) -> None:
    for answer in (client.get("/healthz"), client.get("/v1/communities"), client.get("/nowhere")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
