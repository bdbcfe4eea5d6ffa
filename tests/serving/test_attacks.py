"""A client that sends or asks for much, or never reads, delays no other and fills no memory."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from pluralign.core import FloatArray, community
from pluralign.runs import Refits
from pluralign.serving import bodies, native, protocol
from pluralign.serving.plans import Planner
from pluralign.serving.scoring import ScoreRequest
from pluralign.serving.service import Opened

SECONDS = 30.0
MANY = tuple(f"~people-{n}" for n in range(100))
SMALL = {"items": [{"response": "yes"}], "communities": MANY[0]}


class Zeros:
    """Gives every response the reward 0 at once."""

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        return [np.zeros((1, len(one.requests), len(one.steers))) for one in wanted]


@pytest.fixture(scope="module")
def opened() -> Opened:
    repeats = Refits((None,), held_out=0.2, about="planted")  # type: ignore[arg-type]
    return Opened({"communities": MANY}, MANY, repeats, Zeros(), None, None)


def large(items: int = 200) -> dict[str, Any]:
    return {"items": [{"response": "yes"}] * items}


def wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < until, f"waited for {SECONDS:g} s"
        time.sleep(0.01)


# Beside the event loop


@dataclass
class Gate:
    """Work that waits until it is let go on."""

    work: Callable[..., Any]
    begun: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, *args: Any) -> Any:
        if threading.current_thread().name.startswith("aside"):
            self.begun.set()
            assert self.opened.wait(SECONDS)
        return self.work(*args)


@pytest.mark.parametrize(
    ("where", "name", "body"),
    [
        (bodies, "_read", {"items": [{"response": "yes " * 100}] * 100}),
        (
            Planner,
            "_answering",
            {"items": [{"response": "yes"}], "communities": ["people-1"] * 30, "unknown": "parent"},
        ),
        (native, "_rewards", large()),
    ],
    ids=["read", "plan", "write"],
)
def test_others_are_answered_while_a_large_request_is_read_planned_or_written(
    serving: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, body: Any
) -> None:
    gate = Gate(getattr(where, name))

    def gated(*args: Any) -> Any:
        return gate(*args)

    monkeypatch.setattr(where, name, gated)
    url = serving(opened=opened)
    with ThreadPoolExecutor(1) as pool:
        heavy = pool.submit(httpx.post, f"{url}/v1/rewards", json=body, timeout=SECONDS)
        assert gate.begun.wait(SECONDS)
        with httpx.Client(base_url=url, timeout=SECONDS) as good:
            for _ in range(5):
                assert good.post("/v1/rewards", json=SMALL).status_code == 200
                assert good.get("/healthz").status_code == 200
        assert not heavy.done()
        gate.opened.set()
        assert heavy.result().status_code in {200, 422}


# Too much to answer


def test_an_answer_with_too_many_rewards_is_refused_before_it_is_scored(
    asking: Any, opened: Opened
) -> None:
    client: TestClient = asking(opened=opened, most_rewards=20_000)
    assert client.post("/v1/rewards", json=large(200)).status_code == 200
    answer = client.post("/v1/rewards", json=large(201))
    assert answer.status_code == 413
    assert answer.json()["detail"] == "201 responses for 100 communities are 20100 rewards"
    assert "--most-rewards" in answer.json()["hint"]


def test_a_large_answer_is_what_its_parts_are(asking: Any, opened: Opened) -> None:
    client: TestClient = asking(opened=opened)
    answer = client.post("/v1/rewards", json=large(300)).json()
    assert len(answer["items"]) == 300
    assert {key for item in answer["items"] for key in item["rewards"]} == set(MANY)


@pytest.mark.parametrize("unknown", ["error", "parent"])
def test_megabytes_of_labels_are_refused_and_leave_nothing_behind(
    asking: Any, opened: Opened, unknown: str
) -> None:
    client: TestClient = asking(opened=opened)
    deep = ["~" + "/".join([f"a{n}"] * 1400) for n in range(500)]
    many = [f"MEX/part-{n}" for n in range(100_000)]
    for labels in (deep, many, deep[:1], [f"MEX/{'a' * 190}{n}" for n in range(900)]):
        sent = {"items": [{"response": "yes"}], "communities": labels, "unknown": unknown}
        parents = labels[0].startswith("MEX") and len(labels) < 1000 and unknown == "parent"
        assert client.post("/v1/rewards", json=sent).status_code in (
            {200} if parents else {413, 422}
        )
        blend = (
            {"community": "~people-1"}
            if len(labels) == 1
            else {"blend": dict.fromkeys(labels, 1 / len(labels))}
        )
        assert client.post(
            "/get_reward", json={"query": ["yes"], "labels": [blend]}
        ).status_code in {200, 413, 422}
    info = community.cache_info()
    assert info.maxsize is not None
    assert info.currsize <= info.maxsize <= 10_000


def test_labels_of_many_samples_name_a_bounded_number_of_communities(
    asking: Any, opened: Opened
) -> None:
    client: TestClient = asking(opened=opened)
    share = dict.fromkeys(MANY, 1 / len(MANY))
    labels = [{"blend": share, "strength": n / 100} for n in range(50)]
    answer = client.post("/get_reward", json={"query": ["yes"] * 50, "labels": labels})
    assert answer.status_code == 422
    assert "more than 4096 communities" in answer.json()["detail"]
    alike = {"query": ["yes"] * 50, "labels": [{"blend": share}] * 50}
    assert client.post("/get_reward", json=alike).status_code == 200


def test_plans_that_are_remembered_are_few(opened: Opened) -> None:
    planner = Planner(opened.card, opened.communities)
    for n in range(500):
        planner.plan(native.Asked(communities=(MANY[n % 100],), strength=n / 100))
    assert planner._separate.cache_info().currsize <= 64


# Clients that do not read, or send much at a time


@contextlib.contextmanager
def connections(url: str, many: int) -> Iterator[list[socket.socket]]:
    """Connections whose clients take in little."""
    place = urlsplit(url)
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(many):
            each = stack.enter_context(socket.socket())
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.settimeout(SECONDS)
            each.connect((place.hostname, place.port))
            found.append(each)
        yield found


def post(path: str, content: bytes, length: int | None = None) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {length or len(content)}\r\n\r\n".encode() + content


def test_clients_that_do_not_read_do_not_stop_others(serving: Any, opened: Opened) -> None:
    many, url = 167, serving(opened=opened, most_waiting=50_000)
    with connections(url, many) as deaf, httpx.Client(base_url=url, timeout=SECONDS) as good:
        asked = post("/v1/rewards", json.dumps(large()).encode())
        for number, each in enumerate(deaf):
            each.sendall(asked)
            if number % 5 == 0:  # each within the time that a client waits
                assert good.post("/v1/rewards", json=SMALL).status_code == 200
        wait_until(lambda: answered(url, "200") >= many + 34)
        assert good.post("/v1/rewards", json=SMALL).status_code == 200


def test_where_too_much_is_unread_the_slowest_readers_are_cut_off_and_the_last_is_served(
    serving: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MOST_UNREAD", 1_000_000)
    many, url = 4, serving(opened=opened)
    asked = post("/v1/rewards", json.dumps(large(1000)).encode())
    size = len(httpx.post(f"{url}/v1/rewards", json=large(1000), timeout=SECONDS).content)
    assert size > 5_000_000, "a system keeps some megabytes of what is sent for itself"
    with connections(url, many) as deaf:
        for number, each in enumerate(deaf):
            each.sendall(asked)
            wait_until(lambda sent=number + 2: answered(url, "200") >= sent)  # type: ignore[misc]
        ends = [whole(each, size) for each in deaf]
    assert ends == [False] * (many - 1) + [True]


def whole(each: socket.socket, size: int) -> bool:
    """Whether a client that begins to read gets all of an answer."""
    got = 0
    with contextlib.suppress(OSError):
        while got < size and (more := len(each.recv(1_000_000))):
            got += more
    return got >= size


def answered(url: str, status: str) -> float:
    """How many requests for rewards were answered with a status."""
    name = f'pluralign_requests_total{{endpoint="/v1/rewards",status="{status}"}}'
    lines = httpx.get(f"{url}/metrics", timeout=SECONDS).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_large_bodies_sent_slowly_are_bounded_together_and_short_ones_are_let_in(
    serving: Any, opened: Opened
) -> None:
    url = serving(opened=opened, most_bytes_at_once=2_000_000)
    with connections(url, 12) as slow:
        for each in slow:
            with contextlib.suppress(OSError):
                each.sendall(post("/v1/rewards", b" " * 400_000, length=1_000_000))
        with httpx.Client(base_url=url, timeout=SECONDS) as good:
            for _ in range(20):
                assert good.post("/v1/rewards", json=SMALL).status_code == 200
        wait_until(lambda: answered(url, "503") >= 1)
        assert answered(url, "503") < 12
    wait_until(
        lambda: (
            httpx.post(f"{url}/v1/rewards", json=large(4000), timeout=SECONDS).status_code == 413
        )
    )


def test_bodies_that_were_answered_count_no_more(asking: Any, opened: Opened) -> None:
    client: TestClient = asking(opened=opened, most_bytes_at_once=150_000)
    for _ in range(10):
        assert (
            client.post("/v1/rewards", json={"items": [{"response": "x" * 90_000}]}).status_code
            == 200
        )
