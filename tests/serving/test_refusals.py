"""Every endpoint refuses unscorable input alike: the same status, the same kind of problem."""

from typing import Any

import pytest
from starlette.testclient import TestClient

IMAGE = [{"type": "image_url", "image_url": {"url": "data:,"}}]


def rendered(turns: list[dict[str, Any]]) -> str:
    return "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in turns)


def everywhere(turns: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """The same conversation as each endpoint takes it, where it can be written so."""
    text, before, last = rendered(turns), turns[:-1], turns[-1]["content"]
    pair = (rendered(before), last)
    return [
        ("/v1/rewards", {"items": [{"prompt": before, "response": last}]}),
        ("/v1/rank", {"prompt": before, "responses": [last]}),
        ("/v1/compare", {"prompt": before, "response": last, "other": "Yes."}),
        *((path, {"messages": turns}) for path in ("/classify", "/pooling")),
        *(
            (path, {"input": text})
            for path in ("/classify", "/pooling", "/steered/~coast/classify")
        ),
        ("/predict", {"inputs": text}),
        ("/predict", {"inputs": [list(pair)]}),
        ("/score", {"queries": pair[0], "documents": [pair[1]]}),
        ("/get_reward", {"query": [text]}),
    ]


def refusals(client: TestClient, cases: list[tuple[str, Any]]) -> None:
    for path, body in cases:
        answer = client.post(path, json=body)
        assert answer.status_code == 422, (path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "about:blank"


USER = {"role": "user", "content": "Tea?"}


def test_a_conversation_that_ends_in_the_assistant_s_turn_is_scored_everywhere(
    client: TestClient,
) -> None:
    for path, body in everywhere([USER, {"role": "assistant", "content": "Yes."}]):
        assert client.post(path, json=body).status_code == 200, (path, body)


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_last_turn_is_refused_everywhere(client: TestClient, content: str) -> None:
    refusals(client, everywhere([USER, {"role": "assistant", "content": content}]))


@pytest.mark.parametrize("role", ["tool", "function", "narrator", "Assistant2"])
def test_a_turn_of_a_tool_or_of_an_unknown_role_is_refused_everywhere(
    client: TestClient, role: str
) -> None:
    turns = [USER, {"role": role, "content": "20 C"}, {"role": "assistant", "content": "Yes."}]
    refusals(client, everywhere(turns))
    ends = [
        (path, body)
        for path, body in everywhere(turns[:2])
        if "messages" in body or "<|im_start|>" in str(body)
    ]
    refusals(client, [case for case in ends if case[0] not in ("/score", "/predict")])


@pytest.mark.parametrize(
    "content", [None, IMAGE, 7, {"text": "Yes."}], ids=["null", "image", "number", "object"]
)
def test_content_that_is_no_text_is_refused_everywhere(client: TestClient, content: Any) -> None:
    structured = ("/v1/rewards", "/v1/rank", "/v1/compare", "/classify", "/pooling")
    for turns in (
        [USER, {"role": "assistant", "content": content}],
        [{"role": "user", "content": content}, {"role": "assistant", "content": "Yes."}],
    ):
        refusals(
            client, [c for c in everywhere(turns) if c[0] in structured and "input" not in c[1]]
        )
    for path, body in (
        ("/score", {"queries": "Tea?", "documents": [content]}),
        ("/predict", {"inputs": [["Tea?", content]]}),
        ("/get_reward", {"query": [content]}),
        ("/classify", {"input": [content]}),
    ):
        refusals(client, [(path, body)])


def test_a_turn_that_calls_a_tool_is_refused(client: TestClient) -> None:
    called = {"role": "assistant", "content": "Let me see.", "tool_calls": [{"id": "1"}]}
    for path in ("/classify", "/pooling"):
        refusals(client, [(path, {"messages": [USER, called]})])
