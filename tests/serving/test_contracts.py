"""Requests and answers of the clients of OpenRLHF, verl, vLLM and text-embeddings-inference."""

import base64
import re
import struct
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from starlette.testclient import TestClient

from pluralign.core import Message, RewardRequest, Steer, SteerableRewardModel

COAST, HILL = Steer.to("~coast"), Steer.to("~hill")
BLEND = Steer({"~coast": 0.7, "~hill": 0.3})
PROMPT = "A friend always arrives late. Should I mention it?"
GOOD = "I care how you feel, so please take comfort. Tell them openly and without any detour."
OTHER = "Set your feelings to one side and look at it coolly. Choose the option that pays the most."
RENDERED = f"<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n"
ID = re.compile(r"(classify|pooling|score)-[0-9a-f]{32}")


def ask(client: TestClient, path: str, body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client: TestClient, path: str, body: Any) -> str:
    answer = client.post(path, json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.text


def direct(
    model: SteerableRewardModel, steer: Steer | None, *responses: str, prompt: str = PROMPT
) -> Any:
    return pytest.approx(
        model.score([RewardRequest(prompt, response) for response in responses], steer), abs=1e-9
    )


# OpenRLHF


def get_reward(client: TestClient, label: Any) -> float:
    body = {"query": [f"{RENDERED}{GOOD}<|im_end|>\n"], "prompts": [RENDERED], "labels": [label]}
    (reward,) = ask(client, "/get_reward", body)["rewards"]
    return float(reward)


def test_openrlhf_reads_rewards_scores_and_logs_in_this_order(asking: Any, planted: Any) -> None:
    card = {"communities": ["~isle"], "people": {"~isle": {"raters": 5, "pairs": 9}}}
    client = asking(opened=planted({"~isle": {"Yes.": 1.5}, "~world": {"Yes.": 0.25}}, card=card))
    body = {"query": ["Tea?Yes.</s>"], "prompts": ["Tea?"], "labels": ["~isle"]}
    scores = (
        '"scores":[0.8175744761936437],"extra_logs":'
        '{"reference":[0.25],"thin":[1.0],"thought":[0.0],"no_answer":[0.0]}'
    )
    assert client.post("/get_reward", json=body).text == f'{{"rewards":[1.5],{scores}}}'


def test_openrlhf_gets_empty_lists_for_empty_lists(client: TestClient) -> None:
    for body in ({"query": [], "prompts": [], "labels": []}, {"query": []}):
        assert (
            client.post("/get_reward", json=body).text
            == '{"rewards":[],"scores":[],"extra_logs":{}}'
        )


@pytest.mark.parametrize(
    ("label", "steer"),
    [
        ("~coast", COAST),
        ({"community": "~coast"}, COAST),
        ('{"community": "~coast"}', COAST),
        ('  {"communities": ["~coast"], "strength": 0.5}', Steer.to("~coast", 0.5)),
        ({"blend": {"~coast": 0.7, "~hill": 0.3}}, BLEND),
        ('{"blend": {"~coast": 0.7, "~hill": 0.3}, "strength": 2}', Steer(BLEND.shares, 2.0)),
        ({"community": "~coast/cliffs", "unknown": "parent"}, COAST),
        ("~world", None),
        ("World", None),
        ("", None),
        (None, None),
    ],
)
def test_a_label_names_the_community_that_counts(
    client: TestClient, model: SteerableRewardModel, label: Any, steer: Steer | None
) -> None:
    assert [get_reward(client, label)] == direct(model, steer, GOOD)


@pytest.mark.parametrize(
    "label",
    [
        "~cost",
        " ",
        7,
        True,
        ["~coast"],
        {},
        {"community": None},
        {"community": ["~coast", "~hill"]},
        {"community": "~coast", "blend": {"~coast": 1.0}},
        {"blend": {"~coast": 0.7}},
        {"blend": {"~coast": "much"}},
        {"community": "~coast", "strength": -1},
        {"community": "~coast", "strenght": 1},
        '{"community": "~coast"',
        '{"community": "\\ud800"}',
        '{"community": "~coast", "strength": NaN}',
        '{"community": "~coast", "strength": ' + "9" * 5000 + "}",
        '{"a":' * 100_000,
    ],
    ids=lambda label: repr(label)[:50],
)
def test_a_label_that_names_no_community_is_refused(client: TestClient, label: Any) -> None:
    refused(client, "/get_reward", {"query": ["a"], "prompts": [""], "labels": [label]})


def test_a_similar_label_is_suggested_for_an_unknown_one(client: TestClient) -> None:
    answer = client.post("/get_reward", json={"query": ["a"], "labels": ["~cost"]})
    assert answer.status_code == 422
    assert answer.json()["hint"] == "did you mean ~coast?"


def test_samples_of_one_post_have_labels_of_their_own(
    client: TestClient, model: SteerableRewardModel
) -> None:
    labels = ["~coast", None, "~hill", "~coast", {"blend": {"~coast": 0.7, "~hill": 0.3}}]
    steers = [COAST, None, HILL, COAST, BLEND]
    said = [GOOD, GOOD, OTHER, OTHER, GOOD]
    body = {
        "query": [RENDERED + text for text in said],
        "prompts": [RENDERED] * 5,
        "labels": labels,
    }
    answer = ask(client, "/get_reward", body)
    requests = [RewardRequest(PROMPT, text) for text in said]
    own = [
        model.score([request], steer)[0] for request, steer in zip(requests, steers, strict=True)
    ]
    assert answer["rewards"] == pytest.approx(own, abs=1e-9)
    assert answer["extra_logs"]["reference"] == pytest.approx(model.score(requests), abs=1e-9)
    assert answer["extra_logs"]["thin"] == [0.0] * 5


def test_without_prompts_a_query_is_read_by_its_marks(
    client: TestClient, model: SteerableRewardModel
) -> None:
    query = (
        f"<|im_start|>user\n{PROMPT}<|im_end|>\n"
        f"<|im_start|>assistant\n{GOOD}<|im_end|><|endoftext|>"
    )
    answer = ask(client, "/get_reward", {"query": [query], "labels": ["~hill"]})
    assert answer["rewards"] == direct(model, HILL, GOOD)


@pytest.mark.parametrize("name", ["prompts", "labels"])
def test_openrlhf_must_send_as_many_of_each(client: TestClient, name: str) -> None:
    assert name in refused(client, "/get_reward", {"query": ["a", "b"], name: ["~coast"]})


# vLLM and verl


@pytest.mark.parametrize(
    ("name", "steer"),
    [
        (None, None),
        ("", None),
        ("served", None),
        ("served@~coast", COAST),
        ("served@~world", None),
        ("served@World", None),
        ("served@~coast=1", COAST),
        ("served@~coast=0.7,~hill=0.3", BLEND),
        ("served@~coast=0.7, ~hill=0.3", BLEND),
        ("served@~coast=0.5,~world=0.5", Steer({"~coast": 0.5, "~world": 0.5})),
    ],
)
def test_a_community_is_a_model_name(
    client: TestClient, model: SteerableRewardModel, name: str | None, steer: Steer | None
) -> None:
    answer = ask(client, "/classify", {"model": name, "input": GOOD})
    assert answer["data"][0]["probs"] == direct(model, steer, GOOD, prompt="")
    assert answer["model"] == (name or "served")


def test_another_model_is_not_found(client: TestClient) -> None:
    text, pair = {"input": "a"}, {"queries": "a", "documents": "b"}
    for path, body in (
        ("/classify", text),
        ("/pooling", text),
        ("/score", pair),
        ("/v1/score", pair),
    ):
        answer = client.post(path, json={"model": "gpt-9@~coast", **body})
        assert answer.status_code == 404
        assert "gpt-9" in answer.json()["detail"]
        assert "served@COMMUNITY" in answer.json()["hint"]


@pytest.mark.parametrize(
    "name",
    [
        "served@",
        "served@~cost",
        "served@~coast,~hill",
        "served@~coast=x",
        "served@~coast=0.7",
        "served@,,,",
    ],
)
def test_a_model_name_that_names_no_community_is_refused(client: TestClient, name: str) -> None:
    refused(client, "/classify", {"model": name, "input": "a"})


def test_classify_answers_as_vllm_does(client: TestClient, model: SteerableRewardModel) -> None:
    answer = ask(
        client,
        "/classify",
        {"model": "served@~coast", "input": [GOOD, OTHER], "use_activation": False},
    )
    assert list(answer) == ["id", "object", "created", "model", "data", "usage"]
    assert ID.fullmatch(answer["id"])
    assert answer["object"] == "list"
    assert isinstance(answer["created"], int)
    assert [list(row) for row in answer["data"]] == [["index", "label", "probs", "num_classes"]] * 2
    assert [(row["index"], row["label"], row["num_classes"]) for row in answer["data"]] == [
        (0, "LABEL_0", 1),
        (1, "LABEL_0", 1),
    ]
    assert [row["probs"][0] for row in answer["data"]] == direct(
        model, COAST, GOOD, OTHER, prompt=""
    )
    assert list(answer["usage"]) == [
        "prompt_tokens",
        "total_tokens",
        "completion_tokens",
        "prompt_tokens_details",
    ]
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] > 0


def test_verl_reads_the_last_number_of_the_last_row(
    client: TestClient, model: SteerableRewardModel
) -> None:
    body = {
        "model": "served@~coast",
        "input": f"{RENDERED}{GOOD}<|im_end|>",
        "use_activation": False,
    }
    assert [ask(client, "/classify", body)["data"][-1]["probs"][-1]] == direct(model, COAST, GOOD)


def test_use_activation_squeezes_into_one(client: TestClient) -> None:
    for path, body, read in (
        ("/classify", {"input": GOOD}, lambda row: row["probs"][0]),
        ("/pooling", {"input": GOOD}, lambda row: row["data"][0]),
        ("/score", {"queries": PROMPT, "documents": GOOD}, lambda row: row["score"]),
    ):
        raw, squeezed, default = (
            read(ask(client, path, body | added)["data"][0])
            for added in ({"use_activation": False}, {"use_activation": True}, {})
        )
        assert squeezed == pytest.approx(expit(raw), abs=1e-12)
        assert default == raw


def test_messages_are_one_conversation(client: TestClient, model: SteerableRewardModel) -> None:
    turns = [{"role": "user", "content": PROMPT}, {"role": "assistant", "content": GOOD}]
    answer = ask(
        client, "/classify", {"model": "served@~hill", "messages": turns, "temperature": 0.3}
    )
    assert answer["data"][0]["probs"] == direct(model, HILL, GOOD)
    longer = [
        {
            "role": "system",
            "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind."}],
        },
        *turns,
    ]
    prompt = (Message("system", "Be\nkind."), Message("user", PROMPT))
    answer = ask(client, "/classify", {"model": "served@~hill", "messages": longer})
    assert answer["data"][0]["probs"] == pytest.approx(
        model.score([RewardRequest(prompt, GOOD)], HILL), abs=1e-9
    )


def test_messages_must_end_with_a_response(client: TestClient) -> None:
    for turns in ([], [{"role": "user", "content": "Tea?"}]):
        refused(client, "/classify", {"messages": turns})


def test_classify_takes_input_or_messages(client: TestClient) -> None:
    turns = [{"role": "assistant", "content": "a"}]
    for body in (
        {},
        {"input": "a", "messages": turns},
        {"input": []},
        {"input": [1]},
        {"input": {"a": 1}},
    ):
        refused(client, "/classify", body)


def test_pooling_answers_as_vllm_does(client: TestClient, model: SteerableRewardModel) -> None:
    body = {"model": "served@~coast", "task": "classify", "input": [GOOD, OTHER]}
    answer = ask(client, "/pooling", body)
    assert list(answer) == ["id", "object", "created", "model", "data", "usage"]
    assert ID.fullmatch(answer["id"])
    assert [list(row) for row in answer["data"]] == [["index", "object", "data"]] * 2
    assert {row["object"] for row in answer["data"]} == {"pooling"}
    assert [row["data"][0] for row in answer["data"]] == direct(
        model, COAST, GOOD, OTHER, prompt=""
    )


def test_pooling_in_base64_is_a_little_endian_float(
    client: TestClient, model: SteerableRewardModel
) -> None:
    body = {"model": "served@~coast", "input": GOOD, "encoding_format": "base64"}
    (number,) = struct.unpack(
        "<f", base64.b64decode(ask(client, "/pooling", body)["data"][0]["data"])
    )
    assert number == np.float32(model.score([RewardRequest("", GOOD)], COAST)[0])
    refused(client, "/pooling", body | {"encoding_format": "bytes"})


@pytest.mark.parametrize("path", ["/score", "/v1/score"])
@pytest.mark.parametrize(
    ("first", "second"), [("queries", "documents"), ("text_1", "text_2"), ("data_1", "data_2")]
)
def test_score_takes_one_prompt_for_one_or_for_all_or_one_for_each(
    client: TestClient, model: SteerableRewardModel, path: str, first: str, second: str
) -> None:
    def scores(prompts: Any, responses: Any) -> list[float]:
        answer = ask(client, path, {"model": "served@~coast", first: prompts, second: responses})
        assert list(answer) == ["id", "object", "created", "model", "data", "usage"]
        assert [list(row) for row in answer["data"]] == [["index", "object", "score"]] * len(
            answer["data"]
        )
        assert [row["index"] for row in answer["data"]] == list(range(len(answer["data"])))
        return [row["score"] for row in answer["data"]]

    both = direct(model, COAST, GOOD, OTHER)
    assert scores(PROMPT, GOOD) == direct(model, COAST, GOOD)
    assert scores(PROMPT, [GOOD, OTHER]) == both
    assert scores([PROMPT], [GOOD, OTHER]) == both
    assert scores([PROMPT, PROMPT], [GOOD, OTHER]) == both


@pytest.mark.parametrize(
    ("queries", "documents"),
    [(["a", "b"], "c"), (["a", "b"], ["c"]), (["a", "b"], ["c"] * 3), ([], ["c"]), ("a", [])],
)
def test_score_refuses_other_numbers_of_each(
    client: TestClient, queries: Any, documents: Any
) -> None:
    assert "queries" in refused(client, "/score", {"queries": queries, "documents": documents})


def test_models_lists_the_reference_and_every_community(client: TestClient) -> None:
    answer = client.get("/v1/models").json()
    assert list(answer) == ["object", "data"]
    ids = [row["id"] for row in answer["data"]]
    communities = ["~coast", "~hill", "~isle", "~marsh", "~river", "~world"]
    assert ids == ["served", *(f"served@{community}" for community in communities)]
    keys = ["id", "object", "created", "owned_by", "root", "parent", "max_model_len", "serves"]
    assert all(list(row) == keys for row in answer["data"])
    assert [row["parent"] for row in answer["data"]] == [None, *["served"] * 6]
    for id_ in ids:
        ask(client, "/classify", {"model": id_, "input": "a"})


def test_the_client_of_openai_lists_the_models(serving: Any) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(
        base_url=f"{serving()}/v1", api_key="none", max_retries=0, timeout=20
    ) as client:
        found = client.models.list()
    assert [one.id for one in found][:2] == ["served", "served@~coast"]


# text-embeddings-inference


def test_predict_of_one_text_is_flat(client: TestClient, model: SteerableRewardModel) -> None:
    for inputs in (GOOD, [GOOD]):
        (found,) = ask(client, "/predict", {"inputs": inputs, "raw_scores": True})
        assert list(found) == ["score", "label"]
        assert found["label"] == "LABEL_0"
        assert [found["score"]] == direct(model, None, GOOD, prompt="")


def test_predict_of_a_flat_pair_is_one_prompt_and_response(
    client: TestClient, model: SteerableRewardModel
) -> None:
    (found,) = ask(client, "/predict", {"inputs": [PROMPT, GOOD], "raw_scores": True})
    assert [found["score"]] == direct(model, None, GOOD)


def test_predict_of_a_batch_is_nested(client: TestClient, model: SteerableRewardModel) -> None:
    answer = ask(
        client,
        "/predict",
        {"inputs": [[OTHER], [PROMPT, GOOD]], "raw_scores": True, "truncate": True},
    )
    assert [len(row) for row in answer] == [1, 1]
    assert [answer[0][0]["score"]] == direct(model, None, OTHER, prompt="")
    assert [answer[1][0]["score"]] == direct(model, None, GOOD)


def test_predict_squeezes_by_default(client: TestClient, model: SteerableRewardModel) -> None:
    raw = model.score([RewardRequest(PROMPT, GOOD)], COAST)
    for added in ({}, {"raw_scores": False}):
        (found,) = ask(client, "/steered/~coast/predict", {"inputs": [PROMPT, GOOD], **added})
        assert found["score"] == pytest.approx(float(expit(raw)[0]), abs=1e-12)


@pytest.mark.parametrize(
    "inputs", [[], [[]], ["a", "b", "c"], [["a", "b", "c"]], ["a", ["b"]], [[1]], 7, None, {}]
)
def test_predict_refuses_other_shapes(client: TestClient, inputs: Any) -> None:
    refused(client, "/predict", {"inputs": inputs})


@pytest.mark.parametrize("steer", ["~coast", "~coast=0.7,~hill=0.3", "%7Ecoast"])
def test_a_community_can_be_in_the_path(
    client: TestClient, model: SteerableRewardModel, steer: str
) -> None:
    expected = BLEND if "," in steer else COAST
    body = {"inputs": [PROMPT, GOOD], "raw_scores": True}
    (found,) = ask(client, f"/steered/{steer}/predict", body)
    assert [found["score"]] == direct(model, expected, GOOD)
    answer = ask(client, f"/steered/{steer}/classify", {"input": GOOD})
    assert answer["data"][0]["probs"] == direct(model, expected, GOOD, prompt="")


def test_an_id_with_a_slash_can_be_in_the_path(asking: Any, planted: Any) -> None:
    client = asking(opened=planted({"MEX/oaxaca": {"yes": 2.0}, "MEX": {"yes": 1.0}}))
    for path, reward in (("MEX/oaxaca", 2.0), ("MEX%2Foaxaca", 2.0), ("MEX", 1.0), ("Mexico", 1.0)):
        (found,) = ask(client, f"/steered/{path}/predict", {"inputs": "yes", "raw_scores": True})
        assert found["score"] == reward
    body = {"model": "served@MEX/oaxaca=0.5,MEX=0.5", "queries": "really?", "documents": "yes"}
    assert ask(client, "/score", body)["data"][0]["score"] == 1.5


def test_path_and_model_name_cannot_both_name_the_community(client: TestClient) -> None:
    body = {"inputs": "a", "model": "served@~hill"}
    assert "both" in refused(client, "/steered/~coast/predict", body)
    ask(client, "/steered/~coast/predict", {"inputs": "a", "model": "served"})
    refused(client, "/steered/~cost/predict", {"inputs": "a"})
