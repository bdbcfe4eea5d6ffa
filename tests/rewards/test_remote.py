"""The client of a reward server against a server that says what each test wants to hear."""

import json
import pickle
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from pluralign.core import (
    InvalidInput,
    InvalidSettings,
    Message,
    MissingExtra,
    NotEnoughData,
    PluralignError,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
)
from pluralign.rewards.remote import (
    RemoteRewardModel,
    RewardClient,
    RewardServerFailed,
    TooMuchAtOnce,
)

ITEMS = [RewardRequest("Tea?", "Yes."), RewardRequest((Message("user", "Coffee?"),), "No.")]


@dataclass
class Answer:
    """What the stub says."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """What the stub heard."""

    path: str
    body: Any
    headers: dict[str, str]
    connection: int


@dataclass
class Stub:
    """A server that answers by a function, or from a list of answers, repeating the last one."""

    answers: list[Answer] | Callable[[Asked], Answer]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if callable(self.answers):
            return self.answers(asked)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@contextmanager
def running(stub: Stub) -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = stub.answer(
                Asked(
                    self.path,
                    json.loads(sent or b"null"),
                    dict(self.headers),
                    self.client_address[1],
                )
            )
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.content)))
            self.end_headers()
            self.wfile.write(said.content)

        do_POST = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        stub.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield stub
        server.shutdown()
        thread.join(10)


Saying = Callable[..., Stub]


@pytest.fixture
def saying() -> Iterator[Saying]:
    """``saying(answer, ...)`` or ``saying(function)`` starts a server that answers so."""
    with ExitStack() as servers:

        def start(*answers: Any) -> Stub:
            stub = Stub(answers[0] if callable(answers[0]) else list(answers))
            return servers.enter_context(running(stub))

        yield start


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited each time."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def client_of(stub: Stub, **more: Any) -> RewardClient:
    return RewardClient(stub.url, seconds=10.0, **more)


def rewards(**reward: float) -> dict[str, Any]:
    """What a server answers for one item."""
    return {
        "model": "m",
        "interval": "none",
        "communities": [{"id": id_, "name": id_} for id_ in reward],
        "items": [{"rewards": {id_: {"value": value} for id_, value in reward.items()}}],
    }


def lengths(asked: Asked) -> Answer:
    """A model that rewards length; the second of its two communities likes it twice as much."""
    told = {"model": "m", "interval": "none", "communities": []}
    if asked.path == "/v1/communities":
        return Answer(body=told | {"steered": ["GBR", "MEX"]})
    factor = {"GBR": 1.0, "MEX": 2.0, "~world": 0.0}
    keys = ["blend"] if "blend" in asked.body else asked.body["communities"]
    shares = asked.body.get("blend") or {}
    factor["blend"] = sum(share * factor[id_] for id_, share in shares.items())
    items = [
        {"rewards": {k: {"value": factor[k] * len(i["response"])} for k in keys}}
        for i in asked.body["items"]
    ]
    return Answer(body=told | {"items": items})


def problem(status: int, detail: str, **more: Any) -> Answer:
    return Answer(status, {"title": "Problem", "status": status, "detail": detail} | more)


def test_a_request_is_sent_and_its_answer_is_read(saying: Saying) -> None:
    stub = saying(
        Answer(body=rewards(MEX=1.5) | {"items": [{"rewards": {"MEX": {"value": 1.5}}}] * 2})
    )
    with client_of(stub, token="a secret token") as client:
        answer = client.rewards(ITEMS, "Mexico", strength=0.5, parents=True)
    assert answer.items[0].rewards["MEX"].value == 1.5
    (asked,) = stub.asked
    assert asked.path == "/v1/rewards"
    assert asked.headers["Authorization"] == "Bearer a secret token"
    assert asked.body == {
        "communities": "Mexico",
        "strength": 0.5,
        "unknown": "parent",
        "items": [
            {"prompt": "Tea?", "response": "Yes."},
            {"prompt": [{"role": "user", "content": "Coffee?"}], "response": "No."},
        ],
    }


def test_a_blend_is_sent_in_place_of_communities(saying: Saying) -> None:
    stub = saying(Answer(body=rewards(blend=1.5)))
    client_of(stub).rewards(ITEMS[:1], blend={"MEX": 0.5, "GBR": 0.5})
    assert stub.asked[0].body["blend"] == {"MEX": 0.5, "GBR": 0.5}
    assert "communities" not in stub.asked[0].body


def test_unknown_fields_of_a_newer_server_are_ignored(saying: Saying) -> None:
    body = rewards(MEX=1.5) | {"mood": "good"}
    assert client_of(saying(Answer(body=body))).rewards(ITEMS[:1], "MEX").model == "m"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(saying: Saying, waits: list[float], status: int) -> None:
    stub = saying(Answer(status), Answer(status), Answer(body=rewards(MEX=1.5)))
    assert client_of(stub).rewards(ITEMS[:1], "MEX").items[0].rewards["MEX"].value == 1.5
    assert len(stub.asked) == 3
    assert stub.asked[0].body == stub.asked[2].body
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize("status", [429, 503])
def test_it_is_asked_no_sooner_than_it_names(
    saying: Saying, waits: list[float], status: int
) -> None:
    busy = [
        Answer(status, headers={"Retry-After": value}) for value in ("3", "0", "soon", "1" * 40)
    ]
    client_of(saying(*busy, Answer(body=rewards(MEX=1.5)))).rewards(ITEMS[:1], "MEX")
    assert waits == [3.0, 1.0, 2.0, 10.0]  # the last: no longer than an answer may take


def test_a_server_that_stays_busy_has_failed(saying: Saying, waits: list[float]) -> None:
    stub = saying(Answer(503))
    with pytest.raises(RewardServerFailed, match=r"tries: 3.*503 Service Unavailable") as caught:
        client_of(stub, tries=3).rewards(ITEMS, "MEX")
    assert caught.value.where == stub.url
    assert len(stub.asked) == 3
    assert len(waits) == 2


def test_a_server_that_is_away_has_failed_after_the_tries(waits: list[float]) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        client = RewardClient(url)
        with pytest.raises(RewardServerFailed, match="cannot be reached") as caught:
            client.communities()
        assert not client.ready()
    assert caught.value.where == url
    assert caught.value.hint == "check that pluralign serve runs there"
    assert isinstance(caught.value, ConnectionError)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_a_server_that_does_not_answer_in_time_has_failed(waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = RewardClient(f"http://127.0.0.1:{silent.getsockname()[1]}", seconds=0.05, tries=2)
        with pytest.raises(RewardServerFailed, match="timed out"):
            client.communities()
    assert waits == [0.05]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b""),
        Answer(body=b"<html>Welcome to nginx!</html>"),
        Answer(body=["a", "list"]),
        Answer(body={"model": "m"}),
        Answer(body=rewards() | {"items": [{"rewards": {"MEX": {"value": None}}}]}),
        Answer(body=rewards(MEX=1.5)),  # one item, where two were sent
        Answer(404, b"<html>not here</html>"),
        Answer(301, headers={"Location": "/elsewhere"}),
        Answer(
            500, {"title": "Internal Server Error", "status": 500, "detail": "the server failed"}
        ),
    ],
)
def test_an_answer_of_another_kind_is_a_fault_of_the_server(
    saying: Saying, waits: list[float], answer: Answer
) -> None:
    stub = saying(answer)
    with pytest.raises(RewardServerFailed):
        client_of(stub).rewards(ITEMS, "MEX")
    assert len(stub.asked) == 1
    assert waits == []


def test_an_answer_that_is_cut_off_or_badly_packed_has_failed(
    saying: Saying, waits: list[float]
) -> None:
    stub = saying(Answer(body=b"no gzip", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(RewardServerFailed, match="tries: 2"):
        client_of(stub, tries=2).communities()


def test_a_refusal_gives_fault_place_and_hint(saying: Saying) -> None:
    errors = [{"where": "body.items.0.response", "what": "Field required"}]
    stub = saying(problem(422, "the request is not valid", errors=errors, hint="give it"))
    with pytest.raises(InvalidInput) as caught:
        client_of(stub).rewards(ITEMS, "MEX")
    assert caught.value.what == "the request is not valid: body.items.0.response: Field required"
    assert caught.value.where == f"{stub.url}/v1/rewards"
    assert caught.value.hint == "give it"
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    "answer", [problem(401, "the token is missing or wrong"), Answer(403, b"Forbidden")]
)
def test_a_wrong_token_is_a_matter_of_settings(saying: Saying, answer: Answer) -> None:
    with pytest.raises(InvalidSettings) as caught:
        client_of(saying(answer), token="a wrong token").communities()
    assert "a wrong token" not in str(caught.value)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://a", "", "http://:x", "http://\x00"])
def test_a_text_that_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidSettings, match="not a URL"):
        RewardClient(url)


def test_a_token_is_sent_without_the_line_feed_of_its_file(saying: Saying) -> None:
    stub = saying(lengths)
    client_of(stub, token="a secret token\n").communities()
    client_of(stub, token=" ").communities()
    assert stub.asked[0].headers["Authorization"] == "Bearer a secret token"
    assert "Authorization" not in stub.asked[1].headers


def test_a_token_that_cannot_be_sent_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidSettings, match="token") as caught:
        RewardClient("http://127.0.0.1:1", token="sécret")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"items": []}, "items"),
        ({"items": ITEMS, "strength": -1.0}, "strength"),
        ({"items": ITEMS, "strength": float("nan")}, "strength"),
        ({"items": ITEMS, "communities": []}, "communities"),
        ({"items": ITEMS, "blend": {}}, "blend"),
        ({"items": [RewardRequest((Message("r" * 65, "?"),), "Yes.")]}, "role"),
        ({"items": [RewardRequest("Tea?", "\ud800")]}, "surrogate"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused_readably(
    saying: Saying, given: dict[str, Any], where: str
) -> None:
    stub = saying(lengths)
    with pytest.raises(InvalidInput, match=where) as caught:
        client_of(stub).rewards(**given)
    assert "pydantic" not in str(caught.value)
    assert stub.asked == []


def test_a_request_that_cannot_be_ranked_or_compared_is_refused_alike(saying: Saying) -> None:
    client = client_of(saying(lengths))
    with pytest.raises(InvalidInput, match="responses"):
        client.rank("Tea?", [])
    with pytest.raises(InvalidInput, match="strength"):
        client.compare("Tea?", "Yes.", "No.", strength=101)


def test_a_password_in_a_url_is_not_shown(waits: list[float]) -> None:
    client = RewardClient("http://any:secret@127.0.0.1:1/models", tries=1)
    with pytest.raises(RewardServerFailed) as caught:
        client.communities()
    assert caught.value.where == "http://127.0.0.1:1/models"
    assert "secret" not in str(caught.value)


def test_without_httpx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra) as caught:
        RewardClient("http://127.0.0.1:1")
    assert caught.value.hint == "pip install 'pluralign[client]'"


def test_threads_share_a_client(saying: Saying) -> None:
    found: dict[int, float] = {}
    with client_of(saying(lengths)) as client:

        def ask(n: int) -> None:
            answer = client.rewards([RewardRequest("?", "a" * n)], ["MEX"])
            found[n] = answer.items[0].rewards["MEX"].value

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 33)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert found == {n: 2.0 * n for n in range(1, 33)}


def test_connections_are_kept_open(saying: Saying) -> None:
    stub = saying(lengths)
    with client_of(stub) as client:
        for _ in range(3):
            client.communities()
    assert len({asked.connection for asked in stub.asked}) == 1


def test_a_closed_client_asks_no_more(saying: Saying) -> None:
    client = client_of(saying(lengths))
    client.communities()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.communities()


def test_a_copy_in_another_process_asks_the_same_server(saying: Saying) -> None:
    stub = saying(lengths)
    model = RemoteRewardModel(client_of(stub, token="a secret token"))
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    assert copy.communities == ("GBR", "MEX")
    assert copy.score(ITEMS, Steer.to("MEX")) == pytest.approx(model.score(ITEMS, Steer.to("MEX")))
    assert stub.asked[-1].headers["Authorization"] == "Bearer a secret token"


def test_its_errors_travel_between_processes() -> None:
    error = RewardServerFailed("away", where="http://a", hint="wait")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (copy.what, copy.where, copy.hint) == ("away", "http://a", "wait")
    assert isinstance(copy, PluralignError)


def test_a_server_can_replace_a_steerable_reward_model(saying: Saying) -> None:
    model = RemoteRewardModel.at(saying(lengths).url)
    assert isinstance(model, SteerableRewardModel)
    assert model.communities == ("GBR", "MEX")
    assert model.score(ITEMS).tolist() == [0, 0]
    assert model.score(ITEMS, Steer({"GBR": 0.5, "MEX": 0.5})).tolist() == [6, 4.5]
    assert model.score_all(ITEMS).tolist() == [[4, 8], [3, 6]]


def test_the_reference_is_asked_for_even_where_the_world_is_a_community_of_its_own(
    saying: Saying,
) -> None:
    stub = saying(lengths)
    RemoteRewardModel(client_of(stub)).score(ITEMS)
    assert stub.asked[-1].body["communities"] == ["~world"]
    assert stub.asked[-1].body["strength"] == 0.0


def test_many_requests_go_in_lots_and_come_back_in_order(saying: Saying) -> None:
    stub = saying(lengths)
    requests = [RewardRequest("?", "a" * (i % 7) + "b" * (i % 11)) for i in range(2050)]
    found = RemoteRewardModel(client_of(stub)).score(requests, Steer.to("GBR"))
    assert found.tolist() == [len(r.response) for r in requests]
    assert [len(asked.body["items"]) for asked in stub.asked[1:]] == [1024, 1024, 2]


def test_a_request_too_large_for_a_server_is_split_in_halves(saying: Saying) -> None:
    def at_most_three(asked: Asked) -> Answer:
        if asked.body and len(asked.body["items"]) > 3:
            return problem(413, "too many")
        return lengths(asked)

    stub = saying(at_most_three)
    requests = [RewardRequest("?", "a" * n) for n in range(10)]
    assert RemoteRewardModel(client_of(stub)).score(requests, Steer.to("GBR")).tolist() == list(
        range(10)
    )


def test_one_request_that_is_too_much_is_refused(saying: Saying) -> None:
    def too_long(asked: Asked) -> Answer:
        return (
            problem(413, "a text of 9 characters", hint="send at most 5")
            if asked.body
            else lengths(asked)
        )

    with pytest.raises(TooMuchAtOnce, match="a text of 9 characters") as caught:
        RemoteRewardModel(client_of(saying(too_long))).score(ITEMS)
    assert caught.value.hint == "send at most 5"
    assert isinstance(caught.value, InvalidInput)


def test_a_community_that_a_served_model_lacks_is_unknown_as_for_any_model(saying: Saying) -> None:
    stub = saying(lengths)
    model = RemoteRewardModel(client_of(stub))
    with pytest.raises(UnknownCommunity) as caught:
        model.score(ITEMS, Steer.to("GRB"))
    assert caught.value.hint == "did you mean GBR?"
    assert len(stub.asked) == 1


def test_nothing_to_score_is_an_error(saying: Saying) -> None:
    model = RemoteRewardModel(client_of(saying(lengths)))
    for score in (model.score, model.score_all):
        with pytest.raises(NotEnoughData):
            score([])


def test_a_served_model_without_a_steer_has_no_columns(saying: Saying) -> None:
    body = {"model": "m", "interval": "none", "communities": [], "steered": []}
    model = RemoteRewardModel(client_of(saying(Answer(body=body))))
    assert model.score_all(ITEMS).shape == (2, 0)
    assert np.asarray(model.communities).size == 0
    with pytest.raises(NotEnoughData):
        model.score_all([])
