"""``/v1/chat/completions`` by the real client of OpenAI; the policies are scripted."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.serving.scripted_policies import WORDS, Scripted

from pluralign.core import Message

openai = pytest.importorskip("openai")
httpx = pytest.importorskip("httpx")
TALK = [{"role": "user", "content": "What matters?"}]
_SECONDS = 20.0


@pytest.fixture(scope="module")
def policies() -> Scripted:
    return Scripted()


@pytest.fixture(scope="module")
def address(serving: Any, policies: Scripted) -> str:
    return str(serving(policies_opened=policies, most_chats=4))


@pytest.fixture
def remote(address: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0) as client:
        yield client


@pytest.fixture
def remote_of(serving: Any) -> Iterator[Callable[..., Any]]:
    """``remote_of(policies, most_chats=1)`` is a client of a server of its own."""
    clients = []

    def connect(policies: Scripted, **settings: Any) -> Any:
        url = serving(policies_opened=policies, **settings)
        clients.append(openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def ask(remote: Any, model: str = "served@MEX", **more: Any) -> Any:
    return remote.chat.completions.create(**{"model": model, "messages": TALK} | more)


def refusal(remote: Any, **more: Any) -> str:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(remote, **more)
    assert caught.value.status_code in (404, 422)
    assert caught.value.type == "invalid_request_error"
    return str(caught.value.body["message"])


def wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not done():
        assert time.monotonic() < until, f"waited for {_SECONDS:g} s"
        time.sleep(0.01)


def counts(remote: Any) -> str:
    """The counts of the server, for Prometheus."""
    return str(httpx.get(str(remote.base_url.copy_with(path="/metrics"))).text)


def test_an_answer_says_which_community_answered_and_how_many_people_stand_behind_it(
    remote: Any,
) -> None:
    raw = remote.chat.completions.with_raw_response.create(model="served@MEX", messages=TALK)
    found = raw.parse()
    assert found.choices[0].message.content == "My family first."
    assert found.choices[0].finish_reason == "stop"
    assert (
        found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens == 8
    )
    assert found.model == "served@MEX"
    assert found.pluralign["steer"] == {"MEX": 1.0}
    assert found.pluralign["people"] == {"MEX": 210}
    assert found.pluralign["abstained"] is None
    assert raw.headers["x-pluralign-steer"] == '{"MEX": 1.0}'
    assert raw.headers["x-pluralign-people"] == '{"MEX": 210}'


@pytest.mark.parametrize(
    ("name", "mode", "shares", "best_of"),
    [
        ("served", "start", None, 1),
        ("served@MEX", "steerable", {"MEX": 1.0}, 1),
        ("served@Mexico", "steerable", {"MEX": 1.0}, 1),
        ("served@MEX=0.6,GBR=0.4", "steerable", {"MEX": 0.6, "GBR": 0.4}, 1),
        ("served+bo8@MEX", "steerable", {"MEX": 1.0}, 8),
        ("served+bo2@MEX=0.5,GBR=0.5", "steerable", {"MEX": 0.5, "GBR": 0.5}, 2),
        ("served@~world", "start", None, 1),
        ("served@auto", "auto", None, 1),
        ("served@overton", "overton", None, 1),
        ("served@distributional", "distributional", None, 1),
    ],
)
def test_a_model_name_selects_the_policy(
    remote: Any, policies: Scripted, name: str, mode: str, shares: Any, best_of: int
) -> None:
    found = ask(remote, name)
    asked = policies.asked[-1]
    assert (asked.mode, asked.best_of) == (mode, best_of)
    assert (None if asked.steer is None else dict(asked.steer.shares)) == shares
    assert (found.pluralign["mode"], found.pluralign["best_of"]) == (mode, best_of)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("other", "there is no model 'other' here"),
        ("served-2", "there is no model"),
        ("served@KEN", "KEN"),
        ("served@MEX=0.6,GBR=0.1", "sum"),
        ("served@MEX,GBR", "has no share"),
        ("served+bo8", "needs a community whose reward chooses"),
        ("served+bo8@auto", "needs a community whose reward chooses"),
        ("served+bo99@MEX", "must be 1 to 16"),
        ("served+bo0@MEX", "must be 1 to 16"),
    ],
)
def test_a_name_of_no_policy_is_refused_with_the_next_step(
    remote: Any, name: str, told: str
) -> None:
    assert told in refusal(remote, model=name)


def test_every_listed_name_answers(remote: Any) -> None:
    names = [one.id for one in remote.models.list().data if "chat" in one.serves]
    assert {"served", "served@MEX", "served+bo8@GBR", "served@auto", "served@overton"} <= {*names}
    assert [ask(remote, name).model for name in names] == names


def test_a_run_that_trained_nothing_lists_the_best_of_several_only(remote_of: Any) -> None:
    remote = remote_of(Scripted(tuned=False, offered=("start", "steerable")))
    names = [one.id for one in remote.models.list().data if "chat" in one.serves]
    assert names == ["served", "served+bo8@MEX", "served+bo8@GBR"]


def test_a_stream_has_the_same_words_and_ends_with_the_people_and_the_tokens(remote: Any) -> None:
    usage = {"include_usage": True}
    first, *chunks, last, counts = ask(remote, stream=True, stream_options=usage)
    assert first.choices[0].delta.role == "assistant"
    assert [one.choices[0].delta.content for one in chunks] == list(WORDS)
    assert last.choices[0].finish_reason == "stop"
    assert last.pluralign["people"] == {"MEX": 210}
    assert (counts.choices, counts.usage.total_tokens) == ([], 8)
    assert {one.id for one in (first, *chunks, last, counts)} == {first.id}
    assert all(one.usage is None for one in ask(remote, stream=True))


def test_a_stream_is_server_sent_events_that_end_with_done(address: str) -> None:
    body = {"model": "served", "messages": TALK, "stream": True}
    answer = httpx.post(f"{address}/v1/chat/completions", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith("data: {") for event in events[:-2])


def test_an_answer_of_the_start_model_says_why_nobody_else_answered(remote_of: Any) -> None:
    remote = remote_of(Scripted(abstained="the prompt is like no community's"))
    raw = remote.chat.completions.with_raw_response.create(model="served@auto", messages=TALK)
    assert raw.parse().pluralign["abstained"] == "the prompt is like no community's"
    assert raw.headers["x-pluralign-abstained"] == '"the prompt is like no community\'s"'
    *_, last = ask(remote, "served@auto", stream=True)
    assert last.pluralign["abstained"] == "the prompt is like no community's"


def test_the_settings_of_a_request_arrive(remote: Any, policies: Scripted) -> None:
    turns = [{"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}, *TALK]
    ask(remote, messages=turns, max_tokens=7, temperature=0, top_p=0.5, stop="\n", seed=-1)
    asked = policies.asked[-1]
    assert asked.conversation == (Message("system", "Be brief."), Message("user", "What matters?"))
    assert (asked.max_new_tokens, asked.temperature, asked.top_p) == (7, 0.0, 0.5)
    assert (asked.stop, asked.seed) == (("\n",), 2**31 - 1)
    ask(remote, max_completion_tokens=9, stop=["a", "b"])
    asked = policies.asked[-1]
    assert (asked.max_new_tokens, asked.stop, asked.seed) == (9, ("a", "b"), None)
    assert (asked.temperature, asked.top_p) == (1.0, 1.0)


def test_fields_that_change_nothing_are_ignored(remote: Any) -> None:
    ask(remote, n=1, logprobs=False, presence_penalty=0, user="me", tools=[], tool_choice="none")
    ask(remote, response_format={"type": "text"}, service_tier="auto", metadata={"a": "b"})


@pytest.mark.parametrize(
    "given",
    [
        {"n": 2},
        {"logprobs": True},
        {"top_logprobs": 3},
        {"tools": [{"type": "function", "function": {"name": "weather"}}]},
        {"response_format": {"type": "json_object"}},
        {"frequency_penalty": 0.5},
        {"logit_bias": {"1": 5}},
        {"reasoning_effort": "low"},
        {"temperature": 3},
        {"top_p": 0},
        {"max_tokens": 0},
        {"max_tokens": 5000},
        {"stop": [""]},
        {"stream_options": {"include_usage": True}},
        {"messages": []},
        {"messages": [{"role": "assistant", "content": "Well"}]},
        {"messages": [{"role": "tool", "content": "12", "tool_call_id": "a"}, *TALK]},
        {"extra_body": {"top_k": 5}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_fields_that_would_change_the_answer_elsewhere_are_refused(
    remote: Any, given: dict[str, Any]
) -> None:
    named = next(iter(given.get("extra_body", given)))
    told = refusal(remote, **given)
    assert named.rstrip("s") in told or "conversation must end" in told or "role of turn" in told


def test_too_many_texts_that_end_an_answer_are_refused_in_plain_words(remote: Any) -> None:
    told = refusal(remote, stop=[str(k) for k in range(17)])
    assert "stop: " in told and "give at most 16 texts, got 17" in told


def test_two_limits_of_tokens_are_refused(remote: Any) -> None:
    assert "give one of" in refusal(remote, max_tokens=5, max_completion_tokens=6)


def test_a_refusal_before_the_first_word_of_a_stream_has_its_status(remote_of: Any) -> None:
    remote = remote_of(Scripted(fails_after=0))
    assert "the words are gone; ask for others" in refusal(remote, stream=True)
    assert "the words are gone" in refusal(remote)


def test_an_error_within_a_stream_is_an_event(remote_of: Any) -> None:
    heard = []
    with pytest.raises(openai.APIError, match="the words are gone"):
        for chunk in ask(remote_of(Scripted(fails_after=2)), stream=True):
            heard.append(chunk.choices[0].delta.content)
    assert heard == ["", "My ", "family "]


def test_two_clients_at_once_get_their_own_answers(remote: Any, policies: Scripted) -> None:
    names = ["served@MEX", "served@GBR"] * 2
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda name: ask(remote, name), names))
    assert [one.model for one in answers] == names
    assert [next(iter(one.pluralign["steer"])) for one in answers] == ["MEX", "GBR"] * 2


def test_a_stream_that_the_client_cuts_stops_the_writing_and_frees_its_place(
    remote_of: Any,
) -> None:
    policies = Scripted(words=("on ",) * 10_000, gate=lambda: time.sleep(0.005))
    remote = remote_of(policies, most_chats=1)
    stream = ask(remote, stream=True)
    next(iter(stream))
    stream.close()
    wait_until(lambda: len(policies.closed) == 1)
    assert policies.closed[0] < 10_000
    policies.words = WORDS
    wait_until(lambda: _answers(remote))


def _answers(remote: Any) -> bool:
    try:
        return bool(ask(remote).choices[0].message.content == "My family first.")
    except openai.RateLimitError:  # the server has not noticed yet that the other client left
        return False


def test_a_client_that_leaves_while_it_waits_is_never_answered(remote_of: Any) -> None:
    go_on = threading.Event()
    policies = Scripted(gate=lambda: go_on.wait(_SECONDS) and None)
    remote = remote_of(policies, most_chats=2)
    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(ask, remote)
        wait_until(lambda: len(policies.asked) == 1)
        second = clients.submit(ask, remote, timeout=1.0)
        wait_until(lambda: "pluralign_open_chats 2.0" in counts(remote))
        with pytest.raises(openai.APITimeoutError):
            second.result(_SECONDS)
        wait_until(lambda: "pluralign_open_chats 1.0" in counts(remote))
        go_on.set()
        assert first.result(_SECONDS).choices[0].message.content == "My family first."
    ask(remote)
    assert len(policies.asked) == 2


def test_requests_beyond_the_queue_are_refused_with_the_time_to_wait(remote_of: Any) -> None:
    go_on = threading.Event()
    policies = Scripted(gate=lambda: go_on.wait(_SECONDS) and None)
    remote = remote_of(policies, most_chats=1)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(ask, remote)
        wait_until(lambda: len(policies.asked) == 1)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(remote, stream=True)
        go_on.set()
        assert first.result(_SECONDS).choices
    assert int(caught.value.response.headers["retry-after"]) >= 1
    assert caught.value.code == "rate_limit_exceeded"


def test_an_answer_that_takes_too_long_is_given_up(remote_of: Any) -> None:
    slow = Scripted(words=("on ",) * 1000, gate=lambda: time.sleep(0.02))
    remote = remote_of(slow, chat_seconds=0.3)
    with pytest.raises(openai.InternalServerError, match="not answered within"):
        ask(remote)
    with pytest.raises(openai.APIError, match="not answered in time"):
        list(ask(remote, stream=True))
    wait_until(lambda: len(slow.closed) == 2)


def test_requests_and_tokens_are_counted(remote_of: Any) -> None:
    remote = remote_of(Scripted())
    ask(remote)
    list(ask(remote, "served@auto", stream=True))
    counted = counts(remote)
    assert 'pluralign_chats_total{mode="steerable",outcome="answered"} 1.0' in counted
    assert 'pluralign_chats_total{mode="auto",outcome="answered"} 1.0' in counted
    assert "pluralign_generated_tokens_total 6.0" in counted
    assert "pluralign_open_chats 0.0" in counted


def test_a_server_without_policies_says_how_to_have_some(client: Any) -> None:
    answer = client.post("/v1/chat/completions", json={"messages": TALK})
    assert answer.status_code == 404
    assert "--policies" in answer.json()["error"]["message"]


def test_a_token_is_asked_for_in_the_form_of_openai(remote_of: Any) -> None:
    remote = remote_of(Scripted(), tokens=("a-long-token",))
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(remote)
    assert caught.value.code == "invalid_api_key"
    assert ask(remote.with_options(api_key="a-long-token")).choices
