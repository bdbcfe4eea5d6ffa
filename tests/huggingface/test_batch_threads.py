"""Batches side by side, as many as the environment sets."""

import pytest

from pluralign.huggingface import batch_threads


@pytest.mark.parametrize(
    ("given", "threads"),
    [("4,2", 4), (" 3 ", 3), ("0", None), ("", None), ("many", None), ("-1", None)],
)
def test_the_first_number_of_omp_num_threads_counts(
    given: str, threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    pool = batch_threads.ThreadPoolExecutor
    monkeypatch.setattr(batch_threads.os, "cpu_count", lambda: None)
    monkeypatch.setattr(
        batch_threads,
        "ThreadPoolExecutor",
        lambda threads, name: found.append(threads) or pool(threads, name),
    )
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    done: list[int] = []
    batch_threads.side_by_side(done.append, range(5))
    assert sorted(done) == [0, 1, 2, 3, 4]
    assert found == [threads]
