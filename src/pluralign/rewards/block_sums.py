"""Sums over pairs whose bits do not depend on who computed which part.

A sum of floating-point numbers depends on the order of its terms. So pairs are in numbered blocks,
whose boundaries depend on the number of pairs alone, and sums of blocks are added along a fixed
binary tree: neighbours first, then neighbouring pairs of blocks, and so on. An aligned group of 1,
2, 4, ... blocks is a node of that tree, so a worker can add the blocks of its groups before it
sends them, and one process or a hundred get the same sum, to the last bit.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.linalg.blas import ssyrk
from scipy.special import expit

from pluralign.core import FloatArray
from pluralign.rewards.choices import Choices
from pluralign.rewards.features import CHUNK, chunks

BLOCK = 32 * CHUNK
"""Pairs in a block: enough that adding the sums of blocks takes little time."""

Part = Callable[[Choices, slice, FloatArray], FloatArray]
"""Sum over the pairs of one block, ``(choices, rows, theta_P_D) -> sum``, for P heads."""
Total = Callable[[Part, FloatArray], FloatArray]
"""Sum over all pairs of some choices, ``(part, theta_P_D) -> sum``, on one process or several."""


def losses(choices: Choices, rows: slice, theta_P_D: FloatArray) -> FloatArray:
    """The losses of P heads, and their gradients: P * (1 + D) numbers, losses first."""
    loss_P, slope_P_D = np.zeros(len(theta_P_D)), np.zeros_like(theta_P_D)
    for chunk_rows, stored in chunks(choices.features, rows):
        chunk = stored.astype(np.float64, copy=False)
        weight_n, against_n = choices.weight_N[chunk_rows], choices.against_N[chunk_rows]
        # One head after the other: a product with a few columns at once is slower.
        margin_P_n = np.stack([chunk @ theta_D for theta_D in theta_P_D])
        # `logaddexp(0, -m)` is -log sigmoid(m), without overflow.
        loss_P += np.logaddexp(0, -margin_P_n) @ weight_n + margin_P_n @ against_n
        force_P_n = weight_n * expit(-margin_P_n) - against_n
        slope_P_D -= np.stack([force_n @ chunk for force_n in force_P_n])
    return np.concatenate([loss_P, slope_P_D.ravel()])


def curvature(choices: Choices, rows: slice, theta_P_D: FloatArray) -> FloatArray:
    """Mean of X' S X over P heads, float32, shape (D, D), its lower triangle alone.

    It aims the steps, the gradient ends them: float32 suffices, also for its factor. It is not
    finite where a feature of the block is not.
    """
    dimensions = theta_P_D.shape[1]
    curvature_D_D = np.zeros((dimensions, dimensions), dtype=np.float32, order="F")
    with np.errstate(invalid="ignore", over="ignore"):
        for chunk_rows, stored in chunks(choices.features, rows):
            chunk = stored.astype(np.float32, copy=False)
            surprise = expit(-(chunk @ theta_P_D.T.astype(np.float32)))
            bend = choices.weight_N[chunk_rows] * (surprise * (1 - surprise)).mean(axis=1)
            scaled = chunk * np.sqrt(bend).astype(np.float32)[:, None]
            # Half of the work of a product of two matrices, and nothing is copied.
            curvature_D_D = ssyrk(
                1, scaled.T, beta=1, c=curvature_D_D, overwrite_c=True, lower=True
            )
    return curvature_D_D


def total_of(
    choices: Choices, part: Part, theta_P_D: FloatArray, blocks: Sequence[int] | None = None
) -> FloatArray:
    """The sum over these blocks, or over all, computed here; on one BLAS thread for equal bits."""
    pairs = len(choices.weight_N)
    blocks = range(block_count(pairs)) if blocks is None else blocks
    return added(
        part(choices, slice(b * BLOCK, min((b + 1) * BLOCK, pairs)), theta_P_D) for b in blocks
    )


def block_count(pairs: int) -> int:
    """How many blocks the pairs are in."""
    return -(-pairs // BLOCK)


def groups_of(blocks: int, least: int) -> list[range]:
    """Aligned groups of blocks, of 1, 2, 4, ... blocks each: the fewest that are at least as many.

    The last group may have fewer blocks. Where there are fewer blocks, each is a group.

    >>> groups_of(11, least=3)
    [range(0, 4), range(4, 8), range(8, 11)]
    """
    size = 1
    while size < blocks and -(-blocks // (2 * size)) >= least:
        size *= 2
    return [range(start, min(start + size, blocks)) for start in range(0, blocks, size)]


def added(sums: Iterable[FloatArray]) -> FloatArray:
    """Add the sums of numbered blocks or groups along the fixed binary tree.

    The first sums are added in place. At most one sum for each level of the tree is kept.

    >>> added(np.array([float(k)]) for k in range(5))
    array([10.])
    """
    waiting: list[tuple[int, FloatArray]] = []  # how many sums each one has, falling
    for one in sums:
        size, total = 1, one
        while waiting and waiting[-1][0] == size:
            size, total = 2 * size, _plus(waiting.pop()[1], total)
        waiting.append((size, total))
    total = waiting.pop()[1]
    while waiting:
        total = _plus(waiting.pop()[1], total)
    return total


def _plus(earlier: FloatArray, later: FloatArray) -> FloatArray:
    earlier += later
    return earlier
