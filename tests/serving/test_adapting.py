"""Heads that callers adapt: used in their session, by nobody else, and not for ever."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from pluralign.core import PreferencePair, SteerableRewardModel
from pluralign.rewards import LinearRewardModel
from pluralign.serving.plans import Planner
from pluralign.serving.problems import Refused
from pluralign.serving.sessions import Session, Sessions

CHOICES = [
    {"prompt": f"Tea {k}?", "chosen": f"Yes, please {k}.", "rejected": "No.", "rater": f"r{k % 3}"}
    for k in range(6)
]
ITEM = {"prompt": "Coffee?", "response": "Yes, please."}


def adapted(client: TestClient, **body: Any) -> Any:
    found = client.post("/v1/adapt", json={"community": "KEN", "choices": CHOICES} | body)
    assert found.status_code == 200, found.text
    return found.json()


def reward(client: TestClient, community: str, **body: Any) -> Any:
    asked = {"items": [ITEM], "communities": [community]} | body
    found = client.post("/v1/rewards", json=asked)
    return found.json() if found.status_code == 200 else found.status_code


def test_a_head_is_that_of_the_library_and_answers_in_its_session_alone(
    client: TestClient, model: SteerableRewardModel
) -> None:
    assert isinstance(model, LinearRewardModel)
    told = adapted(client)
    assert told["community"] | {"warnings": []} == {
        **told["community"],
        "id": "KEN",
        "head": "adapted",
        "raters": 3,
        "pairs": 6,
        "warnings": [],
    }
    pairs = [
        PreferencePair(str(k), c["prompt"], c["chosen"], c["rejected"], "KEN", rater=c["rater"])
        for k, c in enumerate(CHOICES)
    ]
    head = model.adapt(pairs, "KEN")
    margin_N = head.score([(p.prompt, p.chosen) for p in pairs], "KEN")
    margin_N = margin_N - head.score([(p.prompt, p.rejected) for p in pairs], "KEN")
    assert [m["value"] for m in told["margins"]] == pytest.approx(margin_N, abs=1e-6)
    assert all(m["low"] < m["value"] < m["high"] for m in told["margins"])
    own = reward(client, "KEN", session=told["session"])
    expected = float(head.score([(ITEM["prompt"], ITEM["response"])], "KEN")[0])
    assert own["items"][0]["rewards"]["KEN"]["value"] == pytest.approx(expected, abs=1e-6)
    assert own["items"][0]["rewards"]["KEN"]["low"] is None
    others = reward(client, "KEN")
    assert others["communities"][0]["head"] == "prior"
    assert others["items"][0]["rewards"]["KEN"]["value"] != pytest.approx(expected, abs=1e-6)


def test_a_session_has_the_communities_of_the_model_too_and_blends(client: TestClient) -> None:
    session = adapted(client)["session"]
    both = {
        c: reward(client, c, session=session)["items"][0]["rewards"][c] for c in ("KEN", "~hill")
    }
    assert both["~hill"] == reward(client, "~hill")["items"][0]["rewards"]["~hill"]
    sent = {"items": [ITEM], "blend": {"KEN": 0.5, "~hill": 0.5}, "session": session}
    blend = client.post("/v1/rewards", json=sent).json()["items"][0]["rewards"]["blend"]
    assert blend["value"] == pytest.approx(
        np.mean([one["value"] for one in both.values()]), abs=1e-6
    )


def test_a_session_takes_further_communities_and_no_choices_are_the_prior(
    client: TestClient,
) -> None:
    session = adapted(client)["session"]
    again = adapted(client, community="Uganda", choices=[], session=session)
    assert again["session"] == session
    assert again["community"]["head"] == "prior"
    assert again["predicted_held_out"] is None
    assert reward(client, "KEN", session=session)["communities"][0]["head"] == "adapted"
    own, prior = reward(client, "UGA", session=session), reward(client, "UGA")
    values = [told["items"][0]["rewards"]["UGA"]["value"] for told in (own, prior)]
    assert values[0] == pytest.approx(values[1], abs=1e-6)


def test_a_session_keeps_all_communities_that_are_added_at_the_same_time(
    client: TestClient,
) -> None:
    session = adapted(client)["session"]
    others = ["ARG", "AUS", "AUT", "BEL", "BGD", "BOL", "CAN", "CHL"]
    with ThreadPoolExecutor(len(others)) as threads:
        list(threads.map(lambda c: adapted(client, community=c, session=session), others))
    told = client.post("/v1/rewards", json={"items": [ITEM], "session": session}).json()
    assert {"KEN", *others} <= set(told["items"][0]["rewards"])


def test_a_choice_between_equal_answers_is_named(client: TestClient) -> None:
    sent = [*CHOICES, {"prompt": "Tea?", "chosen": "<think>a</think>Yes", "rejected": "Yes"}]
    found = client.post("/v1/adapt", json={"community": "KEN", "choices": sent})
    assert found.json()["detail"] == "the chosen response of choice 6 equals the rejected one"


def test_a_trained_head_is_refused_before_any_text_is_read_with_a_remedy_of_the_server(
    client: TestClient,
) -> None:
    sent = {"community": "~hill", "choices": [CHOICES[0] | {"chosen": " "}]}
    found = client.post("/v1/adapt", json=sent).json()
    assert found["hint"] == "name another community"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"community": "~hill"}, 422),
        ({"community": "Atlantis"}, 422),
        ({"community": "~world"}, 422),
        ({"choices": [{"prompt": "Tea?", "chosen": "Yes.", "rejected": "Yes."}]}, 422),
        ({"choices": [{"prompt": "Tea?", "chosen": " ", "rejected": "Yes."}]}, 422),
        ({"choices": CHOICES * 40}, 422),
        ({"session": "nobody-has-this"}, 404),
    ],
)
def test_what_cannot_be_adapted_is_refused(client: TestClient, body: Any, status: int) -> None:
    asked = {"community": "KEN", "choices": CHOICES} | body
    assert client.post("/v1/adapt", json=asked).status_code == status


def test_the_limits_of_the_server_hold_and_several_processes_have_no_sessions(
    asking: Any, planted: Any
) -> None:
    small = asking(most_items=4)
    asked = {"community": "KEN", "choices": CHOICES}
    assert small.post("/v1/adapt", json=asked).status_code == 413
    closed = asking(tokens=("a token of some length",))
    assert closed.post("/v1/adapt", json=asked).status_code == 401
    assert asking(processes=2).post("/v1/adapt", json=asked).status_code == 422
    without = asking(opened=planted({"MEX": {"yes": 1.0}}))
    assert without.post("/v1/adapt", json=asked).status_code == 422


def test_sessions_are_few_and_end_when_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("pluralign.serving.sessions.time.monotonic", lambda: now)
    sessions, one = Sessions(most=2, seconds=10.0), Session(Planner({}, ()), {})
    first, second = (sessions.change(None, lambda _: one)[0] for _ in range(2))
    sessions.find(first)
    third = sessions.change(None, lambda _: one)[0]
    with pytest.raises(Refused):
        sessions.find(second)
    now = 8.0
    sessions.find(third)
    now = 15.0
    sessions.find(third)
    with pytest.raises(Refused):
        sessions.find(first)
    assert len(sessions) == 1
