"""Remember ids in bounded memory, also ten million ids."""

from array import array
from bisect import bisect_left
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

_CHUNK = 65_536
_SHIFT = 52
_PARTS = 2 ** (64 - _SHIFT)


class SeenIds:
    """The ids so far, as 64-bit hashes: eight bytes each, and one chunk of the newest in a set.

    Two different ids share a hash with a chance of 1 in 10 million over two million ids, and of 3
    in a million over ten million. Which ids these are depends on ``PYTHONHASHSEED``.

    >>> seen = SeenIds()
    >>> [seen.again("a"), seen.again("b"), seen.again("a"), seen.again("a", "b")]
    [False, False, True, False]
    """

    def __init__(self) -> None:
        self._new: set[int] = set()
        self._set_sorted(np.empty(0, dtype=np.int64))

    def again(self, *parts: Hashable) -> bool:
        """Whether an id of these parts, such as texts, was given before; it is remembered."""
        key = hash(parts)
        if key in self._new or self._in_sorted(key):
            return True
        self._new.add(key)
        if len(self._new) == _CHUNK:
            self._merge()
        return False

    def _in_sorted(self, key: int) -> bool:
        part = (key >> _SHIFT) + _PARTS // 2  # hashes are signed
        end = self._starts[part + 1]
        position = bisect_left(self._sorted, key, self._starts[part], end)
        return position < end and self._sorted[position] == key

    def _merge(self) -> None:
        newest = np.fromiter(self._new, dtype=np.int64, count=len(self._new))
        newest.sort()
        self._new.clear()
        key_N = np.frombuffer(self._sorted, dtype=np.int64)
        self._set_sorted(np.insert(key_N, np.searchsorted(key_N, newest), newest))

    def _set_sorted(self, key_N: NDArray[np.int64]) -> None:
        """Keep sorted keys, with the position where each equal part of their range starts."""
        first_keys = np.arange(-_PARTS // 2, _PARTS // 2, dtype=np.int64) << _SHIFT
        self._sorted = array("q", key_N.tobytes())  # quicker than numpy's for one value
        self._starts: list[int] = [*np.searchsorted(key_N, first_keys).tolist(), len(key_N)]
