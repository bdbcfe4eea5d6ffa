"""Workers on a Ray cluster of two nodes with one CPU each; all tests share it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.scaling import doubles

from pluralign.core import InvalidInput
from pluralign.encoders import CachedEncoder, HashEncoder, SentenceEncoder, encoder_named, sharding
from pluralign.encoders.shards import shard_paths
from pluralign.experiments import Outcome, run_experiment
from pluralign.rewards import TableFeatures, fit_path
from pluralign.rewards.block_sums import BLOCK
from pluralign.scaling import SpreadEncoder, WorkerPool, spread
from pluralign.settings import resolve

ray = pytest.importorskip("ray", reason="pip install 'pluralign[ray]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")
from pluralign.scaling.ray_workers import ray_pool  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray has no test cluster on Windows"),
]
ROOT = str(Path(__file__).resolve().parents[2])
STORE = 100 * 2**20
SECONDS = 180.0
TEXTS = [f"text number {i} of many" for i in range(60)]
Cluster = Any


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # A killed node is noticed in seconds; until then new actors are started on it in vain.
        patch.setenv("RAY_health_check_period_ms", "1000")
        patch.setenv("RAY_health_check_failure_threshold", "3")
        patch.setenv("PYTHONPATH", ROOT)  # workers import the doubles
        head = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
        found = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        try:
            found.add_node(num_cpus=1, object_store_memory=STORE)
            yield found
        finally:
            found.shutdown()


@pytest.fixture
def pool(cluster: Cluster) -> Iterator[WorkerPool]:
    with ray_pool(cluster.address, SECONDS, SECONDS) as found:
        yield found


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 6)


def test_one_cpu_of_the_cluster_is_left_free(pool: WorkerPool) -> None:
    assert pool.size == 1


def test_vectors_of_a_cluster_are_those_of_this_process_bit_for_bit(
    pool: WorkerPool, tmp_path: Path, tiny_encoder: Path
) -> None:
    words = [" ".join(["family", "work", "home"] * (1 + k % 5)) + f" {k}" for k in range(24)]
    for make, texts in (
        (partial(encoder_named, "hash"), TEXTS),
        (partial(SentenceEncoder, tiny_encoder), words),
    ):
        here = CachedEncoder(make(), tmp_path / "here").encode(texts)
        there = SpreadEncoder(make, pool, tmp_path / "there").encode(texts)
        assert np.array_equal(here, there)


def test_a_value_is_shared_by_reference_and_results_are_joined_by_key(pool: WorkerPool) -> None:
    table = np.random.default_rng(0).normal(size=(20_000, 8))
    shared = pool.share(table)
    tasks = {f"column {k}": (shared, k) for k in (5, 2, 7, 0)}
    found = {key: done.result() for key, done in spread(tasks.items(), doubles.row_sums, pool)}
    assert found == {f"column {k}": float(np.sum(table[:, k])) for k in (5, 2, 7, 0)}


def test_a_text_that_fails_or_kills_its_actor_is_named_and_others_are_kept(
    pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 2)
    make = partial(doubles.Faulty, frozenset([TEXTS[1]]), frozenset([TEXTS[4]]))
    with pytest.raises(InvalidInput, match="2 of 8 texts") as error:
        SpreadEncoder(make, pool, tmp_path).encode(TEXTS[:8])
    assert all(repr(TEXTS[k]) in str(error.value) for k in (1, 4))
    rest = [text for k, text in enumerate(TEXTS[:8]) if k not in {1, 4}]
    kept = CachedEncoder(doubles.Faulty(frozenset(rest)), tmp_path).encode(rest)
    assert np.array_equal(kept, HashEncoder(16).encode(rest))


def test_a_small_run_on_a_cluster_equals_that_of_one_machine(
    pool: WorkerPool, tables: dict[str, Any], go: Callable[..., Outcome], tmp_path: Path
) -> None:
    tables |= {"methods": ["reference", "length", "pooled", "scpo", "scpo-filter-only"]}
    go(tables, tmp_path / "here")
    resolved = resolve(tables, base=tmp_path, where="tiny.toml")
    run_experiment(resolved, tmp_path / "there", cache=tmp_path / "cache", workers=pool)
    for name in ("results", "summary", "comparisons", "repeats"):
        here, there = (tmp_path / backend / f"{name}.jsonl" for backend in ("here", "there"))
        assert here.read_bytes() == there.read_bytes()


def test_a_node_may_be_killed_in_the_middle(cluster: Cluster, tmp_path: Path) -> None:
    node = list(cluster.worker_nodes)[-1]
    killed: list[int] = []

    def kill(done: int, _: int) -> None:
        if done >= 12 and not killed:
            killed.append(done)
            cluster.remove_node(node, allow_graceful=False)

    with ray_pool(cluster.address, SECONDS, SECONDS) as pool:
        _start_worker_on(node, cluster, pool)
        make = partial(doubles.slow_hash, 0.3)
        try:
            found = SpreadEncoder(make, pool, tmp_path, kill).encode(TEXTS)
        finally:
            cluster.add_node(num_cpus=1, object_store_memory=STORE)
    assert killed == [12]
    assert np.array_equal(found, HashEncoder(16).encode(TEXTS))


def test_a_fit_has_the_bits_of_this_process_though_a_node_is_killed_in_the_middle(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pluralign.rewards.choices._AT_HAND", 0)  # as for many pairs
    rng, calls = np.random.default_rng(0), []
    vector_T_d = rng.normal(size=(4000, 4)).astype(np.float32)
    index_3_N = rng.integers(0, 4000, size=(3, 9 * BLOCK + 77), dtype=np.int32)
    features = TableFeatures(vector_T_d, index_3_N, 0.7)
    node = list(cluster.worker_nodes)[-1]
    with ray_pool(cluster.address, SECONDS, SECONDS) as pool:
        _start_worker_on(node, cluster, pool)
        submit = pool.submit

        def killing(task: Callable[..., Any], /, *arguments: Any) -> Any:
            calls.append(task)
            if len(calls) == 25:
                cluster.remove_node(node, allow_graceful=False)
            return submit(task, *arguments)

        monkeypatch.setattr(pool, "submit", killing)
        try:
            found = fit_path(features, (10.0, 1.0), pool=pool)
        finally:
            cluster.add_node(num_cpus=1, object_store_memory=STORE)
    assert len(calls) > 40
    assert np.array_equal(found, fit_path(features, (10.0, 1.0)))


def test_a_killed_driver_is_resumed_with_the_shards_that_are_missing(
    cluster: Cluster, tmp_path: Path
) -> None:
    code = (
        "from functools import partial\n"
        "from pathlib import Path\n"
        "from pluralign.encoders import sharding\n"
        "from pluralign.scaling import SpreadEncoder\n"
        "from pluralign.scaling.ray_workers import ray_pool\n"
        "from tests.scaling import doubles\n"
        "sharding.TEXTS_PER_SHARD = 6\n"
        f"with ray_pool({cluster.address!r}, 60.0, 60.0) as pool:\n"
        f"    make, folder = partial(doubles.slow_hash, 0.5), Path({str(tmp_path)!r})\n"
        f"    SpreadEncoder(make, pool, folder).encode({TEXTS!r})\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": ROOT})
    shards, until = _counted_shards(tmp_path), time.monotonic() + SECONDS
    while shards() < 2 and time.monotonic() < until and driver.poll() is None:
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    kept = shards()
    assert 2 <= kept < 10
    with ray_pool(cluster.address, SECONDS, SECONDS) as pool:
        found = SpreadEncoder(partial(doubles.slow_hash, 0.0), pool, tmp_path).encode(TEXTS)
    assert np.array_equal(found, HashEncoder(16).encode(TEXTS))
    assert shards() == 10


def _counted_shards(folder: Path) -> Callable[[], int]:
    home = CachedEncoder(doubles.slow_hash(0.0), folder).folder
    return lambda: len(shard_paths(home))


def _start_worker_on(node: Any, cluster: Cluster, pool: WorkerPool) -> None:
    """Start the one worker of a pool on this node, not on the head."""
    blocker = _hold_cpu_of_head(cluster)
    assert pool.submit(doubles.node_of_worker).result() == node.node_id
    ray.kill(blocker)


def _hold_cpu_of_head(cluster: Cluster) -> Any:
    """An actor that keeps the workers of a pool away from the head."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    on_head = NodeAffinitySchedulingStrategy(cluster.head_node.node_id, soft=False)
    blocker = ray.remote(num_cpus=1)(doubles.Blocker).options(scheduling_strategy=on_head).remote()
    ray.get(blocker.ready.remote(), timeout=SECONDS)
    return blocker
