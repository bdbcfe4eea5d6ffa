"""Fits whose sums over pairs are computed by processes have the bits of one process."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.scaling import doubles

from pluralign.core import FloatArray, rng_for
from pluralign.experiments import Outcome, run_experiment
from pluralign.rewards import Scores, TableFeatures, fit_path, fit_paths
from pluralign.rewards.block_sums import BLOCK
from pluralign.rewards.spread_sums import group_sum
from pluralign.scaling import WorkerPool, process_pool
from pluralign.settings import resolve

RIDGES, PAIRS = (10.0, 1.0), 9 * BLOCK + 77
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _features_are_never_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for many pairs: they are computed whenever they are read, and workers may read them."""
    monkeypatch.setattr("pluralign.rewards.choices._AT_HAND", 0)


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with process_pool(2) as found:
        yield found


def table(scores: bool = False) -> TableFeatures:
    rng = rng_for(0, "table")
    vector_T_d: FloatArray = rng.normal(size=(4000, 4)).astype(np.float32)
    index_3_N = rng.integers(0, 4000, size=(3, PAIRS), dtype=np.int32)
    found = Scores(vector_T_d[:, :2], vector_T_d[:, 1:]) if scores else None
    return TableFeatures(vector_T_d, index_3_N, 0.7, found)


@pytest.mark.parametrize("scores", [False, True])
def test_two_processes_give_the_same_bits(pool: WorkerPool, scores: bool) -> None:
    features = table(scores)
    assert_array_equal(fit_path(features, RIDGES, pool=pool), fit_path(features, RIDGES))


def test_joined_pairs_with_weights_from_a_mapped_table_of_float16_too(
    pool: WorkerPool, tmp_path: Path
) -> None:
    features, rng = table(), rng_for(1, "weights")
    np.save(tmp_path / "table.npy", features.vector_T_d.astype(np.float16))
    mapped = np.load(tmp_path / "table.npy", mmap_mode="r")
    twice = TableFeatures(mapped, np.tile(features.index_3_N, 2), features.scale)
    weight_N, prior_P_D = rng.uniform(0, 2, size=2 * PAIRS), rng.normal(size=(2, 8))
    spread = fit_paths(twice, RIDGES, prior_P_D, weight_N, pool=pool)
    assert_array_equal(spread, fit_paths(twice, RIDGES, prior_P_D, weight_N))


def test_another_computes_the_blocks_of_a_worker_that_died_in_the_middle(
    pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, mark, calls = pool.submit, tmp_path / "died", []

    def deadly(task: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        calls.append(task)
        if len(calls) == 25:
            return submit(doubles.die_once_or_call, mark, task, *arguments)
        return submit(task, *arguments)

    monkeypatch.setattr(pool, "submit", deadly)
    assert_array_equal(fit_path(table(), RIDGES, pool=pool), fit_path(table(), RIDGES))
    assert mark.exists()
    assert len(calls) > 40


def test_files_of_a_fit_are_removed_after_it(pool: WorkerPool) -> None:
    fit_path(table(), RIDGES, pool=pool)
    assert not list(pool.folder.iterdir())


def test_a_run_sums_over_the_pairs_of_a_large_reference_on_its_workers(
    pool: WorkerPool,
    tables: dict[str, Any],
    go: Callable[..., Outcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables |= {"methods": ["reference", "full"]}
    tables["pairs"] |= {"world": 2000}
    tables["trunk"] |= {"components": 0}
    go(tables, tmp_path / "here")
    submit, calls = pool.submit, []

    def noted(task: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        calls.append(task)
        return submit(task, *arguments)

    monkeypatch.setattr(pool, "submit", noted)
    resolved = resolve(tables, base=tmp_path, where="tiny.toml")
    run_experiment(resolved, tmp_path / "there", cache=tmp_path / "cache", workers=pool)
    assert calls.count(group_sum) > 3
    for name in ("results.jsonl", "models/seed-3/reference/model.safetensors"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
