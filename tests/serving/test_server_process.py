"""The command that runs a server: its refusals, its end, and how it survives a dead process."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.serving import ServeSettings

SECONDS = 90.0
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
ITEM = {"prompt": "Tea?", "response": "Yes."}


def wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < until, f"waited for {SECONDS:g} s"
        time.sleep(0.02)


class Run:
    """``pluralign serve`` in a process of its own."""

    def __init__(self, log: Path, *words: str | Path) -> None:
        command = [
            sys.executable,
            "-m",
            "pluralign.cli.main",
            "serve",
            *map(str, words),
            "--port",
            "0",
        ]
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(command, stderr=stderr, start_new_session=True)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def url(self) -> str:
        """The address, once it is ready."""
        wait_until(
            lambda: self.process.poll() is not None or ADDRESS.search(self.said()) is not None
        )
        found = ADDRESS.search(self.said())
        assert found, self.said()
        wait_until(lambda: self.process.poll() is not None or is_ready(found[0]))
        assert self.process.poll() is None, self.said()
        return found[0]

    def workers(self) -> set[int]:
        """The processes behind the port."""
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return {int(line.split()[0]) for line in listed.stdout.splitlines() if "spawn_main" in line}


def is_ready(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", timeout=SECONDS).is_success
    return False


@pytest.fixture
def running(tmp_path: Path, model_folder: Path) -> Iterator[Callable[..., Run]]:
    """``running("--processes", "2")`` starts a server of the model and stops it after the test."""
    started: list[Run] = []

    def start(*words: str | Path, model: Path = model_folder) -> Run:
        started.append(Run(tmp_path / f"log-{len(started)}", model, *words))
        return started[-1]

    yield start
    for run in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait(SECONDS)


# Refusals


def refused(*words: str | Path) -> str:
    found = CliRunner().invoke(app, ["serve", *map(str, words)])
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    assert found.stderr.count("error: ") == 1
    return found.stderr


def test_number_and_age_of_sessions_are_options(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[ServeSettings] = []
    monkeypatch.setattr(
        "pluralign.serving.server_process.serve", lambda settings, listening: given.append(settings)
    )
    words = ["serve", str(model_folder), "--sessions", "3", "--session-seconds", "60"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (given[0].most_sessions, given[0].session_seconds) == (3, 60)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert "card.json" in refused(tmp_path)
    assert str(tmp_path / "nowhere") in refused(tmp_path / "nowhere")


def test_a_port_that_is_taken_is_refused(model_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = refused(model_folder, "--port", port)
    assert f"cannot listen on 127.0.0.1, port {port}" in said
    assert "name another port" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org"])
def test_strangers_are_not_let_in_without_a_token(model_folder: Path, host: str) -> None:
    assert "no token is set" in refused(model_folder, "--host", host)


def test_tokens_that_cannot_be_read_are_refused(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_bytes(b"\n")
    binary.write_bytes(b"\xff\xfe\x00\x01 not a token")
    for file in (empty, binary):
        file.chmod(0o600)
    assert "has no token" in refused(model_folder, "--token-file", empty)
    assert "printable ASCII" in refused(model_folder, "--token-file", binary)
    assert "check the path" in refused(model_folder, "--token-file", tmp_path / "nowhere")
    monkeypatch.setenv("PLURALIGN_TOKENS", "short")
    assert "shorter than" in refused(model_folder)


def test_settings_that_cannot_be_are_refused_by_name(model_folder: Path) -> None:
    assert "name: " in refused(model_folder, "--name", "a b")
    assert "more than may wait" in refused(model_folder, "--queue", "10", "--most-items", "11")


def test_a_damaged_model_is_refused_when_it_is_loaded(model_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model_folder, tmp_path / "damaged")
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    assert str(weights) in refused(folder, "--port", "0")


# Whole servers


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_finishes_its_requests(
    running: Callable[..., Run], stop: signal.Signals
) -> None:
    run = running()
    url = run.url()
    words = " ".join(f"word{i % 977}" for i in range(9000))
    items = [{"response": f"{words} {i}"} for i in range(180)]
    with ThreadPoolExecutor(1) as callers, httpx.Client(base_url=url, timeout=SECONDS) as client:
        asked = callers.submit(
            client.post, "/v1/rewards", json={"items": items, "communities": "~coast"}
        )
        wait_until(
            lambda: (
                re.search(r"^pluralign_waiting_responses [1-9]", metrics(url), re.MULTILINE)
                is not None
            )
        )
        run.process.send_signal(stop)
        wait_until(lambda: not is_ready(url))
        late = not asked.done()
        assert asked.result(SECONDS).status_code == 200
    assert late, "the request was answered before the server was told to stop: nothing was shown"
    assert run.process.wait(SECONDS) == 0
    assert "Traceback" not in run.said()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")


def metrics(url: str) -> str:
    return httpx.get(f"{url}/metrics", timeout=SECONDS).text


@pytest.mark.slow
def test_a_server_outlives_one_of_its_processes(running: Callable[..., Run]) -> None:
    run = running("--processes", "2")
    url = run.url()
    wait_until(lambda: len(run.workers()) == 2)
    killed = min(run.workers())
    os.kill(killed, signal.SIGKILL)
    answers = [ask(url) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    wait_until(lambda: len(run.workers() - {killed}) == 2)
    assert counted(metrics(url)) >= 20
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(SECONDS) == 0
    assert not run.workers()
    assert "Traceback" not in run.said()


def ask(url: str) -> httpx.Response:
    """As clients ask: again, where the connection breaks."""
    for _ in range(10):
        with contextlib.suppress(httpx.TransportError):
            return httpx.post(f"{url}/v1/rewards", json={"items": [ITEM]}, timeout=SECONDS)
        time.sleep(0.1)
    raise AssertionError("no answer in 10 tries")


def counted(text: str) -> float:
    found = re.findall(
        r'^pluralign_requests_total\{endpoint="/v1/rewards",status="200"\} (\S+)$',
        text,
        re.MULTILINE,
    )
    return float(found[0])


@pytest.mark.slow
def test_several_processes_that_cannot_start_are_one_readable_error(
    running: Callable[..., Run], model_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model_folder, tmp_path / "damaged")
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    run = running("--processes", "2", model=folder)
    assert run.process.wait(SECONDS) == 2
    assert f"error: {folder}: the server cannot start" in run.said()
    assert str(weights) in run.said()
    assert "Traceback" not in run.said()
