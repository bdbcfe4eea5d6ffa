"""The command line on small pairs of a planted society, with a cache of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pluralign.cli.main import app

SETTINGS = """
name = "tiny"
seed = 3
min_pairs = 1
min_raters = 2
methods = ["reference", "full", "scpo"]
[pairs]
source = "jsonl"
path = "pairs.jsonl"
[reference]
fit_on = ["~world"]
ridge = 1.0
[trunk]
encoder = "hash"
[fit]
ridge = 1.0
[intervals]
draws = 100
"""
Rows = list[dict[str, Any]]


@pytest.fixture
def config(tmp_path: Path, rows: Rows, write_rows: Callable[..., Path]) -> Path:
    """A settings file beside the pairs it names."""
    write_rows(tmp_path / "pairs.jsonl", rows)
    (tmp_path / "tiny.toml").write_text(SETTINGS)
    return tmp_path / "tiny.toml"


@pytest.fixture(scope="session")
def call() -> Callable[..., Result]:
    """``call("run", config, "--json")`` in this process."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="session")
def on_screen() -> Callable[..., str]:
    """``on_screen("run", config, width=80)``: what a terminal of that width shows on success."""

    def show(*words: object, width: int = 80) -> str:
        terminal = {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": str(width)}
        found = CliRunner().invoke(app, [str(word) for word in words], env=terminal)
        assert found.exit_code == 0, found.output
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", found.stdout)

    return show


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    cache: Path,
    rows: Rows,
    write_rows: Callable[..., Path],
) -> Path:
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("trained")
    write_rows(folder / "pairs.jsonl", rows)
    (folder / "tiny.toml").write_text(SETTINGS)
    words = ["run", str(folder / "tiny.toml"), "--out", str(folder / "out"), "--json"]
    found = CliRunner().invoke(app, words, env={"PLURALIGN_CACHE": str(cache)})
    assert found.exit_code == 0, found.output
    return folder / "out"


@pytest.fixture
def shell(cache: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``shell("run", config)`` in a process of its own, as people do."""
    environment = os.environ | {"PLURALIGN_CACHE": str(cache), "OMP_NUM_THREADS": "1"}

    def run(*words: object, **more: Any) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "pluralign.cli.main", *map(str, words)]
        return subprocess.run(
            line, capture_output=True, text=True, env=environment, check=False, **more
        )

    return run
