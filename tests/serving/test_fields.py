"""Fields of other servers work as they do there, or are refused; wrong types are refused."""

from typing import Any

import pytest
from scipy.special import expit
from starlette.testclient import TestClient

TEXT, PAIR = {"input": "My family."}, {"queries": "What matters?", "documents": ["My family."]}
QUERY, INPUTS = {"query": ["My family."]}, {"inputs": "My family."}
BODIES: dict[str, dict[str, Any]] = {
    "/classify": TEXT,
    "/pooling": TEXT,
    "/score": PAIR,
    "/v1/score": PAIR,
    "/steered/~coast/classify": TEXT,
    "/predict": INPUTS,
    "/get_reward": QUERY,
}
VLLM = ("/classify", "/pooling", "/score")


def number(answer: Any) -> float:
    body = answer.json()
    row = body[0] if isinstance(body, list) else body["data"][0]
    found = row.get("score", row.get("probs", row.get("data")))
    return float(found[0] if isinstance(found, list) else found)


@pytest.mark.parametrize("path", VLLM)
@pytest.mark.parametrize("name", ["use_activation", "activation", "softmax"])
def test_former_names_of_use_activation_are_honoured(
    client: TestClient, path: str, name: str
) -> None:
    logit = number(client.post(path, json=BODIES[path]))
    assert number(client.post(path, json=BODIES[path] | {name: True})) == pytest.approx(
        expit(logit)
    )
    assert number(client.post(path, json=BODIES[path] | {name: False})) == logit


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        *(
            (path, name, True)
            for path in VLLM
            for name in ("normalize", "raw_scores", "apply_sigmoid", "stream")
        ),
        *((path, "truncate_prompt_tokens", 10) for path in VLLM),
        *((path, "truncation_side", "left") for path in VLLM),
        ("/pooling", "dimensions", 1),
        ("/pooling", "task", "embed"),
        ("/pooling", "encoding_format", "bytes"),
        ("/pooling", "embed_dtype", "float16"),
        ("/pooling", "endianness", "big"),
        ("/classify", "add_generation_prompt", True),
        ("/score", "instruction", "Which is kinder?"),
        ("/predict", "use_activation", False),
        ("/predict", "activation", False),
        ("/predict", "truncate", False),
        ("/predict", "truncation_direction", "left"),
        ("/predict", "parameters", {"function_to_apply": "none"}),
        ("/get_reward", "raw_scores", True),
        ("/get_reward", "normalize", True),
        ("/get_reward", "strength", 0.5),
    ],
)
def test_a_field_that_would_change_the_answer_elsewhere_is_refused(
    client: TestClient, path: str, field: str, value: Any
) -> None:
    answer = client.post(path, json=BODIES[path] | {field: value})
    assert answer.status_code == 422
    assert field in answer.text


@pytest.mark.parametrize("path", VLLM)
def test_two_names_of_one_field_are_refused(client: TestClient, path: str) -> None:
    for both in (
        {"use_activation": False, "activation": True},
        {"activation": True, "softmax": False},
    ):
        assert client.post(path, json=BODIES[path] | both).status_code == 422


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        *(
            (
                path,
                {"user": "me", "request_id": "1", "truncation_side": "right", "dimensions": None},
            )
            for path in VLLM
        ),
        ("/pooling", {"embed_dtype": "float32", "endianness": "little", "normalize": False}),
        ("/predict", {"truncate": True, "truncation_direction": "right", "parameters": None}),
        ("/get_reward", {"id": 7}),
    ],
)
def test_a_field_that_changes_nothing_is_ignored(
    client: TestClient, path: str, fields: dict[str, Any]
) -> None:
    plain, more = (client.post(path, json=body) for body in (BODIES[path], BODIES[path] | fields))
    assert more.status_code == plain.status_code == 200
    if path in VLLM:
        assert number(more) == number(plain)


@pytest.mark.parametrize("wrong", ['"false"', '"true"', "1", "0", "null", "NaN", "[true]"])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        *((path, "use_activation") for path in VLLM),
        ("/classify", "activation"),
        ("/predict", "raw_scores"),
    ],
)
def test_a_switch_of_another_type_is_refused(
    client: TestClient, path: str, field: str, wrong: str
) -> None:
    name = next(iter(BODIES[path]))
    rest = "" if path != "/score" else ', "documents": "b"'
    answer = client.post(path, content=f'{{"{name}": "a"{rest}, "{field}": {wrong}}}')
    assert answer.status_code == 422
    assert field in answer.text


@pytest.mark.parametrize("wrong", ['"0.5"', "true", "null", "NaN", "Infinity", "[1]", "{}"])
def test_a_strength_or_share_of_another_type_is_refused(client: TestClient, wrong: str) -> None:
    for field in (f'"strength": {wrong}', f'"blend": {{"~coast": {wrong}}}'):
        item = '{"response": "My family."}'
        for path, rest in (
            ("/v1/rewards", f'"items": [{item}]'),
            ("/v1/rank", '"responses": ["a"]'),
            ("/v1/compare", '"response": "a", "other": "b"'),
        ):
            answer = client.post(path, content=f"{{{rest}, {field}}}")
            assert answer.status_code == 422, answer.text
        label = '"community": "~coast", ' if "blend" not in field else ""
        answer = client.post(
            "/get_reward", content=f'{{"query": ["a"], "labels": [{{{label}{field}}}]}}'
        )
        assert answer.status_code == 422, answer.text


def test_the_openapi_document_promises_these_types(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["Classify"]["properties"]["use_activation"]["type"] == "boolean"
    assert schemas["Predict"]["properties"]["raw_scores"]["type"] == "boolean"
    assert schemas["RewardsRequest"]["properties"]["strength"]["type"] == "number"
