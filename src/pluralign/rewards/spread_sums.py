"""Sums over the pairs of a fit, computed by the workers of a pool.

    vector_T_d = np.load("vectors.npy", mmap_mode="r")
    with process_pool(8) as pool:  # of pluralign.scaling; or workers_on("ray://HOST:PORT")
        heads = fit_path(TableFeatures(vector_T_d, index_3_N, scale), ridges, pool=pool)

Steps are taken in this process. A worker gets heads and numbers of blocks, and returns one sum for
a group of blocks. It reads pairs and vectors by reference and has no state, so any other computes
the blocks of one that died, with the same bits.
"""

import mmap
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from pluralign.core import FloatArray
from pluralign.rewards.block_sums import Part, Total, added, block_count, groups_of, total_of
from pluralign.rewards.choices import Choices
from pluralign.rewards.features import Scores, TableFeatures
from pluralign.rewards.threads import arithmetic, one_blas_thread

_GROUPS = 4  # for each worker, so that a slow one does not leave the others without work
_AHEAD = 2  # groups underway for each worker, so that few sums wait here for an earlier one

Array = np.ndarray[Any, Any]


@contextmanager
def spread_total(choices: Choices, pool: Executor) -> Iterator[Total]:
    """Sums over choices that the workers of a pool compute, with the bits of `total_of`.

    Workers can read the choices while it is entered.

    Args:
        choices: The choices; their features are computed from a table of vectors.
        pool: Any executor. Its ``size`` is the number of workers, 1 where it has none; its
            ``share`` puts an array where all workers can read it, and returns what stands for it
            among the arguments of a call. Without ``share`` arrays are sent with every call.
    """
    size = getattr(pool, "size", 1)
    groups = groups_of(block_count(len(choices.weight_N)), least=_GROUPS * size)
    share = getattr(pool, "share", _as_it_is)
    table = choices.features
    assert isinstance(table, TableFeatures), "features from a table"
    arrays = [table.vector_T_d, table.index_3_N, choices.weight_N, choices.against_N]
    if table.scores is not None:
        arrays += [table.scores.prompt_T_p, table.scores.response_T_r]
    shared = [MappedArray.of(a) if _is_whole_file(a) else share(a) for a in arrays]

    def total(part: Part, theta_P_D: FloatArray) -> FloatArray:
        def submit(group: range) -> "Future[GroupSum]":
            return pool.submit(group_sum, part, theta_P_D, group, table.scale, *shared)

        return added(map(_own_sum, _in_order(submit, groups, ahead=_AHEAD * size)))

    try:
        yield total
    finally:
        shared.clear()  # a pool removes what nobody refers to


class GroupSum(NamedTuple):
    """The sum over a group of blocks, and the arithmetic of the worker that computed it."""

    total: FloatArray
    arithmetic: str


def group_sum(
    part: Part, theta_P_D: FloatArray, group: range, scale: float, *arrays: "Array | MappedArray"
) -> GroupSum:
    """The call of a worker: the sum over a group of blocks.

    Args:
        part: Sum over one block.
        theta_P_D: P heads.
        group: Numbers of the blocks.
        scale: Weight of the products with the prompt.
        arrays: Vectors, rows of the pairs, weights, weights against, and scores of prompts and of
            responses where there are any.
    """
    vector_T_d, index_3_N, weight_N, against_N, *score = map(_read, arrays)
    scores = Scores(*score) if score else None
    features = TableFeatures(vector_T_d, index_3_N, scale, scores)
    with one_blas_thread():
        total = total_of(Choices(features, weight_N, against_N), part, theta_P_D, group)
    return GroupSum(total, arithmetic())


def _in_order(
    submit: "Callable[[range], Future[GroupSum]]", groups: list[range], ahead: int
) -> Iterator[GroupSum]:
    """Replies in the order of the groups, `ahead` of which are underway at once."""
    underway: deque[Future[GroupSum]] = deque()
    try:
        for group in groups:
            underway.append(submit(group))
            if len(underway) > ahead:
                yield underway.popleft().result()
        while underway:
            yield underway.popleft().result()
    finally:
        for future in underway:
            future.cancel()


def _own_sum(reply: GroupSum) -> FloatArray:
    if reply.arithmetic != arithmetic():
        warnings.warn(
            f"a worker computes with {reply.arithmetic}, this process with {arithmetic()}: heads "
            "are equal to rounding only, and may change with the worker that computes a part",
            RuntimeWarning,
            stacklevel=2,
        )
    # A cluster's store returns arrays that cannot be added to.
    own: FloatArray = np.require(reply.total, requirements="W")
    return own


@dataclass(frozen=True, slots=True)
class MappedArray:
    """An array that is a file, which workers map into memory themselves.

    Attributes:
        path: The file; workers find it under the same path.
        dtype: Type of its numbers, as in ``numpy.dtype.str``.
        shape: Shape of the array.
        offset: Bytes before the array in the file.
        order: ``F`` if its first index changes fastest, ``C`` if its last does.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    order: Literal["C", "F"]

    @classmethod
    def of(cls, array: Any) -> "MappedArray":
        """A reference to an array that is mapped from a whole file."""
        order: Literal["C", "F"] = "C" if array.flags.c_contiguous else "F"
        return cls(str(array.filename), array.dtype.str, array.shape, array.offset, order)

    def read(self) -> Array:
        """The array; pages of the file are loaded when they are read."""
        mapped = np.memmap(self.path, self.dtype, "r", self.offset, self.shape, self.order)
        return np.asarray(mapped)


def _is_whole_file(array: Array) -> bool:
    # A part of a mapped array has the offset of the whole; a private copy may differ from the file.
    return (
        isinstance(array, np.memmap)
        and isinstance(array.base, mmap.mmap)
        and array.mode in {"r", "r+"}
    )


def _read(array: Array | MappedArray) -> Array:
    return array.read() if isinstance(array, MappedArray) else array


def _as_it_is(array: Array) -> Array:
    return array
