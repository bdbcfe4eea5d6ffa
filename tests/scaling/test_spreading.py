"""Workers, encoders and tasks, with executors of this process: no process is started."""

import platform
import random
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.encoders.embedding_servers import Served, running
from tests.scaling import doubles

from pluralign.cli.error_messages import message_of
from pluralign.core import InvalidInput, InvalidSettings, PluralignError
from pluralign.encoders import CachedEncoder, HashEncoder, SentenceEncoder, encoder_named, sharding
from pluralign.encoders.endpoint import (
    EmbeddingServers,
    EndpointEncoder,
    EndpointFailed,
    OtherModel,
)
from pluralign.encoders.shards import shard_paths
from pluralign.scaling import (
    SpreadEncoder,
    WorkerLost,
    WorkerNotReady,
    WorkerPool,
    spread,
)
from pluralign.scaling.carried import CallOutcome, InFile, call_here

TEXTS = [f"text number {i} of many" for i in range(50)]
HASH = partial(encoder_named, "hash")


class Here:
    """A worker in this process; the first ``dying`` calls of all workers lose it."""

    lost = 0

    def __init__(self, dying: int = 0) -> None:
        self.dying = dying
        self.closed = False

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> CallOutcome:
        if Here.lost < self.dying:
            Here.lost += 1
            raise WorkerLost("gone")
        return call_here(function, arguments)

    def close(self) -> None:
        self.closed = True


class Shuffled(Executor):
    """Makes calls in an order of its own: at the first result that is asked for, all of them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self.waiting.append((future, partial(fn, *args)))
        if len(self.waiting) == self.size:
            random.Random(3).shuffle(self.waiting)
            for own, call in self.waiting:
                own.set_result(call())
        return future


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 8)


@pytest.mark.usefixtures("small_shards")
def test_vectors_of_workers_are_those_of_one_process_bit_for_bit(tmp_path: Path) -> None:
    here = CachedEncoder(HashEncoder(), tmp_path / "here").encode([*TEXTS, *TEXTS[:3]])
    with ThreadPoolExecutor(3) as pool:
        spread_out = SpreadEncoder(HASH, pool, tmp_path / "spread").encode([*TEXTS, *TEXTS[:3]])
    assert np.array_equal(here, spread_out)


@pytest.mark.usefixtures("small_shards")
def test_results_in_any_order_are_joined_by_key(tmp_path: Path) -> None:
    found = SpreadEncoder(HASH, Shuffled(7), tmp_path).encode(TEXTS)
    assert np.array_equal(found, HashEncoder().encode(TEXTS))


@pytest.mark.slow
def test_a_network_gives_the_same_bits_on_workers_and_on_any_number_of_threads(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 16)
    texts = [" ".join(["family", "work", "home"] * (1 + k % 7)) + f" {k}" for k in range(50)]
    make, threads = partial(SentenceEncoder, tiny_encoder), torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(CachedEncoder(make(), tmp_path / str(count)).encode(texts))
    finally:
        torch.set_num_threads(threads)
    found.append(SpreadEncoder(make, Shuffled(4), tmp_path / "spread").encode(texts))
    assert all(np.array_equal(found[0], other) for other in found[1:])


@pytest.mark.usefixtures("small_shards")
def test_a_stopped_run_encodes_only_the_shards_that_are_missing(tmp_path: Path) -> None:
    asked: list[int] = []

    class Stopping(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
            asked.append(len(args[-1]))
            if len(asked) == 4:
                raise KeyboardInterrupt
            return super().submit(fn, *args)

    with pytest.raises(KeyboardInterrupt), Stopping(1) as pool:
        SpreadEncoder(HASH, pool, tmp_path).encode(TEXTS)
    kept = len(shard_paths(CachedEncoder(HashEncoder(), tmp_path).folder))
    assert kept >= 1
    with Stopping(1) as pool:
        found = SpreadEncoder(HASH, pool, tmp_path).encode(TEXTS)
    assert sum(asked[4:]) == len(TEXTS) - 8 * kept
    assert np.array_equal(found, HashEncoder().encode(TEXTS))


@pytest.mark.usefixtures("small_shards")
def test_texts_that_fail_alone_are_named_and_all_others_are_kept(tmp_path: Path) -> None:
    make = doubles.failing_on(TEXTS[11], TEXTS[12])
    with ThreadPoolExecutor(2) as pool, pytest.raises(InvalidInput) as error:
        SpreadEncoder(make, pool, tmp_path).encode(TEXTS)
    assert "2 of 50 texts" in str(error.value)
    assert all(repr(TEXTS[k]) in str(error.value) for k in (11, 12))
    assert "ValueError: 1 bad" in str(error.value)
    rest = [text for text in TEXTS if text not in TEXTS[11:13]]
    nothing = partial(doubles.Faulty, frozenset(TEXTS))  # would fail on every text
    kept = SpreadEncoder(nothing, Shuffled(1), tmp_path).encode(rest)
    assert np.array_equal(kept, HashEncoder(16).encode(rest))


@pytest.mark.usefixtures("small_shards")
def test_an_encoder_that_fails_on_everything_is_not_taken_for_bad_texts(tmp_path: Path) -> None:
    many = [f"{k}" for k in range(8 * 30)]
    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="8 bad"):
        SpreadEncoder(doubles.failing_on(*many), pool, tmp_path).encode(many)


@pytest.mark.parametrize("error", [EndpointFailed, OtherModel, InvalidSettings])
def test_an_error_that_no_text_can_cause_stops_the_work_at_its_first_shard(
    tmp_path: Path, error: type[PluralignError]
) -> None:
    with WorkerPool(Here, size=1) as pool, pytest.raises(error):
        SpreadEncoder(partial(doubles.Stopped, error, tmp_path), pool, tmp_path).encode(TEXTS)
    assert len(list(tmp_path.glob("call-*"))) == 1


def test_a_worker_that_starts_while_its_pool_ends_is_closed() -> None:
    worker = Here()

    def start() -> Here:
        pool.shutdown(wait=False)
        return worker

    pool = WorkerPool(start, size=1)
    with pytest.raises(WorkerLost, match="has ended"):
        pool.submit(abs, -1).result()
    assert worker.closed


def test_a_worker_with_another_model_is_refused(tmp_path: Path) -> None:
    make = partial(doubles.Faulty, name="mine")
    other = doubles.Faulty(name="other")
    with ThreadPoolExecutor(1) as pool, pytest.raises(WorkerNotReady, match="mine, not other"):
        SpreadEncoder(make, pool, tmp_path, encoder=other).encode(TEXTS)


def test_workers_whose_servers_have_another_model_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where each machine asks its own server, and one of them serves another model."""
    other = Served(model=HashEncoder(32, seed=1).encode)
    with running(Served(), other) as (own, others), WorkerPool(Here, size=2) as pool:
        encoder = EndpointEncoder(EmbeddingServers((own,), "m"))
        make = partial(EndpointEncoder, EmbeddingServers((others,), "m"))
        with pytest.raises(OtherModel, match="another vector") as error:
            SpreadEncoder(make, pool, tmp_path, encoder=encoder).encode(TEXTS)
    assert other.url in str(error.value)
    assert platform.node() in str(error.value)
    assert not other.texts & set(TEXTS)


def test_a_pool_that_shares_no_files_makes_no_folder_that_a_kill_would_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with WorkerPool(Here, size=2, share=lambda value: value) as pool:  # as on a Ray cluster
        pool.submit(doubles.row_sums, np.ones(1), 0)
        assert not list(tmp_path.iterdir())
    with WorkerPool(Here, size=2) as pool:
        pool.share(np.ones(3))
        assert len(list(tmp_path.glob("pluralign-shared-*"))) == 1
    assert not list(tmp_path.iterdir())


def test_a_worker_that_cannot_make_the_encoder_says_why(tmp_path: Path) -> None:
    make = partial(encoder_named, "no/such folder")
    with ThreadPoolExecutor(1) as pool, pytest.raises(WorkerNotReady, match="cannot open"):
        SpreadEncoder(make, pool, tmp_path, encoder=HashEncoder()).encode(TEXTS)


def test_a_lost_worker_is_replaced_and_its_call_made_again() -> None:
    Here.lost = 0
    with WorkerPool(partial(Here, dying=1), size=1) as pool:
        assert pool.submit(abs, -2).result() == 2


def test_a_call_that_loses_every_worker_fails_alone() -> None:
    Here.lost = 0
    with WorkerPool(partial(Here, dying=2), size=1) as pool:
        with pytest.raises(WorkerLost, match="gone") as error:
            pool.submit(abs, -2).result()
        assert "fewer workers" in str(message_of(error.value))  # a message, not a traceback
        assert pool.submit(abs, -3).result() == 3


def test_workers_are_closed_with_their_pool() -> None:
    workers = []

    def start() -> Here:
        workers.append(Here())
        return workers[-1]

    with WorkerPool(start, size=2) as pool:
        pool.submit(abs, 1).result()
    assert [worker.closed for worker in workers] == [True] * len(workers)


def test_tasks_are_taken_only_as_workers_become_free() -> None:
    taken: list[int] = []

    def tasks() -> Any:
        for k in range(100):
            taken.append(k)
            yield k, (-k,)

    with WorkerPool(Here, size=2) as pool:
        results = spread(tasks(), abs, pool)
        key, done = next(results)
        assert done.result() == key
        assert len(taken) == 4
        assert {k: d.result() for k, d in results} == {k: k for k in range(100) if k != key}


def test_a_shared_value_has_the_same_arrays_read_only(tmp_path: Path) -> None:
    table = np.arange(12.0).reshape(4, 3)
    shared = InFile.write({"name": "a", "table": table}, tmp_path / "value")
    found = shared.read()
    assert np.array_equal(found["table"], table)
    assert found["name"] == "a"
    assert not found["table"].flags.writeable
    assert shared.read() is found
    with WorkerPool(Here, size=1) as pool:
        reference = pool.share(table)
        assert pool.submit(doubles.row_sums, reference, 1).result() == 22.0


def test_warnings_of_a_worker_are_logged_by_the_first_process(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome = call_here(doubles.warned, ("hot",))
    caplog.clear()
    assert outcome.unpacked() == "hot"
    assert [record.getMessage() for record in caplog.records] == ["worker: hot"]


def test_an_error_that_cannot_be_pickled_keeps_its_words() -> None:
    with WorkerPool(Here, size=1) as pool, pytest.raises(RuntimeError, match="Odd: odd"):
        pool.submit(doubles.raise_odd).result()
