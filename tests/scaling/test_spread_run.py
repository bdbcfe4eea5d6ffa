"""A run on workers equals that of one process, file by file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.scaling.test_spreading import Here

from pluralign.core import InvalidInput, MissingExtra
from pluralign.experiments import Outcome, run_experiment
from pluralign.scaling import WorkerPool, workers_on
from pluralign.settings import resolve

METHODS = ["reference", "length", "scpo", "scpo-filter-only"]


def files(folder: Path) -> dict[str, bytes]:
    """All files but those that contain times."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in {"record.json", "manifest.jsonl"}
    }


@pytest.mark.slow
def test_every_file_of_a_run_on_workers_is_that_of_one_process(
    tables: dict[str, Any], go: Callable[..., Outcome], tmp_path: Path
) -> None:
    tables |= {"methods": METHODS, "repeats": 2, "fit": {"ridge": "auto"}}
    here = go(tables, tmp_path / "here")
    resolved = resolve(tables, base=tmp_path, where="tiny.toml")
    with WorkerPool(Here, size=2) as pool:
        there = run_experiment(resolved, tmp_path / "there", cache=tmp_path / "cache", workers=pool)
    assert files(tmp_path / "here") == files(tmp_path / "there")
    assert here.record["ridges"] == there.record["ridges"]


def test_a_run_on_workers_fits_only_the_methods_that_are_missing(
    tables: dict[str, Any], tmp_path: Path
) -> None:
    resolved = resolve(tables | {"methods": ["pooled", "full"]}, base=tmp_path, where="tiny.toml")
    calls: list[str] = []

    class Counting(Here):
        def call(self, function: Any, arguments: Any) -> Any:
            calls.append(function.__name__)
            return super().call(function, arguments)

    for _ in range(2):
        with WorkerPool(Counting, size=1) as pool:
            run_experiment(resolved, tmp_path / "run", cache=tmp_path / "cache", workers=pool)
    assert sorted(calls) == ["encode_texts", "fit_group", "fit_group"]


@pytest.mark.parametrize("backend", ["mars", "processes:0", "processes:x", "ray:", "", "rays"])
def test_a_backend_that_does_not_exist_is_refused_with_those_that_exist(backend: str) -> None:
    with pytest.raises(InvalidInput, match="names no workers") as error, workers_on(backend):
        pass
    assert "processes:4" in str(error.value)


def test_without_ray_its_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluralign.scaling.ray_workers.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'pluralign\[ray\]'"), workers_on("ray"):
        pass


def test_an_address_of_a_cluster_without_a_port_is_refused() -> None:
    pytest.importorskip("ray")
    with pytest.raises(InvalidInput, match="names no port"), workers_on("ray://head"):
        pass


def test_a_cluster_that_cannot_be_reached_is_refused_at_once() -> None:
    pytest.importorskip("ray")
    with (
        pytest.raises(InvalidInput, match=r"no Ray cluster can be reached at ray://127"),
        workers_on("ray://127.0.0.1:9"),
    ):
        pass
