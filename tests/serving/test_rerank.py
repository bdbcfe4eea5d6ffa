"""``/rerank`` orders documents by a community's reward, in the format of Jina, Cohere and vLLM."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from starlette.testclient import TestClient

from pluralign.core import RewardRequest, Steer, SteerableRewardModel

QUERY = "A friend always arrives late. Should I mention it?"
DOCUMENTS = [
    "Set your feelings to one side and look at it coolly. Choose the option that pays the most.",
    "I care how you feel, so please take comfort. Tell them openly and without any detour.",
    "Yes.",
]


def rerank(client: TestClient, path: str = "/rerank", **more: Any) -> Any:
    answer = client.post(path, json={"query": QUERY, "documents": DOCUMENTS} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(client: TestClient, **more: Any) -> str:
    answer = client.post("/rerank", json={"query": QUERY, "documents": DOCUMENTS} | more)
    assert answer.status_code in (404, 413, 422), answer.text
    return str(answer.json()["error"]["message"])


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_the_best_document_of_a_community_comes_first(
    client: TestClient, model: SteerableRewardModel, path: str
) -> None:
    found = rerank(client, path, model="served@~coast")
    reward_N = model.score([RewardRequest(QUERY, text) for text in DOCUMENTS], Steer.to("~coast"))
    order = np.argsort(-reward_N).tolist()
    assert [one["index"] for one in found["results"]] == order
    assert [one["relevance_score"] for one in found["results"]] == pytest.approx(reward_N[order])
    assert [one["document"]["text"] for one in found["results"]] == [DOCUMENTS[i] for i in order]
    assert found["id"].startswith("rerank-")
    assert found["model"] == "served@~coast"
    assert found["usage"]["total_tokens"] == found["usage"]["prompt_tokens"] > 0


def test_the_path_may_name_the_community_for_clients_without_model_names(
    client: TestClient,
) -> None:
    named = rerank(client, model="served@~hill")["results"]
    assert rerank(client, "/steered/~hill/v1/rerank")["results"] == named


def test_documents_may_be_objects_and_their_texts_may_be_left_out(client: TestClient) -> None:
    objects = [{"text": text} for text in DOCUMENTS]
    found = rerank(client, documents=objects, return_documents=False)["results"]
    assert [set(one) for one in found] == [{"index", "relevance_score"}] * 3
    assert [one["index"] for one in found] == [one["index"] for one in rerank(client)["results"]]


def test_top_n_limits_the_answer_and_zero_means_all(client: TestClient) -> None:
    everything = rerank(client)["results"]
    assert rerank(client, top_n=2)["results"] == everything[:2]
    assert rerank(client, top_n=99)["results"] == everything
    assert rerank(client, top_n=0)["results"] == rerank(client, top_n=None)["results"] == everything


def test_scores_are_logits_unless_they_are_mapped_to_the_unit_interval(client: TestClient) -> None:
    logits = [one["relevance_score"] for one in rerank(client)["results"]]
    mapped = [one["relevance_score"] for one in rerank(client, use_activation=True)["results"]]
    assert mapped == pytest.approx(expit(logits))


def test_equal_documents_keep_the_order_of_the_request(client: TestClient) -> None:
    found = rerank(client, documents=["Yes.", "Yes.", "Yes."])["results"]
    assert [one["index"] for one in found] == [0, 1, 2]


def test_a_request_that_would_mean_something_else_is_refused(client: TestClient) -> None:
    assert "documents is empty" in refusal(client, documents=[])
    assert "top_n" in refusal(client, top_n=-1)
    assert "max_tokens_per_doc" in refusal(client, max_tokens_per_doc=10)
    assert "there is no model 'other' here" in refusal(client, model="other")
    assert "~cost" in refusal(client, model="served@~cost")
    assert "documents.0" in refusal(client, documents=[{"text": "Yes.", "title": "Tea"}])
