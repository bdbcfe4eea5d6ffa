"""Where steering fades, the server answers as the library does, and says so."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from pluralign.core import (
    FloatArray,
    PreferencePair,
    RewardRequest,
    SteerableRewardModel,
    rng_for,
)
from pluralign.encoders import HashEncoder
from pluralign.models import open_model
from pluralign.rewards import (
    EmbeddingTrunk,
    Fading,
    HeadPrior,
    LinearRewardModel,
    asked_directions,
    save_reward_model,
)
from pluralign.serving.prompt_strengths import PromptStrengths

ASKED, NEW = "Tea or coffee?", "Wherefore jurisprudence, algorithmically?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    trunk = EmbeddingTrunk(HashEncoder())
    rng, size = rng_for(0, "faded"), trunk.dimensions
    tea = asked_directions(trunk.encoder.encode([ASKED]))
    model = LinearRewardModel(
        trunk,
        rng.normal(size=size),
        ("GBR", "MEX"),
        rng.normal(size=(2, size)),
        prior=HeadPrior(rng.normal(size=size), np.zeros((size, 0)), 3.0, 2, 40, 900),
        fading=Fading({"GBR": tea, "MEX": tea}, tea, start=0.2, full=0.4),
    )
    found = tmp_path_factory.mktemp("faded") / "model"
    save_reward_model(model, found, {"kind": "embedding", "encoder": "hash", "interaction": 0.5})
    return found


@pytest.fixture(scope="module")
def faded(folder: Path) -> SteerableRewardModel:
    return open_model(folder)


@pytest.fixture(scope="module")
def client(asking: Any, folder: Path) -> TestClient:
    served: TestClient = asking(model=folder)
    return served


def items(client: TestClient, **body: Any) -> Any:
    sent = {"items": [{"prompt": p, "response": "Tea, please."} for p in (ASKED, NEW)]} | body
    found = client.post("/v1/rewards", json=sent)
    assert found.status_code == 200, found.text
    return found.json()["items"]


@pytest.mark.parametrize("community", ["MEX", "~world", "KEN"])
def test_rewards_are_those_of_the_library(
    client: TestClient, faded: LinearRewardModel, community: str
) -> None:
    ready = faded.adapt([], "KEN")
    told = items(client, communities=[community])
    expected = ready.score([(p, "Tea, please.") for p in (ASKED, NEW)], community)
    found = [one["rewards"][community]["value"] for one in told]
    assert found == pytest.approx(list(expected), abs=1e-6)


def test_weaker_steering_is_told_with_its_strength_and_its_reason(client: TestClient) -> None:
    asked, new = items(client)
    assert "strengths" not in asked
    assert asked["warnings"] == []
    assert new["strengths"] == {"GBR": 0.0, "MEX": 0.0}
    assert "unlike those that people were asked" in new["warnings"][0]
    reference, other = items(client, communities=["~world"])
    assert "strengths" not in reference and "strengths" not in other


def test_the_strength_of_a_blend_is_the_mean_of_its_parts(client: TestClient) -> None:
    _, new = items(client, blend={"MEX": 0.5, "~world": 0.5})
    assert new["strengths"] == {"blend": 0.0}


def test_a_blend_whose_shares_sum_to_less_by_rounding_is_steered_fully(client: TestClient) -> None:
    shares = {"GBR": 0.1, "MEX": 0.7, "KEN": 0.2}  # their sum is 0.9999999999999999
    asked, new = items(client, blend=shares)
    assert "strengths" not in asked
    assert new["strengths"] == {"blend": 0.0}


def test_comparisons_and_orders_tell_it_too(client: TestClient) -> None:
    sent = {"prompt": NEW, "response": "Tea.", "other": "Coffee.", "communities": ["MEX"]}
    compared = client.post("/v1/compare", json=sent).json()
    assert compared["strengths"] == {"MEX": 0.0}
    assert len(compared["warnings"]) == 1
    order = {"prompt": NEW, "responses": ["Tea.", "Coffee."], "communities": ["MEX"]}
    ranked = client.post("/v1/rank", json=order).json()
    assert all(place["strengths"] == {"MEX": 0.0} for place in ranked["ranking"])


def test_what_a_session_was_asked_is_familiar_in_it_alone(
    client: TestClient, faded: LinearRewardModel
) -> None:
    choice = {"prompt": NEW, "chosen": "Tea.", "rejected": "Coffee.", "rater": "r1"}
    told = client.post("/v1/adapt", json={"community": "KEN", "choices": [choice]}).json()
    own = items(client, communities=["KEN"], session=told["session"])
    assert "strengths" not in own[1]
    pair = PreferencePair("0", NEW, "Tea.", "Coffee.", "KEN", rater="r1")
    expected = faded.adapt([pair], "KEN").score([(NEW, "Tea, please.")], "KEN")[0]
    assert own[1]["rewards"]["KEN"]["value"] == pytest.approx(float(expected), abs=1e-6)
    assert items(client, communities=["KEN"])[1]["strengths"] == {"KEN": 0.0}


class Reading(EmbeddingTrunk):
    """Counts the prompts that are read."""

    def prompts(self, requests: Sequence[RewardRequest]) -> FloatArray | None:
        read.append([str(one.prompt) for one in requests])
        return super().prompts(requests)


read: list[list[str]] = []


def test_a_prompt_is_read_once_for_all_its_responses_and_answers() -> None:
    trunk = Reading(HashEncoder())
    tea, law = (asked_directions(trunk.encoder.encode([text])) for text in (ASKED, NEW))
    fading = Fading({"GBR": tea, "MEX": law}, tea, start=0.1, full=0.5)
    known = PromptStrengths(trunk, fading, ["GBR", "MEX", "prior"])
    requests = [RewardRequest(text, f"Answer {i}") for i in range(9) for text in (ASKED, NEW)]
    expected_N_C = fading.strengths(trunk.encoder.encode([ASKED, NEW] * 9), ["GBR", "MEX", "prior"])
    read.clear()
    np.testing.assert_array_equal(known.on(requests, [1]), expected_N_C[:, [1]])
    np.testing.assert_array_equal(known.on(requests[:3], [1]), expected_N_C[:3, [1]])
    assert read == [[ASKED, NEW]]
    np.testing.assert_array_equal(known.on(requests, [2, 0]), expected_N_C[:, [2, 0]])
    np.testing.assert_array_equal(known.on(requests, [0, 1, 2]), expected_N_C)
    assert read == [[ASKED, NEW]] * 2
    assert known.on(requests, []).shape == (18, 0)


def test_prompts_that_came_first_are_forgotten_first() -> None:
    trunk = Reading(HashEncoder())
    tea = asked_directions(trunk.encoder.encode([ASKED]))
    known = PromptStrengths(trunk, Fading({"GBR": tea}, tea, 0.1, 0.5), ["GBR"], most_bytes=420)
    read.clear()
    for text in ("a", "b", "a", "c", "a"):
        known.on([RewardRequest(text, "Answer")], [0])
    assert read == [["a"], ["b"], ["c"], ["a"]]
