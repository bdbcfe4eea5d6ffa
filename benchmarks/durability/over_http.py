"""A person answers pair after pair over HTTP, and the server is killed at the end.

Run as a process of its own: python -m durability.over_http prepare|send FOLDER ANSWERS [KEY]. An
answer is acknowledged (a line of FOLDER/acknowledged) when the next page comes.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

from durability.answering import (
    ACKNOWLEDGED,
    answer_to,
    assignment_id,
    new_study,
    show_pairs,
    somebody_joins,
)
from durability.power_cuts import Operation, recorded, recording
from pluralign.collecting.operations import running_server
from pluralign.collecting.store.store import open_store

_SECONDS_TO_START = 120


def prepare(folder: Path, answers: int) -> str:
    """Make a study in which somebody was shown pairs; return the key of that person."""
    study = new_study(folder)
    with open_store(folder) as store:
        key = store.write(lambda c: somebody_joins(c, study)).key
        store.write(lambda c: show_pairs(c, study, range(answers)))
    return key


@contextmanager
def killed_server(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """A running server, which is killed at the end; its address."""
    command = [sys.executable, "-c", "from pluralign.cli.main import main; main()", "collect"]
    server = subprocess.Popen(
        [*command, "serve", str(folder), "--port", "0"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield _address(folder, server)
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def _address(folder: Path, server: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        described = running_server(folder)
        if described is not None and _answers(described.address):
            return described.address
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def _answers(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{address}/healthz", timeout=5).status == 200)
    except OSError:
        return False


def send(address: str, key: str, numbers: Iterable[int]) -> Iterator[int]:
    """Send answers; yield the number of each one that the server called kept.

    Args:
        address: The server.
        key: The person's key.
        numbers: Numbers of the answers.
    """
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    _post(browser, f"{address}/enter", {"key": key})
    for number in numbers:
        answer = answer_to(number)
        form = {"assignment": assignment_id(number), "choice": answer.choice, "then": "enough"}
        if "kept=1" in _post(browser, f"{address}/compare", form):
            yield number


def _post(browser: urllib.request.OpenerDirector, url: str, form: dict[str, str]) -> str:
    """Send a form; return the URL of the page that follows."""
    body = urllib.parse.urlencode(form).encode()
    with browser.open(url, body, timeout=60) as page:
        return str(page.url)


def record_served_session(folder: Path, library: Path, answers: int) -> list[Operation]:
    """Record a session of one person and the server, from the making of the store to the kill.

    Args:
        folder: The new study's folder.
        library: The recorder.
        answers: Number of answers.
    """
    environment = recording(folder, library)
    own = [sys.executable, "-m", "durability.over_http"]
    prepared = [*own, "prepare", str(folder), str(answers)]
    done = subprocess.run(prepared, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    with killed_server(folder, environment):
        sent = [*own, "send", str(folder), str(answers), done.stdout.strip()]
        subprocess.run(sent, env=environment, check=True)
    return recorded(folder)


def main() -> None:
    """Prepare a study and print its person's key; or send answers to its server."""
    act, folder, answers, *key = sys.argv[1:]
    if act == "prepare":
        print(prepare(Path(folder), int(answers)))
        return
    described = running_server(Path(folder))
    assert described is not None
    notes = os.open(Path(folder, ACKNOWLEDGED), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in send(described.address, key[0], range(int(answers))):
        os.write(notes, f"{number} - 0\n".encode())


if __name__ == "__main__":
    main()
