"""Workers that are processes of this machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.scaling import doubles

from pluralign.core import InvalidInput
from pluralign.encoders import HashEncoder, sharding
from pluralign.scaling import SpreadEncoder, WorkerLost, WorkerPool, process_pool

TEXTS = [f"text number {i} of many" for i in range(40)]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with process_pool(1) as found:
        yield found


def test_calls_are_made_in_another_process(pool: WorkerPool) -> None:
    number, process = pool.submit(doubles.process_of, 3).result()
    assert (number, process != os.getpid()) == (3, True)


def test_a_process_that_dies_is_replaced(pool: WorkerPool, tmp_path: Path) -> None:
    assert pool.submit(doubles.die_once, tmp_path / "mark").result() == "alive"


def test_a_text_that_kills_its_process_fails_alone(
    pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 2)
    make = doubles.deadly_on(TEXTS[1])
    with pytest.raises(InvalidInput, match="1 of 4 texts") as error:
        SpreadEncoder(make, pool, tmp_path).encode(TEXTS[:4])
    assert repr(TEXTS[1]) in str(error.value)
    rest = [TEXTS[0], *TEXTS[2:4]]
    kept = SpreadEncoder(make, pool, tmp_path).encode(rest)
    assert np.array_equal(kept, HashEncoder(16).encode(rest))


def test_a_call_that_takes_too_long_ends() -> None:
    with process_pool(1, seconds=1.0) as quick:
        quick._tries = 1
        with pytest.raises(WorkerLost, match="over 1 seconds"):
            quick.submit(doubles.too_slow, 60.0).result()


def test_workers_end_in_the_middle_of_a_call_where_their_block_is_stopped() -> None:
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), process_pool(1) as stopped:
        _, process = stopped.submit(doubles.process_of, 1).result()
        call = stopped.submit(doubles.too_slow, 120.0)
        raise KeyboardInterrupt
    assert call.done()
    assert not _runs(process)
    assert time.monotonic() - begun < 60


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_no_process_and_no_shared_value_outlives_a_process_that_was_killed(tmp_path: Path) -> None:
    mark = tmp_path / "process"
    code = (
        "from pluralign.scaling import process_pool\n"
        "from tests.scaling import doubles\n"
        "if __name__ == '__main__':\n"
        "    pool = process_pool(1)\n"
        "    value = pool.share([1.0])\n"
        "    process = pool.submit(doubles.process_of, 1).result()[1]\n"
        f"    open({str(mark)!r}, 'w').write(f'{{process}} {{value.path}}\\n')\n"
        "    pool.submit(doubles.too_slow, 60.0).result()\n"
    )
    script = tmp_path / "driver.py"
    script.write_text(code, encoding="utf-8")
    root = str(Path(__file__).resolve().parents[2])
    driver = subprocess.Popen([sys.executable, script], env=os.environ | {"PYTHONPATH": root})
    until = time.monotonic() + 60
    while not (mark.exists() and mark.read_text().endswith("\n")) and time.monotonic() < until:
        time.sleep(0.05)
    assert Path(mark.read_text().split()[1]).exists()
    driver.kill()
    driver.wait()
    process, shared = int(mark.read_text().split()[0]), Path(mark.read_text().split()[1])
    while _runs(process) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(process)
    assert not shared.parent.exists()


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")")[-1].split()[0]
    except OSError:
        return False
    return state != "Z"
