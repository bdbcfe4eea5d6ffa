"""A whole run shared by two processes on one machine (gloo) finds what one process finds."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.warm_processes import run_in_each

from pluralign.experiments.miniatures import write_miniature
from pluralign.experiments.rehearsal_pairs import sample_texts
from pluralign.runs import RunFolder, read_rows
from pluralign.settings.experiment import TransformerTrunkSettings

pytest.importorskip("trl")

COMMUNITIES = ("~coast", "~hill")
RUN = """
name = "shared"
seed = 3
communities = ["~coast", "~hill"]
methods = ["reference", "length", "full", "scpo", "pooled"]
[pairs]
source = "society"
each = 60
thin = 60
world = 60
[reference]
fit_on = ["~world"]
[trunk]
kind = "transformer"
model = "model"
community = "COMMUNITY"
max_length = 128
[training]
batch = 8
max_steps = 4
learning_rate = 5e-3
evaluations = 2
rank = 2
held_out = HELD
[intervals]
draws = 100
"""
CASES = {"lora": ("lora", "0.2"), "full": ("full", "0"), "head": ("head", "0")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT with random weights in it."""
    folder = tmp_path_factory.mktemp("shared")
    write_miniature(
        TransformerTrunkSettings(model="someone/a-model"), sample_texts(), folder / "model"
    )
    return folder


def environment(name: str, processes: int) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("ACCELERATE_")}
    return own | {
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
        "PLURALIGN_CACHE": f"cache-{name}-{processes}",
    }


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def shared(place: Path, name: str, processes: int, *words: str) -> tuple[str, str]:
    """Run the command line in so many processes; what they print."""
    several = {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
    }  # fmt: skip
    ranks = [several | {"RANK": str(k), "LOCAL_RANK": str(k)} for k in range(processes)]
    environments = [
        environment(name, processes) | (rank if processes > 1 else {}) for rank in ranks
    ]
    return run_in_each(environments, place, "pluralign.cli.main", "run", f"{name}.toml", *words)


def launched(place: Path, name: str, *words: str) -> str:
    """Let torch's own launcher run the command line in two processes; what they print."""
    line = [
        sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
        "--master_addr", "127.0.0.1", "--master_port", free_port(),
        "-m", "pluralign.cli.main", "run", f"{name}.toml", *words,
    ]  # fmt: skip
    done = subprocess.run(
        line, cwd=place, env=environment(name, 2), capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    return done.stdout


def settings(place: Path, name: str) -> None:
    community, held = CASES[name]
    text = RUN.replace("COMMUNITY", community).replace("HELD", held)
    if community == "head":  # the tiny model's own head is the reference
        text = text.replace('[reference]\nfit_on = ["~world"]\n', "")
    (place / f"{name}.toml").write_text(text, encoding="utf-8")


def same(one: Any, two: Any) -> bool:
    numbers = isinstance(one, float) and isinstance(two, float)
    return bool(abs(one - two) <= 1e-5) if numbers else bool(one == two)


def by_key(rows: list[dict[str, Any]]) -> Mapping[str, dict[str, Any]]:
    return {
        "/".join(str(r[k]) for k in ("metric", "method", "steer", "community", "subset")): r
        for r in rows
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_two_processes_find_what_one_finds(place: Path, name: str) -> None:
    settings(place, name)
    shared(place, name, 1, "--out", f"{name}-one", "--json")
    printed, _ = shared(place, name, 2, "--out", f"{name}-two", "--json")
    first, second = (
        by_key(read_rows(place / f"{name}-{n}" / "results.jsonl")) for n in ("one", "two")
    )
    assert first.keys() == second.keys()
    assert len(first) > 20
    for key, row in first.items():
        assert {
            k: (v, second[key][k]) for k, v in row.items() if not same(v, second[key][k])
        } == {}, key
    one, two = (RunFolder(place / f"{name}-{n}") for n in ("one", "two"))
    for method in ("reference", "length", "full", "scpo", "pooled"):
        (_, margins), (_, others) = (f.read_predictions(3, method) for f in (one, two))
        assert margins.keys() == others.keys()
        for steer, margin_N in margins.items():
            assert np.allclose(margin_N, others[steer], atol=1e-5), (method, steer)
    assert json.loads(printed)["record"]["name"] == "shared"  # one process prints, not two
    assert sorted(p.relative_to(one.path) for p in one.path.rglob("*")) == sorted(
        p.relative_to(two.path) for p in two.path.rglob("*")
    )


@pytest.mark.slow
def test_two_processes_go_on_from_a_run_that_was_stopped(place: Path) -> None:
    settings(place, "head")
    shared(place, "head", 2, "--out", "stopped")
    before = (place / "stopped" / "results.jsonl").read_text()
    for path in (place / "stopped").glob("predictions/seed-3/pooled.parquet"):
        path.unlink()
    _, said = shared(place, "head", 2, "--out", "stopped")
    assert said.count("resuming earlier work") == 1
    assert "fitting 1 method" in said
    assert (place / "stopped" / "results.jsonl").read_text() == before


@pytest.mark.slow
def test_two_processes_rehearse_together(place: Path) -> None:
    settings(place, "lora")
    printed = launched(place, "lora", "--dry-run")
    assert printed.count("This was a rehearsal") == 1
    assert not list(place.glob("runs"))
