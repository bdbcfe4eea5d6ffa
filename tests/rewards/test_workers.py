import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pluralign.core import FloatArray, PluralignError, rng_for
from pluralign.rewards import FolderStore, TableFeatures, Workers, fit_path, fit_paths
from pluralign.rewards.block_sums import BLOCK

RIDGES = (10.0, 1.0)
SPAWN = get_context("spawn")


@pytest.fixture(autouse=True)
def _features_are_never_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for many pairs: they are computed whenever they are read, and workers may read them."""
    monkeypatch.setattr("pluralign.rewards.choices._AT_HAND", 0)


def table(pairs: int = 9 * BLOCK + 77, half: bool = False) -> TableFeatures:
    rng = rng_for(0, "table")
    vector_T_d = rng.normal(size=(4000, 4)).astype(np.float16 if half else np.float32)
    index_3_N = rng.integers(0, 4000, size=(3, pairs), dtype=np.int32)
    return TableFeatures(vector_T_d, index_3_N, 0.7)


@pytest.fixture(scope="module")
def here() -> FloatArray:
    """Heads that this process alone computes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pluralign.rewards.choices._AT_HAND", 0)
        return fit_path(table(), RIDGES)


class Shuffled(Executor):
    """Does all tasks that wait, in a random order, when the first result is asked for."""

    def __init__(self) -> None:
        self.rng, self.waiting, self.done = rng_for(0, "shuffled"), [], 0

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


@pytest.mark.parametrize("count", [1, 2, 8])
def test_workers_that_finish_in_any_order_give_the_same_bits(count: int, here: FloatArray) -> None:
    executor = Shuffled()
    with Workers(lambda: executor, count) as workers:
        assert_array_equal(fit_path(table(), RIDGES, workers=workers), here)
    assert executor.done > 9


def test_several_heads_from_several_threads_have_the_same_bits() -> None:
    prior_P_D = rng_for(1, "priors").normal(size=(2, 8))
    alone = fit_paths(table(), RIDGES, prior_P_D)

    def fit(_: int) -> FloatArray:
        return fit_paths(table(), RIDGES, prior_P_D, workers=workers)

    with Workers(lambda: ThreadPoolExecutor(2), 2) as workers, ThreadPoolExecutor(2) as fits:
        for found in fits.map(fit, range(2)):
            assert_array_equal(found, alone)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers.processes(2) as processes:
        yield processes


@pytest.mark.slow
def test_two_processes_give_the_same_bits(workers: Workers, here: FloatArray) -> None:
    assert_array_equal(fit_path(table(), RIDGES, workers=workers), here)


@pytest.mark.slow
def test_weights_joined_pairs_and_halves_of_bits_too(workers: Workers) -> None:
    features, weight_N = table(half=True), rng_for(2, "weights").uniform(0, 2, size=9 * BLOCK + 77)
    twice = features.take(np.tile(np.arange(len(weight_N)), 2))
    for some, weight in ((features, weight_N), (twice, np.tile(weight_N, 2))):
        alone = fit_path(some, RIDGES, None, weight)
        assert_array_equal(fit_path(some, RIDGES, None, weight, workers=workers), alone)


class DyingOnce(ProcessPoolExecutor):
    """A process that dies in its fifth task, and takes the pool with it."""

    def __init__(self, mark: Path) -> None:
        super().__init__(1, mp_context=SPAWN)
        self.mark, self.tasks = mark, 0

    def submit(self, task: Callable[..., Any], /, *args: Any, **named: Any) -> "Future[Any]":
        self.tasks += 1
        if self.tasks == 5 and not self.mark.exists():
            task = partial(_dying, self.mark, task)
        return super().submit(task, *args, **named)


def _dying(mark: Path, task: Callable[..., Any], *args: Any, **named: Any) -> Any:
    mark.touch()
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_another_computes_the_blocks_of_a_worker_that_was_killed(
    here: FloatArray, tmp_path: Path
) -> None:
    mark, started = tmp_path / "died", []

    def start() -> Executor:
        started.append(DyingOnce(mark))
        return started[-1]

    with Workers(start, 2) as workers:
        assert_array_equal(fit_path(table(), RIDGES, workers=workers), here)
    assert mark.exists()
    assert len(started) == 2


class Broken(Shuffled):
    def work(self) -> None:
        from concurrent.futures.process import BrokenProcessPool

        for future, _ in self.waiting:
            future.set_exception(BrokenProcessPool("killed"))
        self.waiting.clear()


def test_workers_that_die_again_and_again_end_the_fit_with_advice() -> None:
    with Workers(Broken, 2) as workers, pytest.raises(PluralignError, match="memory"):
        fit_path(table(), RIDGES, workers=workers)


def test_an_error_in_a_worker_is_the_error_of_the_fit() -> None:
    features = table()
    features.vector_T_d[7] = np.nan
    with (
        Workers(lambda: ThreadPoolExecutor(2), 2) as workers,
        pytest.raises(PluralignError, match="finite"),
    ):
        fit_path(features, RIDGES, workers=workers)


def test_a_worker_that_computes_in_another_way_is_warned_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pluralign.rewards import workers as module

    kinds = iter(["AVX2", "AVX512"] * 10_000)
    monkeypatch.setattr(module, "arithmetic", lambda: next(kinds))
    with Workers(Shuffled, 2) as workers, pytest.warns(RuntimeWarning, match="AVX"):
        fit_path(table(), RIDGES, workers=workers)


def test_a_table_in_a_file_is_read_from_there_and_others_are_written_once(
    tmp_path: Path, here: FloatArray
) -> None:
    features, folder = table(), tmp_path / "shared"
    np.save(tmp_path / "table.npy", features.vector_T_d)
    folder.mkdir()
    mapped = np.load(tmp_path / "table.npy", mmap_mode="r")
    written: list[set[str]] = []

    class Watched(Shuffled):
        def work(self) -> None:
            written.append({path.name for path in folder.iterdir()})
            super().work()

    with Workers(Watched, 2, FolderStore(folder)) as workers:
        some = TableFeatures(mapped, features.index_3_N, features.scale)
        assert_array_equal(fit_path(some, RIDGES, workers=workers), here)
    assert all(len(names) == 3 for names in written)  # rows and two kinds of weights
    del some, features
    assert not list(folder.iterdir())
    assert (tmp_path / "table.npy").exists()


def test_a_part_of_a_mapped_table_and_a_private_copy_are_written_anew(tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", np.arange(12.0).reshape(4, 3))
    (tmp_path / "shared").mkdir()
    store = FolderStore(tmp_path / "shared")
    whole = np.load(tmp_path / "table.npy", mmap_mode="r")
    private = np.load(tmp_path / "table.npy", mmap_mode="c")
    private[0] = -1
    for array in (whole, whole[2:], private, np.asfortranarray(whole), whole.T):
        assert_array_equal(store.put(array).read(), array)
