"""After SIGKILL at any moment, every answer that was acknowledged is there, and counted once."""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import numpy as np
import pytest
from durability.answering import assignment_id
from durability.over_http import killed_server, prepare, send
from durability.power_cuts import found

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "collect_durability.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_a_hundred_kills_lose_nothing_and_answers_sent_again_count_once():
    # Children are forked, which a process with threads, such as this one, must not do.
    command = [sys.executable, str(BENCHMARK), "--only", "kills", "--kills", "100"]
    command += ["--longest", "0.4", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    [outcome] = json.loads(done.stdout)["kills"]
    assert (outcome["lost"], outcome["twice"], outcome["damaged"]) == (0, 0, "")
    assert outcome["acknowledged"] > 100
    # Some answers were stored, and the child died before it acknowledged them: they came again.
    assert outcome["unacknowledged"] > 0
    assert outcome["again"] > 0


@pytest.mark.slow
def test_kills_of_the_whole_server_lose_no_answer_that_a_page_called_kept(tmp_path: Path):
    folder, answers, rng = tmp_path / "study", 400, np.random.default_rng(0)
    key = prepare(folder, answers)
    kept: set[int] = set()

    def answer(address: str) -> None:
        # The connection breaks in the middle of an answer: its person sends it again later.
        with suppress(OSError, HTTPException):
            kept.update(send(address, key, [n for n in range(answers) if n not in kept]))

    for _ in range(3):
        with killed_server(folder, dict(os.environ)) as address:
            person = threading.Thread(target=answer, args=[address])
            person.start()
            person.join(float(rng.uniform(0.5, 2.5)))
        person.join(60)
        after = found(folder, {assignment_id(number) for number in kept})
        assert (after.lost, after.damaged) == (0, "")
    assert len(kept) > 3
