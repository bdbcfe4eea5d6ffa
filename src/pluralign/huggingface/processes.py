"""Work that several processes of one launcher share: who writes, who waits, and who scores what."""

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from pluralign.core import BoolArray, FloatArray


def process_count() -> int:
    """How many processes the launcher started; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process is the one that writes."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for_all() -> None:
    """Wait until every process is here."""
    if process_count() > 1:
        _state().wait_for_everyone()


@contextmanager
def writing() -> Iterator[bool]:
    """Whether to write. All come in together and leave together, so that all see the same files before and after."""
    wait_for_all()
    try:
        yield is_main()
    finally:
        wait_for_all()


def split_between_processes(
    items: list[str], work: Callable[[Sequence[str]], FloatArray]
) -> FloatArray:
    """Do a part of the work in each process, and give all of it to each.

    Args:
        items: N items, the same in every process.
        work: Rows for some of the items.

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
    """What every process holds to be true, shape (N,): what is on one machine's disk may be missing on another's."""
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
    """What connects the processes; without a GPU, over gloo."""
    import torch
    from accelerate import PartialState

    atexit.register(_leave)
    return PartialState(
        cpu=not torch.cuda.is_available()
    )  # unasked, it connects nobody where there is no GPU


def _leave() -> None:
    """Close what connects the processes: left to the end of the interpreter, its threads may abort it."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()
