"""The benchmark of tuned trunks: readers, the pooled head, its epochs, and a whole small run."""

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pluralign.encoders import SentenceEncoder
from pluralign.rewards import EmbeddingTrunk, fit_trunk
from pluralign.simulation import SocietySource

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tuned_trunk", BENCHMARKS / "tuned_trunk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tuned_trunk"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def settings(tmp_path: Path, tiny_encoder: Path) -> Path:
    """A settings file whose pairs have a stem of their own for every six."""
    pairs = tmp_path / "pairs.jsonl"
    rows = []
    for i, pair in enumerate(SocietySource(each=60, thin=20, world=120).pairs()):
        row = {k: getattr(pair, k) for k in ("id", "prompt", "chosen", "rejected", "community")}
        rows.append(row | {"question": f"{pair.prompt} {i // 6}"})
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = f"""
        min_pairs = 10
        [pairs]
        source = "jsonl"
        path = "{pairs}"
        [split]
        by = "question"
        [trunk]
        encoder = "{tiny_encoder}"
        components = 4
        [reference]
        fit_on = ["~world"]
    """
    path = tmp_path / "small.toml"
    path.write_text(text)
    return path


def test_readers_read_as_the_frozen_encoder_does_before_they_are_trained(
    script: ModuleType, tiny_encoder: Path
) -> None:
    texts = ["tea", "the bridge is closed to all traffic", "coffee or tea", ""]
    frozen = SentenceEncoder(tiny_encoder, device="cpu").encode(texts)
    readers = (
        script.LoraReader(tiny_encoder, texts),
        script.LowRankReader(frozen),
    )
    for reader in readers:
        assert np.abs(script.read_all(reader, len(texts)) - frozen).max() < 1e-5


def test_a_pooled_head_has_the_margins_of_the_trunk(script: ModuleType, tiny_encoder: Path) -> None:
    trunk = EmbeddingTrunk(SentenceEncoder(tiny_encoder, device="cpu"))
    encoded = trunk.encode_pairs(list(SocietySource(each=20, thin=10, world=20).pairs()))
    trunk, encoded = fit_trunk(trunk, encoded, np.arange(len(encoded)), components=3)
    head_D = np.random.default_rng(0).normal(size=trunk.dimensions)
    table = encoded.features
    vectors = [torch.from_numpy(table.vector_T_d[rows]) for rows in table.index_3_N]
    margin_N = script.PooledHead.of(head_D, trunk).margins(*vectors).numpy()
    assert margin_N == pytest.approx(encoded.margins(head_D), abs=1e-4)


@pytest.mark.parametrize("form", ["low-rank", "lora"])
def test_epochs_begin_at_the_frozen_trunk_and_lower_the_training_loss(
    script: ModuleType, settings: Path, tiny_encoder: Path, form: str
) -> None:
    task = next(script.tasks(settings, 1, [], tiny_encoder))
    nobody_N = np.zeros(len(task.split.train), dtype=np.bool_)
    epochs = [e.vector_T_d for e in script.tuned(task, form, 0.003, nobody_N, [(3.0,)] * 4)]
    assert np.abs(epochs[0] - task.encoded.features.vector_T_d).max() < 1e-5
    assert pooled_loss(script, task, epochs[-1]) < pooled_loss(script, task, epochs[0])


def pooled_loss(script: ModuleType, task: Any, vector_T_d: np.ndarray) -> float:
    """Training loss of the pooled head on some vectors."""
    rows = task.split.train
    read = script.with_vectors(task.encoded, vector_T_d)
    trunk, read = fit_trunk(task.trunk, read, rows, 4)
    train = read.take(rows)
    whole = script.replace(task.training(), encoded=train)
    head_D = whole.heads([3.0], np.zeros(trunk.dimensions))[0]
    return float(np.logaddexp(0, -train.margins(head_D)).mean())


def test_a_whole_run_keeps_its_table_and_what_was_chosen(
    script: ModuleType,
    settings: Path,
    tiny_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "rows.json"
    given = ["--splits", "1", "--epochs", "1", "--folder", str(tiny_encoder), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["tuned_trunk.py", str(settings), *given])
    script.main()
    found: Mapping[str, Any] = json.loads(out.read_text())
    assert {(r["method"], r["trunk"]) for r in found["rows"]} == {
        (m, t) for m in script.METHODS for t in ("frozen", "low-rank", "lora")
    }
    for row in found["rows"]:
        value, low, high = row["loss_change"]
        assert low <= value <= high
    chosen = found["splits"][0]["chosen"]
    assert set(chosen["lora"]["losses"]) == {str(rate) for rate in script.RATES["lora"]}
    assert "| small | `adaptive` | lora |" in capsys.readouterr().out
