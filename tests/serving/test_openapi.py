"""The OpenAPI document, and whatever can be made from it sent to a server."""

from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient
from tests.serving.scripted_policies import Scripted

POSTED = {
    "/v1/rewards",
    "/v1/rank",
    "/v1/compare",
    "/v1/adapt",
    "/get_reward",
    "/classify",
    "/pooling",
    "/score",
    "/v1/score",
    "/rerank",
    "/v1/rerank",
    "/v2/rerank",
    "/predict",
    "/v1/embeddings",
    "/v1/chat/completions",
}
SAME = {"/v1/rerank", "/v2/rerank"}  # as /rerank
GOT = {"/v1/communities", "/v1/models", "/healthz", "/readyz", "/metrics", "/"}
CHECKS = [
    not_a_server_error,
    response_schema_conformance,
    content_type_conformance,
    status_code_conformance,
]
EXAMPLES = {
    "/v1/rewards": {
        "items": [{"prompt": "Tea?", "response": "Yes."}],
        "blend": {"~coast": 0.5, "~hill": 0.5},
    },
    "/v1/rank": {"prompt": [{"role": "user", "content": "Tea?"}], "responses": ["Yes.", "No."]},
    "/v1/compare": {
        "prompt": "Tea?",
        "response": "Yes.",
        "other": "No.",
        "communities": ["~coast"],
    },
    "/v1/adapt": {
        "community": "KEN",
        "choices": [{"prompt": "Tea?", "chosen": "Yes.", "rejected": "No.", "rater": "a"}],
    },
    "/get_reward": {
        "query": ["Tea?Yes."],
        "prompts": ["Tea?"],
        "labels": [{"community": "~coast"}],
    },
    "/classify": {"model": "served@~coast", "input": ["Yes."], "use_activation": False},
    "/pooling": {
        "messages": [{"role": "assistant", "content": "Yes."}],
        "encoding_format": "base64",
    },
    "/score": {"queries": "Tea?", "documents": ["Yes.", "No."]},
    "/v1/score": {"queries": ["Tea?"], "documents": "Yes."},
    "/rerank": {"query": "Tea?", "documents": ["Yes.", {"text": "No."}], "top_n": 1},
    "/v1/rerank": {"query": "Tea?", "documents": ["Yes."], "return_documents": False},
    "/v2/rerank": {"model": "served@~coast", "query": "Tea?", "documents": ["Yes.", "No."]},
    "/v1/embeddings": {"input": ["Tea?", "Yes."], "model": "served"},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Tea?"}], "seed": 1},
    "/predict": {"inputs": [["Tea?", "Yes."], ["No."]], "raw_scores": True},
}


@pytest.fixture(scope="module")
def client(asking: Any) -> TestClient:
    """A client of a server that has everything: a reward model and policies."""
    served: TestClient = asking(policies_opened=Scripted())
    return served


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def inlined(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A schema with all that it may point to."""
    return {**part, "components": document["components"]}


def test_every_endpoint_is_described_with_its_body_and_its_problems(
    document: dict[str, Any],
) -> None:
    assert set(document["paths"]) == POSTED | GOT
    for path in POSTED:
        operation = document["paths"][path]["post"]
        assert operation["summary"]
        assert operation["description"]
        assert operation["requestBody"]["required"]
        assert {"200", "400", "401", "413", "422", "429", "503", "504"} <= set(
            operation["responses"]
        )
        assert set(operation["responses"]["429"]["content"]) == {"application/problem+json"}


def test_the_document_points_at_nothing_that_it_lacks(document: dict[str, Any]) -> None:
    def pointers(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [pointer for value in part.values() for pointer in pointers(value)]
        return (
            [pointer for value in part for pointer in pointers(value)]
            if isinstance(part, list)
            else []
        )

    found = set(pointers(document))
    assert len(found) > 10
    for pointer in found:
        assert pointer.removeprefix("#/components/schemas/") in document["components"]["schemas"]


@pytest.mark.parametrize("path", sorted(POSTED))
def test_a_body_and_its_answer_are_as_described(
    client: TestClient, document: dict[str, Any], path: str
) -> None:
    operation = document["paths"][path]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate(EXAMPLES[path], inlined(document, body))
    answer = client.post(path, json=EXAMPLES[path])
    assert answer.status_code == 200, answer.text
    described = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), inlined(document, described))


@pytest.mark.parametrize("path", sorted(POSTED))
def test_a_problem_is_as_described(client: TestClient, document: dict[str, Any], path: str) -> None:
    answer = client.post(path, json={"items": 7})
    described = document["paths"][path]["post"]["responses"][str(answer.status_code)]
    jsonschema.validate(
        answer.json(), inlined(document, described["content"]["application/problem+json"]["schema"])
    )


def test_fields_have_descriptions(document: dict[str, Any]) -> None:
    for model, field, said in (
        ("GetReward", "labels", "A community (id or name)"),
        ("Classify", "use_activation", "mapped to [0, 1]"),
        ("Predict", "raw_scores", "in logits"),
    ):
        assert said in document["components"]["schemas"][model]["properties"][field]["description"]


@pytest.fixture(scope="module")
def described(serving: Any) -> Any:
    return schemathesis.openapi.from_url(f"{serving(policies_opened=Scripted())}/openapi.json")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        *((path, "GET", GenerationMode.POSITIVE) for path in sorted(GOT)),
        *((path, "POST", mode) for path in sorted(POSTED - SAME) for mode in GenerationMode),
    ],
)
def test_every_request_that_the_document_allows_or_forbids_is_answered(
    described: Any, path: str, method: str, mode: GenerationMode
) -> None:
    @settings(
        max_examples=30,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(described[path][method].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, timeout=20)

    check()
