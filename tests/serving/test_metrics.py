"""What a server counts, of one process or of several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pluralign.serving.batching import Batch
from pluralign.serving.metrics import SHARED_FOLDER, Metrics

SCRIPT = """
import os, sys
from pluralign.serving.batching import Batch
from pluralign.serving.metrics import Metrics
metrics = Metrics()
metrics.answered("/v1/rewards", 200, 0.01)
metrics.scored(Batch(7, 100, 0.1))
metrics.looked_up(3, 4)
metrics.looked_up(5, 4)
metrics.waiting.set(5)
if "--tell" in sys.argv:
    print(metrics.exposed().decode())
"""


def test_numbers_of_two_metrics_are_apart() -> None:
    one, other = Metrics(), Metrics()
    one.scored(Batch(7, 100, 0.1))
    assert b"pluralign_responses_scored_total 7.0" in one.exposed()
    assert b"pluralign_responses_scored_total 0.0" in other.exposed()


@pytest.mark.slow
def test_numbers_of_several_processes_are_summed_but_waiting_requests_only_of_living_ones(
    tmp_path: Path,
) -> None:
    environment = os.environ | {SHARED_FOLDER: str(tmp_path)}
    run = [sys.executable, "-c", SCRIPT]
    subprocess.run(run, env=environment, check=True, timeout=60)
    told = subprocess.run(
        [*run, "--tell"], env=environment, check=True, timeout=60, capture_output=True, text=True
    )
    assert 'pluralign_requests_total{endpoint="/v1/rewards",status="200"} 2.0' in told.stdout
    assert "pluralign_responses_scored_total 14.0" in told.stdout
    assert 'pluralign_vectors_total{remembered="yes"} 10.0' in told.stdout
    assert "pluralign_waiting_responses 5.0" in told.stdout
