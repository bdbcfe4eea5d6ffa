"""Batches of a network on a CPU: each on one thread, so that its bits depend on no other core."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Run = Callable[[Callable[[Any], None], Iterable[Any]], None]
"""Calls a function with every item."""


def one_after_another(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Call ``work`` with each item; torch uses all of its threads for each."""
    for item in items:
        work(item)


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
