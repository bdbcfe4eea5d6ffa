from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pluralign.core import FloatArray, InvalidInput, rng_for
from pluralign.rewards import TableFeatures, fit_path, fit_paths
from pluralign.rewards import spread_sums as module
from pluralign.rewards.block_sums import BLOCK
from pluralign.rewards.spread_sums import GroupSum, MappedArray

RIDGES = (10.0, 1.0)


@pytest.fixture(autouse=True)
def _features_are_never_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for many pairs: they are computed whenever they are read, and workers may read them."""
    monkeypatch.setattr("pluralign.rewards.choices._AT_HAND", 0)


def table() -> TableFeatures:
    rng = rng_for(0, "table")
    vector_T_d: FloatArray = rng.normal(size=(4000, 4)).astype(np.float32)
    index_3_N = rng.integers(0, 4000, size=(3, 9 * BLOCK + 77), dtype=np.int32)
    return TableFeatures(vector_T_d, index_3_N, 0.7)


@pytest.fixture(scope="module")
def here() -> FloatArray:
    """Heads that this process alone computes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pluralign.rewards.choices._AT_HAND", 0)
        return fit_path(table(), RIDGES)


class Shuffled(Executor):
    """Does all tasks that wait, in a random order, when the first result is asked for."""

    def __init__(self, size: int = 2) -> None:
        self.size, self.rng = size, rng_for(0, "shuffled")
        self.waiting: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.done = 0

    def submit(self, task: Callable[..., Any], /, *args: Any, **named: Any) -> "Future[Any]":
        future = _Asked(self)
        self.waiting.append((future, partial(task, *args, **named)))
        return future

    def work(self) -> None:
        for k in self.rng.permutation(len(self.waiting)).tolist():
            future, task = self.waiting[k]
            future.set_result(task())
            self.done += 1
        self.waiting.clear()


class _Asked(Future[Any]):
    def __init__(self, executor: Shuffled) -> None:
        super().__init__()
        self.executor = executor

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.executor.work()
        return super().result(0)


@pytest.mark.parametrize("size", [1, 2, 8])
def test_workers_that_finish_in_any_order_give_the_same_bits(size: int, here: FloatArray) -> None:
    pool = Shuffled(size)
    assert_array_equal(fit_path(table(), RIDGES, pool=pool), here)
    assert pool.done > 9


def test_several_heads_from_several_threads_have_the_same_bits() -> None:
    prior_P_D = rng_for(1, "priors").normal(size=(2, 8))
    alone = fit_paths(table(), RIDGES, prior_P_D)

    def fit(_: int) -> FloatArray:
        return fit_paths(table(), RIDGES, prior_P_D, pool=pool)

    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(2) as fits:
        for found in fits.map(fit, range(2)):
            assert_array_equal(found, alone)


def test_an_error_in_a_worker_is_the_error_of_the_fit() -> None:
    features = table()
    features.vector_T_d[7] = np.nan
    with ThreadPoolExecutor(2) as pool, pytest.raises(InvalidInput, match="finite"):
        fit_path(features, RIDGES, pool=pool)


def test_a_worker_that_computes_in_another_way_is_warned_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def computed_elsewhere(*task: Any) -> GroupSum:
        return group_sum(*task)._replace(arithmetic="AVX2")

    group_sum = module.group_sum
    monkeypatch.setattr(module, "group_sum", computed_elsewhere)
    with pytest.warns(RuntimeWarning, match="AVX2"):
        fit_path(table(), RIDGES, pool=Shuffled())


class Held(int):
    """Stands for an array that a pool keeps."""


class Sharing(Shuffled):
    """Keeps arrays, which calls name by their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.arrays: list[Any] = []

    def share(self, array: Any) -> Held:
        self.arrays.append(array)
        return Held(len(self.arrays) - 1)

    def submit(self, task: Callable[..., Any], /, *args: Any, **named: Any) -> "Future[Any]":
        assert all(a.size == 8 for a in args if isinstance(a, np.ndarray))  # the head alone
        given = [self.arrays[a] if isinstance(a, Held) else a for a in args]
        return super().submit(task, *given, **named)


def test_arrays_are_shared_once_and_calls_are_small(here: FloatArray) -> None:
    pool = Sharing()
    assert_array_equal(fit_path(table(), RIDGES, pool=pool), here)
    assert len(pool.arrays) == 4  # vectors, rows, and two kinds of weights


def test_a_table_in_a_file_is_read_from_there(tmp_path: Path, here: FloatArray) -> None:
    features, pool = table(), Sharing()
    np.save(tmp_path / "table.npy", features.vector_T_d)
    mapped = np.load(tmp_path / "table.npy", mmap_mode="r")
    some = TableFeatures(mapped, features.index_3_N, features.scale)
    assert_array_equal(fit_path(some, RIDGES, pool=pool), here)
    assert len(pool.arrays) == 3


def test_a_part_of_a_mapped_file_and_a_private_copy_are_not_read_from_the_file(
    tmp_path: Path,
) -> None:
    np.save(tmp_path / "c.npy", np.arange(12.0).reshape(4, 3))
    np.save(tmp_path / "f.npy", np.asfortranarray(np.arange(12.0).reshape(4, 3)))
    for name in ("c.npy", "f.npy"):
        whole = np.load(tmp_path / name, mmap_mode="r")
        assert module._is_whole_file(whole)
        assert_array_equal(MappedArray.of(whole).read(), whole)
        private = np.load(tmp_path / name, mmap_mode="c")
        for array in (whole[2:], whole.T, private, np.array(whole)):
            assert not module._is_whole_file(array)
