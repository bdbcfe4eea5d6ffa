"""A mixture of ways to draw a pair, with the exact probability of every draw.

Rows are the positions of pairs in a pool. A way without candidates passes its share to the others,
in proportion to theirs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pluralign.core import FloatArray, IntArray

_EVEN = 0.1
Gains = Callable[[IntArray], FloatArray]
"""Rows -> how much an answer to each would reveal, >= 0."""


class Way(Protocol):
    """One way to draw a row."""

    def __len__(self) -> int:
        """Number of candidates."""
        ...

    def draw(self, rng: np.random.Generator) -> int:
        """Draw a candidate."""
        ...

    def probability(self, row: int) -> float:
        """Probability that `draw` returns the row; 0 for other rows than the candidates."""
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """Draws every candidate with the same probability.

    Attributes:
        row_N: The candidates, sorted.
    """

    row_N: IntArray

    def __len__(self) -> int:
        return len(self.row_N)

    def draw(self, rng: np.random.Generator) -> int:
        """Draw a candidate."""
        return int(rng.choice(self.row_N))

    def probability(self, row: int) -> float:
        """Probability of a row."""
        return 1 / len(self) if row in self.row_N else 0.0


class Informative:
    """Draws a candidate with a probability that grows with its gain.

    The candidates are dealt at random into blocks of equal size, and one block is drawn; within it,
    probabilities are those of `sharpened`. So gains are computed for one block
    only, and yet the probability of each candidate is known exactly: a random subset drawn anew
    would have no such probability, because a pair may be in many subsets.

    Args:
        row_N: The candidates.
        gains: Their gains.
        most: Largest size of a block.
        sharpness: 0 draws uniformly; infinity would always take the best of the block.
        rng: Generator of the blocks.
    """

    def __init__(
        self, row_N: IntArray, gains: Gains, most: int, sharpness: float, rng: np.random.Generator
    ) -> None:
        self._gains, self._sharpness = gains, sharpness
        n_blocks = max(1, -(-len(row_N) // most))
        self._blocks = np.array_split(rng.permutation(row_N), n_blocks)

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def draw(self, rng: np.random.Generator) -> int:
        """Draw a candidate."""
        block = self._blocks[rng.integers(len(self._blocks))]
        return int(rng.choice(block, p=self._shares(block)))

    def probability(self, row: int) -> float:
        """Probability of a row."""
        for block in self._blocks:
            found = np.flatnonzero(block == row)
            if len(found):
                return float(self._shares(block)[found[0]]) / len(self._blocks)
        return 0.0

    def _shares(self, block: IntArray) -> FloatArray:
        return sharpened(self._gains(block), self._sharpness)


def sharpened(gain_N: FloatArray, sharpness: float) -> FloatArray:
    """Probabilities that grow with ``gain ** sharpness``: a softmax of log gains.

    Unlike a softmax of gains, it does not depend on their unit: gains shrink as answers arrive. A
    tenth of the probability is spread evenly, so that no weight 1 / propensity is extreme.

    Args:
        gain_N: Gains >= 0, shape (N,), N > 0.
        sharpness: Exponent >= 0.

    Returns:
        Probabilities > 0 with sum 1, shape (N,); uniform where no gain is > 0.

    >>> sharpened(np.array([1.0, 2.0]), 2.0).round(3).tolist()
    [0.23, 0.77]
    """
    even_N = np.full(len(gain_N), 1 / len(gain_N))
    largest = gain_N.max()
    if not largest > 0:
        return even_N
    power_N = (gain_N / largest) ** sharpness
    share_N: FloatArray = _EVEN * even_N + (1 - _EVEN) * power_N / power_N.sum()
    return share_N


@dataclass(frozen=True, slots=True)
class DrawnPair:
    """A drawn row.

    Attributes:
        row: The row.
        reason: Name of the way that drew it.
        propensity: Probability of the row under the whole mixture, in (0, 1].
    """

    row: int
    reason: str
    propensity: float


def effective_shares(shares: Mapping[str, float], ways: Mapping[str, Way]) -> dict[str, float]:
    """Share of each way that has candidates; other shares are passed on in proportion.

    Args:
        shares: Name -> share of the way, with sum 1.
        ways: Name -> way.

    Returns:
        Name -> share > 0, with sum 1; empty where no way with a share has candidates.
    """
    able = {name: share for name, share in shares.items() if share > 0 and len(ways[name])}
    total = sum(able.values())
    return {name: share / total for name, share in able.items()}


def draw_row(
    shares: Mapping[str, float], ways: Mapping[str, Way], rng: np.random.Generator
) -> DrawnPair | None:
    """Draw a way by its share, then a row by the way.

    Args:
        shares: Name -> share of the way, with sum 1.
        ways: Name -> way.
        rng: Generator of the draws.

    Returns:
        The row with its propensity; None where no way has candidates.
    """
    able = effective_shares(shares, ways)
    if not able:
        return None
    names = list(able)
    reason = names[rng.choice(len(names), p=list(able.values()))]
    row = ways[reason].draw(rng)
    propensity = sum(share * ways[name].probability(row) for name, share in able.items())
    return DrawnPair(row, reason, min(1.0, propensity))
