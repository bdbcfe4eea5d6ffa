"""A small language model with planted knowledge is asked, scored and audited: the truth is found.

The table of docs/results.md is that of the benchmark, over several larger models.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "planted_knowledge.py"


@pytest.fixture
def benchmark() -> ModuleType:
    pytest.importorskip("torch")
    spec = spec_from_file_location("planted_knowledge", SCRIPT)
    module = sys.modules["planted_knowledge"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_effects_and_a_default_culture_that_a_model_was_taught_are_found_again(
    benchmark: ModuleType, tmp_path: Path
) -> None:
    size = benchmark.Size(questions=12, steps=110, batch=64, places=3)

    result = benchmark.one_seed(tmp_path, 0, size)

    assert result["right"] > 0.95
    found = {key: means.difference for key, means in result["found"].items()}
    for key, means in result["taught"].items():
        assert found[key].value == pytest.approx(means.difference.value, abs=0.1)
    assert found["language", "~birch"].low > 0 > found["language", "~alder"].low
    assert found["default culture, unnamed", "~birch"].low > 0
    raised = {(f.check, f.community) for f in result["findings"]}
    assert ("default-culture", "~alder") in raised
    assert {check for check, _ in raised} <= {"default-culture", "other-people"}
