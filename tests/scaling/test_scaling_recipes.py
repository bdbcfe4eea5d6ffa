"""Recipes of docs/scaling.md, as far as they run without their system."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pluralign.encoders import CachedEncoder, HashEncoder
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


def test_vectors_of_the_function_for_spark_are_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pandas = pytest.importorskip("pandas")
    recipe = _module(RECIPES / "spark_encode.py")
    monkeypatch.setattr(recipe, "ENCODER", "hash")
    texts = ["one", "two", "three"]
    expected = HashEncoder().encode(texts)
    frames = [pandas.DataFrame({"text": texts[:2]}), pandas.DataFrame({"text": texts[2:]})]
    # The types of the recipe's schema, and names and an empty file as Spark writes them.
    kinds = {"key": pa.binary(), "vector": pa.list_(pa.float32()), "encoder": pa.string()}
    schema = pa.schema(list(kinds.items()))
    rows = pandas.concat(recipe.encode(iter(frames)))
    for k, part in enumerate((rows, rows[:0])):
        table = pa.Table.from_pandas(part, schema, preserve_index=False)
        pyarrow.parquet.write_table(table, tmp_path / f"part-0000{k}-4f3d-c000.snappy.parquet")
    found = collect_text_shards(tmp_path, tmp_path / "cache")
    assert (found.vectors, found.encoders, found.missing) == (3, (HashEncoder().fingerprint,), ())
    cached = CachedEncoder(HashEncoder(), tmp_path / "cache")
    monkeypatch.setattr(HashEncoder, "encode", None)
    assert np.array_equal(cached.encode(texts), expected)


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
