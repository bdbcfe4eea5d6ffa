"""Recipes of docs/scaling.md, as far as they run without their system."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pluralign.encoders import HashEncoder
from pluralign.encoders.shards import keys_of
from pluralign.scaling import collect_text_shards

RECIPES = Path(__file__).resolve().parents[2] / "recipes/scaling"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")
def test_the_tasks_of_a_slurm_array_write_all_shards(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("one\ntwo\n", encoding="utf-8")
    commands = tmp_path / "bin"
    commands.mkdir()
    # As installed, but with the encoder that needs no model.
    script = f'#!/bin/sh\nexec "{sys.executable}" -m pluralign.cli.main "$@" --encoder hash\n'
    (commands / "pluralign").write_text(script, encoding="utf-8")
    (commands / "pluralign").chmod(0o755)
    for task in ("1", "2"):
        found = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "2"}
        path = f"{commands}{os.pathsep}{os.environ['PATH']}"
        bash = shutil.which("bash") or "bash"
        subprocess.run(
            [bash, RECIPES / "slurm.sh", texts, tmp_path / "vectors"],
            env=os.environ | found | {"PATH": path},
            check=True,
        )
    collected = collect_text_shards(tmp_path / "vectors", tmp_path / "cache")
    assert (collected.files, collected.vectors, collected.missing) == (2, 2, ())


def test_the_function_for_spark_gives_the_keys_and_vectors_of_its_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pandas = pytest.importorskip("pandas")
    recipe = _module(RECIPES / "spark_encode.py")
    monkeypatch.setattr(recipe, "ENCODER", "hash")
    texts = ["one", "two", "three"]
    frames = [pandas.DataFrame({"text": texts[:2]}), pandas.DataFrame({"text": texts[2:]})]
    rows = pandas.concat(recipe.encode(iter(frames)))
    assert rows["key"].tolist() == [key.ljust(16, b"\0") for key in keys_of(texts).tolist()]
    assert np.array_equal(np.stack(rows["vector"]), HashEncoder().encode(texts))


def test_the_job_for_skypilot_encodes_a_shard() -> None:
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load((RECIPES / "skypilot.yaml").read_text(encoding="utf-8"))
    assert job["run"].split()[:2] == ["pluralign", "encode"]
    assert job["envs"] == {"SHARD": "1/64"}


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
