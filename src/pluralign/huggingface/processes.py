"""Work that several processes of one launcher share: writing, waiting, scoring."""

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from pluralign.core import BoolArray, FloatArray


def process_count() -> int:
    """Number of processes that the launcher started; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process writes the files."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for_all() -> None:
    """Wait until every process calls this function."""
    if process_count() > 1:
        _state().wait_for_everyone()


@contextmanager
def writing() -> Iterator[bool]:
    """Whether this process should write, within a ``with`` block.

    All processes enter and leave the block together, so that they see the same files.
    """
    wait_for_all()
    try:
        yield is_main()
    finally:
        wait_for_all()


def split_between_processes(
    items: list[str], work: Callable[[Sequence[str]], FloatArray]
) -> FloatArray:
    """Do a part of the work in each process, and return all of it in each.

    Args:
        items: N items, the same in every process.
        work: Computes the rows of some items.

    Returns:
        Rows for all items, in order, shape (N, D).
    """
    count = process_count()
    if count == 1:
        return work(items)
    import torch.distributed as dist

    own = work(items[_state().process_index :: count])
    parts: list[Any] = [None] * count
    dist.all_gather_object(parts, own)
    together = np.empty((len(items), own.shape[1]), own.dtype)
    for k, part in enumerate(parts):
        together[k::count] = part
    return together


def all_agree(true_N: BoolArray) -> BoolArray:
    """Whether each entry is true in every process, shape (N,).

    Processes may differ: a file on the disk of one machine may be missing on another.
    """
    if process_count() == 1:
        return true_N
    import torch.distributed as dist

    _state()
    parts: list[Any] = [None] * process_count()
    dist.all_gather_object(parts, true_N)
    agreed: BoolArray = np.logical_and.reduce(parts)
    return agreed


@cache
def _state() -> Any:
    """The connection of the processes; without a GPU, over gloo."""
    import torch
    from accelerate import PartialState

    atexit.register(_leave)
    # Without cpu=True, Accelerate does not connect processes that have no GPU.
    return PartialState(cpu=not torch.cuda.is_available())


def _leave() -> None:
    """Close the connection, whose threads may otherwise abort the interpreter at its end."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()
