"""The benchmarks of transformers run, and draw texts of the lengths they say."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tests.warm_processes import run_in_each

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def scoring() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "transformer_scoring", BENCHMARKS / "transformer_scoring.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["transformer_scoring"] = module
    spec.loader.exec_module(module)
    return module


def test_drawn_texts_have_the_lengths_of_prism(scoring: ModuleType) -> None:
    pairs = scoring.drawn_prism(3000, seed=0)
    for texts, expected in (
        ({p.prompt for p in pairs}, scoring.PROMPT_TOKENS),
        ({r for p in pairs for r in (p.chosen, p.rejected)}, scoring.RESPONSE_TOKENS),
    ):
        quartiles = np.percentile([len(t.split()) for t in texts], [25, 50, 75])
        assert quartiles == pytest.approx(expected[2:5], rel=0.15)


def test_a_sample_contains_whole_turns(scoring: ModuleType) -> None:
    every = scoring.drawn_prism(80, seed=0)
    sample = scoring.prism_pairs(scoring.Sample(None, 20))
    assert 20 <= len(sample) < 26
    turns = {(p.rater, p.prompt) for p in sample}
    assert len(sample) == sum((p.rater, p.prompt) in turns for p in every)


@pytest.mark.slow
def test_the_gpu_script_runs_small_without_a_gpu() -> None:
    pytest.importorskip("trl")
    printed, _ = run_in_each(
        [os.environ], BENCHMARKS, str(BENCHMARKS / "transformer_gpu.py"), "--tiny"
    )
    lines = [line.strip() for line in printed.splitlines()]
    for start in (
        "LoRA training",
        "scoring, ours",
        "scoring, published",
        "full, ours",
        "lora, TRL as it comes",
    ):
        assert any(line.startswith(start) for line in lines), printed
