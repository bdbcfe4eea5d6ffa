"""Two processes on one machine (gloo) learn and score what one does."""

import importlib.util
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("trl")

from tests.warm_processes import run_in_each

from pluralign.huggingface.processes import is_main, process_count, split_between_processes, writing

SCRIPT = Path(__file__).with_name("two_processes.py")
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)

_spec = importlib.util.spec_from_file_location("two_processes", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
two_processes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(two_processes)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def outputs(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of one process and of two."""
    root = tmp_path_factory.mktemp("processes")
    rows = [{k: v for k, v in asdict(p).items() if k != "extra"} for p in tiny.pairs(48)]
    job = {"model": str(tiny.folder("encoder")), "pairs": rows}
    (root / "job.json").write_text(json.dumps(job), encoding="utf-8")
    for name in ("one", "two"):
        (root / name).mkdir()
    two_processes.work(job, root / "one")
    several = {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo", "ACCELERATE_USE_CPU": "true",
    }  # fmt: skip
    ranks = [os.environ | several | {"RANK": k, "LOCAL_RANK": k} for k in ("0", "1")]
    run_in_each(ranks, root, str(SCRIPT), str(root / "job.json"), str(root / "two"))
    return root / "one", root / "two"


def logged(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    clocked = ("_runtime", "_per_second")
    return [{k: v for k, v in line.items() if not k.endswith(clocked)} for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("case", two_processes.CASES)
def test_two_processes_learn_what_one_learns(outputs: tuple[Path, Path], case: str) -> None:
    one, two = (folder / case for folder in outputs)
    first, second = logged(one), logged(two)
    assert [line["step"] for line in first] == [line["step"] for line in second]
    assert len(first) >= 7
    for a, b in zip(first, second, strict=True):
        told = a.keys() - {
            "tokens",
            "eval_tokens",
        }  # a response that both processes read counts twice
        assert told == b.keys() - {"tokens", "eval_tokens"}
        for key in told:
            assert b[key] == pytest.approx(a[key], abs=2e-5, rel=1e-4), (a["step"], key)
    file = (
        "adapter_model.safetensors"
        if (one / "adapter_model.safetensors").is_file()
        else "model.safetensors"
    )
    weights, others = load_file(one / file), load_file(two / file)
    assert weights.keys() == others.keys()
    for name, value in weights.items():
        free = name.endswith(("key.bias", "classifier.bias"))  # no loss depends on these
        assert free or torch.allclose(value, others[name], atol=1e-5), name


@pytest.mark.slow
def test_two_processes_report_the_same_outcome(outputs: tuple[Path, Path]) -> None:
    for case in two_processes.CASES:
        one, two = (json.loads((folder / case / "training.json").read_text()) for folder in outputs)
        losses = [list(facts.pop("held_out_loss").values()) for facts in (one, two)]
        assert losses[0] == pytest.approx(losses[1], abs=1e-5)
        assert bool(losses[0]) == (case == "held out")
        assert one.keys() == two.keys()
        assert {k: v for k, v in one.items() if k != "seconds"} == {
            k: v for k, v in two.items() if k != "seconds"
        }


@pytest.mark.slow
def test_scores_split_over_two_processes_are_those_of_one(outputs: tuple[Path, Path]) -> None:
    one, two = (np.load(folder / "scores.npz") for folder in outputs)
    assert sorted(one.files) == sorted(two.files)
    for name in one.files:
        assert np.allclose(one[name], two[name], atol=1e-5), name
    assert one["reward"].shape == (41, 1)
    assert one["reward"].std() > 0.01


def test_one_process_does_all_the_work_and_writes() -> None:
    def work(items: Sequence[str]) -> Any:
        return np.array([[float(len(item))] for item in items])

    assert (process_count(), is_main()) == (1, True)
    assert split_between_processes(["a", "bb"], work).tolist() == [[1.0], [2.0]]
    with writing() as main:
        assert main
