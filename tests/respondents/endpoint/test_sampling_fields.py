"""Fields that a server refuses are omitted, noted once, and recorded in every row."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.respondents.servers import Behaviour, answer, refusal, serving

from pluralign.core import Message, Reply, Sampling
from pluralign.respondents.endpoint import EndpointChatModel, EndpointSettings
from pluralign.respondents.endpoint.sampling_fields import SentFields, refused_field
from pluralign.respondents.recorded import KeptCompletions

pytest.importorskip("openai")
TALKS = [(Message("user", f"question {i}"),) for i in range(96)]
FIELDS = ("max_tokens", "seed", "temperature", "top_p")


def chat_at(url: str, **more: Any) -> EndpointChatModel:
    return EndpointChatModel(EndpointSettings("m", url, **({"retries": 1, "timeout_s": 10} | more)))


def reasoning_server(body: dict[str, Any]) -> tuple[int, bytes]:
    """As OpenAI's reasoning models refuse: one field at a time, by name."""
    if "max_tokens" in body:
        return 400, refusal(
            "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' "
            "instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    for name in ("temperature", "top_p", "seed"):
        if name in body:
            return 400, refusal(
                f"Unsupported value: '{name}' does not support 0 with this model.", param=name
            )
    return 200, answer(body["messages"][-1]["content"])


def test_with_64_in_flight_every_request_is_sent_again_and_none_fails() -> None:
    behaviour = Behaviour(say=reasoning_server, delay=0.05)
    with serving(behaviour) as url:
        chat = chat_at(url, concurrency=64)
        replies = chat.complete(TALKS, Sampling(max_new_tokens=7))

    assert replies == [Reply(f"re: question {i}", not_sent=FIELDS) for i in range(96)]
    assert len(chat.notes) == 4
    assert all(sum(f"{name!r}: " in note for note in chat.notes) == 1 for name in FIELDS)
    assert {
        body["max_completion_tokens"] for body in behaviour.bodies if "max_tokens" not in body
    } == {7}


def test_a_field_refused_late_is_left_out_afterwards_and_earlier_rows_record_it() -> None:
    said: list[str] = []

    def after_five(body: dict[str, Any]) -> tuple[int, bytes]:
        said.append("")
        refused = len(said) > 5 and "seed" in body
        return (
            (400, refusal("unknown field: seed"))
            if refused
            else (200, answer(body["messages"][-1]["content"]))
        )

    with serving(Behaviour(say=after_five)) as url:
        replies = chat_at(url, concurrency=1).complete(TALKS[:9], Sampling())

    assert [reply.not_sent for reply in replies] == [()] * 5 + [("seed",)] * 4


def test_a_server_that_refuses_every_request_is_not_asked_for_ever() -> None:
    behaviour = Behaviour(
        say=lambda body: (400, refusal(f"unknown fields: {', '.join(sorted(body))}"))
    )
    with serving(behaviour) as url:
        (reply,) = chat_at(url).complete(TALKS[:1], Sampling())

    assert reply.failure is not None
    assert "unknown fields: max_completion_tokens" in reply.failure
    assert len(behaviour.bodies) == 5


def test_a_token_limit_that_is_refused_for_its_size_is_still_sent() -> None:
    long = refusal(
        "This model's context is 4096 tokens; you asked for 5000 (4000 in messages, 1000 in "
        "max_tokens)"
    )
    behaviour = Behaviour(say=lambda body: (400, long))
    with serving(behaviour) as url:
        (reply,) = chat_at(url).complete(TALKS[:1], Sampling())

    assert reply.failure is not None
    assert [body["max_tokens"] for body in behaviour.bodies] == [32]


def test_a_resumed_file_records_the_fields_that_were_left_out(tmp_path: Path) -> None:
    with serving(Behaviour(say=reasoning_server)) as url:
        first = KeptCompletions(chat_at(url), tmp_path / "c.jsonl").complete(TALKS[:2], Sampling())
        again = KeptCompletions(chat_at(url), tmp_path / "c.jsonl").complete(TALKS[:4], Sampling())

    assert again[:2] == first
    assert [reply.not_sent for reply in again] == [FIELDS] * 4


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, refusal("`temperature` is deprecated for this model.")),
        (400, {"error": "temperature is not supported"}),
        (400, {"detail": "temperature is not supported"}),
        (400, {"error": {"param": "body.temperature"}}),
        (400, b"unknown field: temperature"),
        (
            400,
            {
                "object": "error",
                "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'temperature')}]",
            },
        ),
        (
            422,
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "temperature"],
                        "input": {"seed": 1},
                    }
                ]
            },
        ),
    ],
    ids=["openai", "ollama", "fastapi", "param", "text", "vllm", "mistral"],
)
def test_the_refusals_of_several_servers_are_understood(status: int, body: Any) -> None:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()

    def say(request: dict[str, Any]) -> tuple[int, bytes]:
        return (status, sent) if "temperature" in request else (200, answer("x"))

    with serving(Behaviour(say=say)) as url:
        (reply,) = chat_at(url).complete(TALKS[:1], Sampling())

    assert reply == Reply("re: x", not_sent=("temperature",))


@given(
    st.sets(st.sampled_from(FIELDS)),
    st.text(max_size=80),
    st.sampled_from([*FIELDS, "messages", ""]),
)
def test_only_a_field_that_was_sent_is_ever_left_out(
    sent: set[str], message: str, param: str
) -> None:
    found = refused_field({"param": param}, message, sent)

    assert found is None or found in sent


@given(st.lists(st.sampled_from(FIELDS), max_size=12))
def test_a_request_has_a_field_less_each_time_and_always_a_token_limit(refused: list[str]) -> None:
    fields = SentFields(lambda text: None)
    for name in refused:
        sent = fields.of(Sampling())
        assert fields.leave_out(None, f"unsupported parameter: {name}", sent) == (name in sent)
        assert len({"max_tokens", "max_completion_tokens"} & fields.of(Sampling()).keys()) == 1
