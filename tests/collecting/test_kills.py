"""After SIGKILL at any moment, every answer that was acknowledged is there, and counted once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "collect_durability.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_a_hundred_kills_lose_nothing_and_answers_sent_again_count_once():
    # Children are forked, which a process with threads, such as this one, must not do.
    command = [sys.executable, str(BENCHMARK), "--only", "kills", "--kills", "100", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    [outcome] = json.loads(done.stdout)["kills"]
    assert (outcome["lost"], outcome["twice"], outcome["damaged"]) == (0, 0, "")
    assert outcome["acknowledged"] > 100
    # Some answers were stored, and the child died before it acknowledged them: they came again.
    assert outcome["unacknowledged"] > 0
    assert outcome["again"] > 0
