"""A run on workers equals that of one process, file by file."""

import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.scaling.test_spreading import Here

from pluralign.core import InvalidInput, MissingExtra
from pluralign.experiments import Outcome, run_experiment
from pluralign.experiments.repeats import sides
from pluralign.methods import learn_prior
from pluralign.scaling import WorkerPool, workers_on
from pluralign.settings import resolve

METHODS = ["reference", "length", "full", "scpo", "scpo-filter-only"]


class Counting(Here):
    """A worker in this process that notes the names of its calls."""

    def __init__(self, calls: list[str]) -> None:
        super().__init__()
        self.calls = calls

    def call(self, function: Any, arguments: Any) -> Any:
        self.calls.append(function.__name__)
        return super().call(function, arguments)


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
    tables |= {
        "methods": METHODS,
        "repeats": 2,
        "fit": {"ridge": "auto"},
        "curves": {"fractions": [0.5], "methods": ["full", "scpo"], "by": ["raters"], "repeats": 2},
        "sensitivity": {"tau": [0.6, 1.0, 0.6], "ridge": [1.0]},
    }
    here = go(tables, tmp_path / "here")
    resolved = resolve(tables, base=tmp_path, where="tiny.toml")
    calls: list[str] = []
    with WorkerPool(partial(Counting, calls), size=2) as pool:
        there = run_experiment(resolved, tmp_path / "there", cache=tmp_path / "cache", workers=pool)
    assert files(tmp_path / "here") == files(tmp_path / "there")
    assert here.record["ridges"] == there.record["ridges"]
    curves = len((0.5, 1.0)) * len(("full", "scpo")) * len(("first repeat", "second"))
    sensitivity = len((0.6, 1.0)) + len(("full", "scpo"))
    assert calls.count("fit_of_study") == curves + sensitivity


def test_features_of_one_or_two_repeats_are_in_memory(
    tables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    most = [0]

    def counted(*given: Any) -> Any:
        side = sides(*given)
        made.append(weakref.ref(side.train.unit_N))
        most.append(sum(found() is not None for found in made))
        return side

    for module in ("benches", "spread_fits"):
        monkeypatch.setattr(f"pluralign.experiments.{module}.sides", counted)
    tables |= {"methods": ["full"], "repeats": 6}
    resolved = resolve(tables, base=tmp_path, where="tiny.toml")
    with WorkerPool(Here, size=1) as pool:
        run_experiment(resolved, tmp_path / "run", cache=tmp_path / "cache", workers=pool)
    assert len(made) == 6 + 6 + 6  # the first process makes the tasks, writes results; workers
    assert max(most) <= 2 + pool.size < 6


def test_a_run_on_workers_fits_only_the_methods_that_are_missing(
    tables: dict[str, Any], tmp_path: Path
) -> None:
    resolved = resolve(tables | {"methods": ["pooled", "full"]}, base=tmp_path, where="tiny.toml")
    calls: list[str] = []
    for _ in range(2):
        with WorkerPool(partial(Counting, calls), size=1) as pool:
            run_experiment(resolved, tmp_path / "run", cache=tmp_path / "cache", workers=pool)
    assert sorted(calls) == ["encode_texts", "fit_group", "fit_group"]


def test_workers_learn_the_prior_of_new_communities_once_in_each_repeat(
    tables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[None] = []

    def counted(*given: Any) -> Any:
        learned.append(None)
        return learn_prior(*given)

    monkeypatch.setattr("pluralign.experiments.linear_bench.learn_prior", counted)
    tables |= {"methods": ["reference", "full", "pooled"], "repeats": 2}
    resolved = resolve(tables, base=tmp_path, where="tiny.toml")
    with WorkerPool(Here, size=2) as pool:
        run_experiment(resolved, tmp_path / "run", cache=tmp_path / "cache", workers=pool)
    assert len(learned) == 2


@pytest.mark.parametrize("backend", ["mars", "processes:0", "processes:x", "ray:", "", "rays"])
def test_a_backend_that_does_not_exist_is_refused_with_those_that_exist(backend: str) -> None:
    with pytest.raises(InvalidInput, match="not a known backend") as error, workers_on(backend):
        pass
    assert "processes:4" in str(error.value)


def test_without_ray_its_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluralign.scaling.ray_workers.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'pluralign\[ray\]'"), workers_on("ray"):
        pass


def test_an_address_of_a_cluster_without_a_port_is_refused() -> None:
    pytest.importorskip("ray")
    with pytest.raises(InvalidInput, match="has no port"), workers_on("ray://head"):
        pass


def test_a_cluster_that_cannot_be_reached_is_refused_at_once() -> None:
    pytest.importorskip("ray")
    with (
        pytest.raises(InvalidInput, match=r"no Ray cluster can be reached at ray://127"),
        workers_on("ray://127.0.0.1:9"),
    ):
        pass
