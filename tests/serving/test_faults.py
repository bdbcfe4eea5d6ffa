"""Too many requests, callers who leave or are slow, a failing model: no other caller suffers."""

import contextlib
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from pluralign.core import FloatArray
from pluralign.serving import protocol
from pluralign.serving.scoring import Scorer, ScoreRequest
from pluralign.serving.service import Opened

SECONDS = 20.0
REWARDS = {"~lake": {"yes": 1.0, "no": 0.0}}


@dataclass
class Held:
    """Scores as another does, when the gate is open; remembers what it was asked to."""

    scorer: Scorer
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    texts: list[str] = field(default_factory=list)

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        texts = [request.response for one in wanted for request in one.requests]
        self.texts += texts
        self.begun.set()
        assert self.gate.wait(SECONDS)
        if "broken" in texts:
            raise RuntimeError("the model is broken")
        return self.scorer.score(wanted)


@pytest.fixture
def held(planted: Any) -> Iterator[Held]:
    scorer = Held(planted(REWARDS).scorer)
    yield scorer
    scorer.gate.set()


@pytest.fixture
def opened(planted: Any, held: Held) -> Opened:
    return replace(planted(REWARDS), scorer=held)


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def ask(url: str, *texts: str) -> httpx.Response:
    return httpx.post(
        f"{url}/v1/rewards", json={"items": [{"response": text} for text in texts]}, timeout=SECONDS
    )


def metric(url: str, name: str) -> float:
    found = re.search(
        rf"^{re.escape(name)} (\S+)$",
        httpx.get(f"{url}/metrics", timeout=SECONDS).text,
        re.MULTILINE,
    )
    return float(found[1]) if found else 0.0


def waiting(url: str) -> float:
    return metric(url, "pluralign_waiting_responses")


def wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < until, f"waited for {SECONDS:g} s"
        time.sleep(0.01)


@contextlib.contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=SECONDS) as connected:
        yield connected


def posted(path: str, body: Any, length: int | None = None) -> bytes:
    sent = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {length or len(sent)}\r\n\r\n".encode() + sent


def heard(connected: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while said := connected.recv(65_536):
            found += said
    return found


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    return problem


# The queue


def test_requests_beyond_the_queue_are_refused_and_the_rest_is_answered(
    serving: Any, opened: Opened, held: Held, callers: ThreadPoolExecutor
) -> None:
    url = serving(opened=opened, most_waiting=5, most_items=5)
    first = callers.submit(ask, url, "yes")
    assert held.begun.wait(SECONDS)
    second = callers.submit(ask, url, *["yes"] * 5)
    wait_until(lambda: waiting(url) == 5)
    refused = ask(url, "no")
    assert is_problem(refused, 429)["detail"] == "too many requests are waiting"
    assert int(refused.headers["retry-after"]) >= 1
    assert waiting(url) == 5
    held.gate.set()
    assert (first.result().status_code, second.result().status_code) == (200, 200)
    assert waiting(url) == 0
    assert "no" not in held.texts
    assert ask(url, "no").status_code == 200


def test_a_client_that_disconnects_while_waiting_is_not_scored(
    serving: Any, opened: Opened, held: Held, callers: ThreadPoolExecutor
) -> None:
    url = serving(opened=opened)
    first = callers.submit(ask, url, "yes")
    assert held.begun.wait(SECONDS)
    for path, body in (
        ("/v1/rewards", {"items": [{"response": "left"}] * 7}),
        ("/get_reward", {"query": ["left"] * 7, "labels": ["~lake"] * 7}),
    ):
        with connection(url) as leaving:
            leaving.sendall(posted(path, body))
            wait_until(lambda: waiting(url) == 7)
        wait_until(lambda: waiting(url) == 0)
    held.gate.set()
    assert first.result().status_code == 200
    assert "left" not in held.texts
    wait_until(
        lambda: metric(url, 'pluralign_requests_total{endpoint="/v1/rewards",status="499"}') == 1
    )


def test_a_client_that_disconnects_during_its_request_is_not_a_server_error(
    serving: Any, opened: Opened, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    url = serving(opened=opened)
    with connection(url) as leaving:
        leaving.sendall(posted("/v1/rewards", {"items": []}, length=100))
    wait_until(
        lambda: metric(url, 'pluralign_requests_total{endpoint="/v1/rewards",status="499"}') == 1
    )
    assert "Traceback" not in caplog.text


def test_over_too_many_connections_requests_are_refused_until_some_close(
    serving: Any, opened: Opened
) -> None:
    url = serving(opened=opened, most_connections=3)
    with contextlib.ExitStack() as idle:
        for _ in range(3):
            idle.enter_context(connection(url))
        told = is_problem(httpx.get(f"{url}/readyz", timeout=SECONDS), 503)
        assert told["detail"] == "too many connections are open"
    wait_until(lambda: httpx.get(f"{url}/readyz", timeout=SECONDS).status_code == 200)


def test_a_request_that_is_not_http_is_refused_as_such(serving: Any, opened: Opened) -> None:
    with connection(serving(opened=opened)) as strange:
        strange.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        said = heard(strange)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(body)["status"] == 400


def test_a_request_not_scored_in_time_is_cancelled(
    serving: Any, opened: Opened, held: Held, callers: ThreadPoolExecutor
) -> None:
    url = serving(opened=opened, seconds=0.3)
    first = callers.submit(ask, url, "yes")
    assert held.begun.wait(SECONDS)
    is_problem(ask(url, "late"), 504)
    is_problem(first.result(), 504)
    assert waiting(url) == 0
    held.gate.set()
    assert ask(url, "yes").status_code == 200
    assert "late" not in held.texts


def test_a_busy_model_does_not_delay_health_checks(
    serving: Any, opened: Opened, held: Held, callers: ThreadPoolExecutor
) -> None:
    url = serving(opened=opened)
    first = callers.submit(ask, url, "yes")
    assert held.begun.wait(SECONDS)
    for path in (
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/communities",
        "/v1/models",
        "/openapi.json",
        "/",
    ):
        assert httpx.get(url + path, timeout=SECONDS).status_code == 200
    assert not first.done()
    held.gate.set()


# A model that fails


def test_a_fault_is_reported_without_a_traceback_and_the_server_continues(
    serving: Any, opened: Opened, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    url = serving(opened=opened)
    held.gate.set()
    answer = ask(url, "broken")
    assert is_problem(answer, 500)["detail"] == "the server failed"
    assert "model is broken" not in answer.text
    assert ask(url, "yes").json()["items"][0]["rewards"]["~lake"]["value"] == 1.0
    wait_until(lambda: "RuntimeError: the model is broken" in caplog.text)
    assert metric(url, 'pluralign_requests_total{endpoint="/v1/rewards",status="500"}') == 1


def test_a_fault_in_a_batch_is_reported_to_its_caller_alone(
    serving: Any, opened: Opened, held: Held, callers: ThreadPoolExecutor
) -> None:
    url = serving(opened=opened)
    first = callers.submit(ask, url, "yes")
    assert held.begun.wait(SECONDS)
    others = [callers.submit(ask, url, text) for text in ("yes", "broken", "no")]
    wait_until(lambda: waiting(url) == 3)
    held.gate.set()
    assert first.result().status_code == 200
    assert [other.result().status_code for other in others] == [200, 500, 200]


# Callers who dawdle


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, opened: Opened, held: Held, serving: Any) -> str:
    """The address of a server that waits for half a second."""
    monkeypatch.setattr(protocol, "SECONDS", 0.5)
    held.gate.set()
    url: str = serving(opened=opened, seconds_to_send=0.5)
    return url


def test_a_body_that_does_not_come_is_waited_for_no_longer(impatient: str) -> None:
    with connection(impatient) as slow:
        slow.sendall(posted("/v1/rewards", {"items": []}, length=100))
        said = heard(slow)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in said
    assert b"connection: close" in said.lower()


def test_a_body_that_comes_byte_by_byte_is_waited_for_no_longer(impatient: str) -> None:
    with connection(impatient) as slow:
        slow.sendall(posted("/get_reward", {"query": []}, length=10_000))
        assert drip(slow, b" ") < 5
    assert metric(impatient, 'pluralign_requests_total{endpoint="/get_reward",status="408"}') == 1


def drip(slow: socket.socket, data: bytes) -> float:
    """Send a little now and then until nobody listens; the seconds that took."""
    since = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < since + SECONDS:
            slow.sendall(data)
            time.sleep(0.05)
    return time.monotonic() - since


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"G", b"GET /healthz HTTP/1.1\r\nHost: local"])
def test_headers_that_do_not_come_are_waited_for_no_longer(impatient: str, begun: bytes) -> None:
    with connection(impatient) as slow:
        slow.sendall(begun)
        since = time.monotonic()
        assert heard(slow) == b""
        assert time.monotonic() < since + 5


def test_headers_that_come_byte_by_byte_are_waited_for_no_longer(impatient: str) -> None:
    with connection(impatient) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        assert drip(slow, b"x") < 5


def test_headers_without_end_are_cut(serving: Any, opened: Opened, held: Held) -> None:
    held.gate.set()
    url = serving(opened=opened)
    with connection(url) as endless:
        endless.sendall(b"GET /healthz HTTP/1.1\r\nX-Endless: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 50_000_000:
                endless.sendall(b"x" * 10_000)
                sent += 10_000
    assert sent < 50_000_000
    assert ask(url, "yes").status_code == 200


@pytest.mark.parametrize("more", [b"\r\n", b"x", b"POST /nowhere"])
def test_a_slow_body_after_an_answer_closes_the_connection(impatient: str, more: bytes) -> None:
    with connection(impatient) as slow:
        slow.sendall(posted("/nowhere", {}, length=10_000))
        assert slow.recv(12) == b"HTTP/1.1 404"
        assert drip(slow, more) < 5


def test_a_connection_may_stay_open_between_requests(impatient: str) -> None:
    with httpx.Client(base_url=impatient, timeout=SECONDS) as client:
        for _ in range(3):
            assert client.get("/healthz").status_code == 200
            time.sleep(0.8)


@pytest.mark.skipif(
    not Path("/proc/net/tcp").exists(), reason="connections are counted as Linux shows them"
)
def test_a_client_that_does_not_read_answers_is_disconnected(impatient: str) -> None:
    whole = len(httpx.get(f"{impatient}/openapi.json").content)
    asked = 40_000_000 // whole
    with connection(impatient) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(ConnectionError, TimeoutError):
            deaf.settimeout(3)
            for _ in range(asked):
                deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: open_connections(impatient) == 0)
    assert ask(impatient, "yes").status_code == 200


def open_connections(url: str) -> int:
    """Established connections to the port of a server, as the system counts them on its side."""
    port = f":{urlsplit(url).port:04X}"
    rows = [
        line.split()[1:4]
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    ]
    return sum(local.endswith(port) and status == "01" for local, _, status in rows)


def test_each_request_has_a_log_line(
    serving: Any, opened: Opened, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    held.gate.set()
    url = serving(opened=opened)
    ask(url, "yes")
    httpx.get(f"{url}/steered/~lake/nothing?text=secret")
    wait_until(lambda: "GET other 404" in caplog.text)
    assert re.search(r"POST /v1/rewards 200 \d+\.\d ms", caplog.text)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("pluralign")]
    assert len(told) == 2
    assert not [line for line in told if "secret" in line]
