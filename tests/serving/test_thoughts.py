"""A model's thoughts before its answer are not scored, on any endpoint, unless requested."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

PROMPT, ANSWERS = "What matters most?", ("My family.", "Money.")
LONG = "<think>\n" + "I need to think about what this person would like. " * 60 + "\n</think>\n\n"
UNCLOSED = "<think>\nIt depends on"
BEGUN = f"<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n"


def everywhere(response: str) -> dict[str, tuple[str, Any]]:
    """A response as each endpoint takes it."""
    text = f"{BEGUN}{response}<|im_end|>"
    messages = [{"role": "user", "content": PROMPT}, {"role": "assistant", "content": response}]
    return {
        "rewards": (
            "/v1/rewards",
            {"items": [{"prompt": PROMPT, "response": response}], "communities": "~coast"},
        ),
        "rank": ("/v1/rank", {"prompt": PROMPT, "responses": [response], "communities": "~coast"}),
        "compare": (
            "/v1/compare",
            {"prompt": PROMPT, "response": response, "other": "-", "communities": "~coast"},
        ),
        "classify": ("/steered/~coast/classify", {"input": text}),
        "messages": ("/steered/~coast/classify", {"messages": messages}),
        "pooling": ("/steered/~coast/pooling", {"input": text}),
        "score": ("/steered/~coast/score", {"queries": PROMPT, "documents": response}),
        "predict": ("/steered/~coast/predict", {"inputs": [PROMPT, response], "raw_scores": True}),
        "get_reward": ("/get_reward", {"query": [text], "labels": ["~coast"]}),
        "get_reward with prompts": (
            "/get_reward",
            {"query": [text], "prompts": [BEGUN], "labels": ["~coast"]},
        ),
    }


KINDS = list(everywhere(""))


def number(client: TestClient, kind: str, response: str, **more: Any) -> float:
    path, body = everywhere(response)[kind]
    answer = client.post(path, json=body | more)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    if isinstance(found, list):
        return float(found[0]["score"])
    if "preferences" in found:
        return float(found["preferences"]["~coast"]["margin"]["value"])
    if "ranking" in found or "items" in found:
        return float((found.get("ranking") or found["items"])[0]["rewards"]["~coast"]["value"])
    if "rewards" in found:
        return float(found["rewards"][0])
    row = found["data"][0]
    return float(row["score"] if "score" in row else (row.get("probs") or row["data"])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_reward_is_that_of_the_answer_behind_the_thought(client: TestClient, kind: str) -> None:
    wanted = [number(client, kind, answer) for answer in ANSWERS]
    assert wanted[0] != wanted[1]
    assert [number(client, kind, LONG + answer) for answer in ANSWERS] == wanted
    assert number(client, kind, f"Hm.\n</think>\n\n{ANSWERS[0]}") == wanted[0]


MARKS = [
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("[unused16]", "[unused17]"),
]
PLAIN: dict[str, Callable[[str], tuple[str, Any]]] = {
    "classify": lambda text: ("/steered/~coast/classify", {"input": text}),
    "pooling": lambda text: ("/steered/~coast/pooling", {"input": text}),
    "score": lambda text: ("/steered/~coast/score", {"queries": PROMPT, "documents": text}),
    "predict": lambda text: ("/steered/~coast/predict", {"inputs": text, "raw_scores": True}),
    "get_reward": lambda text: ("/get_reward", {"query": [text], "labels": ["~coast"]}),
    "get_reward with prompts": lambda text: (
        "/get_reward",
        {"query": [PROMPT + text], "prompts": [PROMPT], "labels": ["~coast"]},
    ),
}


@pytest.mark.parametrize("marks", MARKS, ids=lambda marks: marks[1])
@pytest.mark.parametrize("kind", PLAIN)
def test_a_thought_s_marks_are_not_those_of_an_unknown_template(
    client: TestClient, kind: str, marks: tuple[str, str]
) -> None:
    opened, closed = marks
    sent = PLAIN[kind]
    path, plain = sent(ANSWERS[0])
    wanted = rewards(client.post(path, json=plain).json())
    for text in (f"{opened}Hm.{closed}{ANSWERS[0]}", f"Hm.{closed}\n{ANSWERS[0]}"):
        assert rewards(client.post(path, json=sent(text)[1]).json()) == wanted
    for text in (f"Hm.{closed}", f"{opened}Hm.{closed}", f"{opened}Hm."):
        answer = client.post(path, json=sent(text)[1])
        if path == "/get_reward":
            assert answer.json()["extra_logs"]["no_answer"] == [1.0]
        else:
            assert answer.status_code == 422
            assert "an unfinished thought is not an answer" in answer.json()["detail"]


def rewards(answer: Any) -> Any:
    """The numbers of an answer, without what differs from request to request."""
    if isinstance(answer, dict) and "data" in answer:
        return [{k: v for k, v in row.items() if k != "index"} for row in answer["data"]]
    return answer["rewards"] if isinstance(answer, dict) else answer


@pytest.mark.parametrize("kept", [False, True], ids=["strip", "keep"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_thought_never_changes_a_reward(
    asking: Any, client: TestClient, kind: str, kept: bool
) -> None:
    client = asking(thoughts="keep") if kept else client
    for template in ("<think></think>", "<think>\n\n</think>\n\n", "</think>\n"):
        assert number(client, kind, template + ANSWERS[0]) == number(client, kind, ANSWERS[0])


@pytest.mark.parametrize("kind", KINDS)
def test_thoughts_are_scored_where_the_server_keeps_them(
    asking: Any, client: TestClient, kind: str
) -> None:
    response = "<think>Hm, money.</think>My family."
    assert number(asking(thoughts="keep"), kind, response) != number(client, kind, response)


@pytest.mark.parametrize("kind", ["rewards", "rank", "compare"])
def test_a_native_request_can_keep_or_leave_out_thoughts(
    asking: Any, client: TestClient, kind: str
) -> None:
    response = "<think>Hm, money.</think>My family."
    keeping = asking(thoughts="keep")
    kept, left_out = number(keeping, kind, response), number(client, kind, response)
    assert number(client, kind, response, thoughts="keep") == kept
    assert number(keeping, kind, response, thoughts="strip") == left_out
    path, body = everywhere(response)[kind]
    assert client.post(path, json=body | {"thoughts": "drop"}).status_code == 422


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "get_reward" not in kind])
def test_a_thought_that_never_ends_is_refused_as_no_answer(client: TestClient, kind: str) -> None:
    path, body = everywhere(UNCLOSED)[kind]
    answer = client.post(path, json=body)
    assert answer.status_code == 422
    assert (
        answer.json()["detail"]
        == "the response of item 0 has no answer: an unfinished thought is not an answer"
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "get_reward" in kind])
def test_a_training_goes_on_where_a_thought_never_ends(
    asking: Any, client: TestClient, kind: str
) -> None:
    assert number(client, kind, UNCLOSED) == -5.0
    assert number(asking(no_answer=-2.5), kind, UNCLOSED) == -2.5
    found = client.post(everywhere(UNCLOSED)[kind][0], json=everywhere(UNCLOSED)[kind][1]).json()
    assert found["extra_logs"] == {
        "reference": [-5.0],
        "thin": [0.0],
        "thought": [1.0],
        "no_answer": [1.0],
    }


def test_a_training_continues_where_a_model_wrote_no_answer(client: TestClient) -> None:
    assert number(client, "get_reward with prompts", "") == -5.0
    mixed = {"query": [f"{BEGUN}Yes.<|im_end|>", f"{BEGUN}<|im_end|>"], "prompts": [BEGUN] * 2}
    found = client.post("/get_reward", json=mixed).json()
    assert found["rewards"][1] == -5.0 != found["rewards"][0]
    assert found["extra_logs"]["no_answer"] == [0.0, 1.0]


def test_thoughts_left_out_are_a_warning_and_counted(asking: Any) -> None:
    client = asking()
    path, body = everywhere(LONG + ANSWERS[0])["rewards"]
    (warning,) = client.post(path, json=body).json()["items"][0]["warnings"]
    assert warning.startswith("thought: ")
    client.post(path, json=everywhere(UNCLOSED)["rewards"][1])
    counts = client.get("/metrics").text
    assert 'pluralign_thoughts_total{outcome="left_out"} 1.0' in counts
    assert 'pluralign_thoughts_total{outcome="no_answer"} 1.0' in counts


def test_thoughts_of_harmony_and_of_command_a_are_thoughts(client: TestClient) -> None:
    harmony = (
        f"<|start|>user<|message|>{PROMPT}<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>Hm, money.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>My family.<|return|>"
    )
    command = (
        f"<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{PROMPT}<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
        "<|START_THINKING|>Hm, money.<|END_THINKING|>"
        "<|START_RESPONSE|>My family.<|END_RESPONSE|><|END_OF_TURN_TOKEN|>"
    )
    wanted = number(client, "get_reward", ANSWERS[0])
    for text in (harmony, command):
        answer = client.post("/get_reward", json={"query": [text], "labels": ["~coast"]})
        assert answer.json()["rewards"] == [wanted]
