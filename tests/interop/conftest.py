"""A small model of a run on the planted society, and pairs to score with it."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pluralign.core import PreferencePair
from pluralign.experiments import run_experiment
from pluralign.interop import ModelSheet, model_card
from pluralign.rewards import load_card
from pluralign.rewards.transformer.tokenized_texts import TextForm
from pluralign.settings import resolve
from pluralign.simulation import SocietySource


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Folder of the models of a run: ``reference`` and ``full``."""
    tables = {
        "seed": 3, "min_pairs": 1, "min_raters": 2, "methods": ["reference", "full"],
        "pairs": {"source": "society", "each": 60, "thin": 12, "world": 100},
        "reference": {"fit_on": ["~world"], "ridge": 1.0}, "trunk": {"encoder": "hash"},
        "fit": {"ridge": 1.0}, "intervals": {"draws": 100},
    }  # fmt: skip
    out = tmp_path_factory.mktemp("runs") / "tiny"
    run_experiment(resolve(tables, base=out.parent, where="tiny.toml"), out, cache=cache)
    return out / "models" / "seed-3"


@pytest.fixture(scope="session")
def folder(models: Path) -> Path:
    return models / "full"


@pytest.fixture
def card(folder: Path) -> dict[str, Any]:
    return load_card(folder)


@pytest.fixture(scope="session")
def pairs() -> list[PreferencePair]:
    return list(SocietySource(each=20, thin=5, world=10).pairs())


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Tiny Hugging Face models: tests/interop/tiny.py."""
    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def run_readme() -> Callable[..., dict[str, Any]]:
    """``run_readme(folder, form, prompt, response, base)`` runs a README's first Python example."""

    def run(
        folder: Path, form: TextForm, prompt: str, response: str, base: str | None = None
    ) -> dict[str, Any]:
        sheet = ModelSheet(str(folder), form=form, adapter=base is not None, base_model=base)
        text = model_card({}, sheet)
        code = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)[0]
        given = 'prompt, response = "Tea or coffee?", "Tea, please."'
        assert given in code
        found: dict[str, Any] = {}
        exec(code.replace(given, f"prompt, response = {prompt!r}, {response!r}"), found)
        return found

    return run
