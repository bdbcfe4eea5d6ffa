"""Every answer of a server is read or refused; it never stops a run or controls a terminal."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.respondents.servers import Behaviour, completion, serving

from pluralign.clients import bounding
from pluralign.core import Message, Reply, Sampling
from pluralign.respondents.endpoint import (
    EndpointChatModel,
    EndpointError,
    EndpointSettings,
    server_requests,
)
from pluralign.respondents.endpoint.replies import read_completion

pytest.importorskip("openai")
TALK = (Message("user", "question"),)


def read(message: Any, finish: Any = "stop") -> Reply:
    return read_completion(completion(message, finish)).reply


@pytest.mark.parametrize(
    ("message", "finish", "reply"),
    [
        ({"content": "2"}, "stop", Reply("2")),
        (
            {"content": [{"type": "text", "text": "option "}, {"type": "text", "text": "2"}]},
            "stop",
            Reply("option 2"),
        ),
        (
            {"content": [{"type": "thinking", "thinking": "3?"}, {"type": "text", "text": "2"}]},
            "stop",
            Reply("2"),
        ),
        ({"content": None, "refusal": "I cannot."}, "stop", Reply("I cannot.")),
        ({"content": "2", "reasoning_content": "perhaps 3"}, "stop", Reply("2")),
        (
            {"content": None, "reasoning_content": "perhaps 3"},
            "length",
            Reply("", finish_reason="length"),
        ),
        ({"content": None}, "content_filter", Reply("", finish_reason="content_filter")),
        ({"content": "2 because"}, "length", Reply("2 because", finish_reason="length")),
        ({}, None, Reply("")),
        ({"content": "2 \ud800"}, {"a": 1}, Reply("2 \ufffd")),
        ({"content": "2", "logprobs": float("nan")}, "stop", Reply("2")),
    ],
)
def test_the_content_is_the_answer_in_every_form(message: Any, finish: Any, reply: Reply) -> None:
    assert read(message, finish) == reply


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b'{"choices": []}', b'{"choices": {"0": 1}}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": null}]}', b'{"choices": [{"message": {"content": 2}}]}',
        b"[" * 200_000,
        b'{"choices": ' + b"[" * 200_000, b"\xff\xfe", b'{"choices": [',
    ],
)  # fmt: skip
def test_a_reply_that_is_not_a_completion_is_refused_with_a_message(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it|the |its "):
        read_completion(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(content=JSON, finish=JSON, usage=JSON)
def test_any_json_is_a_reply_that_can_be_written_or_an_error_in_words(
    content: Any, finish: Any, usage: Any
) -> None:
    try:
        found = read_completion(completion({"content": content}, finish, {"prompt_tokens": usage}))
    except ValueError:
        return
    assert found.reply.text.encode().decode() == found.reply.text
    assert found.reply.finish_reason in ("", "length", "content_filter")
    assert found.tokens_in is None or found.tokens_in >= 0


@pytest.mark.parametrize("count", [-5, 2.5, "many", None, True, 10**30])
def test_counts_of_tokens_that_cannot_be_are_replaced_by_an_estimate(count: Any) -> None:
    body = completion(
        {"content": "x" * 400}, usage={"prompt_tokens": count, "completion_tokens": count}
    )
    with serving(Behaviour(say=lambda _: (200, body))) as url:
        chat = EndpointChatModel(EndpointSettings("m", url))
        chat.complete([TALK], Sampling())

    assert 0 < chat.usage.tokens_in < 100
    assert chat.usage.tokens_out == 101


@pytest.mark.parametrize("status", [200, 400])
def test_an_enormous_body_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(bounding, "MOST_BYTES", 10_000)
    body = completion({"content": "2" * 20_000})
    with serving(Behaviour(say=lambda _: (status, body))) as url:
        (reply,) = EndpointChatModel(EndpointSettings("m", url, retries=0)).complete(
            [TALK], Sampling()
        )

    assert "more than 10,000 bytes" in str(reply.failure)


def test_a_packed_body_is_refused_since_it_was_asked_for_unpacked() -> None:
    packed = gzip.compress(completion({"content": "2"}))
    behaviour = Behaviour(say=lambda _: (200, packed), headers={"Content-Encoding": "gzip"})
    with serving(behaviour) as url:
        (reply,) = EndpointChatModel(EndpointSettings("m", url, retries=0)).complete(
            [TALK], Sampling()
        )

    assert "compressed" in str(reply.failure)


def test_control_characters_of_a_server_reach_no_message() -> None:
    models = json.dumps(
        {"object": "list", "data": [{"id": "[red]\x1b[2J<b>m", "object": "model"}]}
    ).encode()
    behaviour = Behaviour(
        say=lambda _: (404, b'{"error": {"message": "no \\u001b[31mmodel\\u009b"}}'), models=models
    )
    with serving(behaviour) as url, pytest.raises(EndpointError) as caught:
        EndpointChatModel(EndpointSettings("m", url)).complete([TALK], Sampling())

    assert "[red][2J<b>m" in str(caught.value)
    assert not {"\x1b", "\x9b"} & set(str(caught.value))


def test_a_refusal_for_lack_of_tokens_is_an_answer_that_was_cut_off() -> None:
    words = b"Could not finish the message because max_tokens or model output limit was reached."
    body = b'{"error": {"message": "' + words + b'"}}'
    with serving(Behaviour(say=lambda _: (400, body))) as url:
        (reply,) = EndpointChatModel(EndpointSettings("m", url)).complete([TALK], Sampling())

    assert reply == Reply("", finish_reason="length")


def test_a_body_that_comes_drop_by_drop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_requests, "_LONGEST_WAIT", 0.0)
    with serving(Behaviour(always="drip")) as url:
        chat = EndpointChatModel(EndpointSettings("m", url, retries=0, timeout_s=0.5))
        (reply,) = chat.complete([TALK], Sampling())

    assert str(reply.failure).startswith("no answer")
