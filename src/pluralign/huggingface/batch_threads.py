"""Batches of a network on a CPU: each on one thread, so that its bits depend on no other core."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Run = Callable[[Callable[[Any], None], Iterable[Any]], None]
"""Calls a function with every item."""


def one_after_another(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Call ``work`` with each item; torch uses all of its threads for each."""
    for item in items:
        work(item)


def side_by_side(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Call ``work`` with several items at a time: for a network that takes one thread for each.

    As many items run side by side as ``OMP_NUM_THREADS`` sets, by default as there are cores. Of
    several numbers, one for each level of nested threads, the first one counts.

    Raises:
        Exception: The first one that ``work`` raises; items that have not begun are left out.
    """
    with ThreadPoolExecutor(_threads_set() or os.cpu_count(), "batch") as pool:
        for _ in pool.map(work, items):
            pass


def on_one_thread_each(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Call ``work`` with several items at a time, torch on one thread for each.

    Sums that several threads share are rounded differently for each number of threads. As many
    items run side by side as torch has threads.

    Raises:
        Exception: The first one that ``work`` raises; items that have not begun are left out.
    """
    import torch

    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, "batch", torch.set_num_threads, (1,)) as pool:
        for _ in pool.map(work, items):
            pass


def _threads_set() -> int | None:
    """The first number of ``OMP_NUM_THREADS``; None where there is none."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return (int(first) or None) if first.isdecimal() else None
