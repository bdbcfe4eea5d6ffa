"""Remember ids in bounded memory, also ten million ids."""

import hashlib

import numpy as np

_CHUNK = 65_536


class SeenIds:
    """The ids so far, as 64-bit hashes: eight bytes each, and one chunk of the newest in a set.

    Two different ids share a hash with a chance of about 3 in a million over ten million ids.

    >>> seen = SeenIds()
    >>> [seen.again(id_) for id_ in ("a", "b", "a")]
    [False, False, True]
    """

    def __init__(self) -> None:
        self._sorted = np.empty(0, dtype=np.uint64)
        self._new: set[int] = set()

    def again(self, id_: str) -> bool:
        """Whether ``id_`` was given before; it is remembered from now on."""
        digest = hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=8)
        key = int.from_bytes(digest.digest(), "big")
        if key in self._new or self._in_sorted(key):
            return True
        self._new.add(key)
        if len(self._new) == _CHUNK:
            self._merge()
        return False

    def _in_sorted(self, key: int) -> bool:
        position = int(np.searchsorted(self._sorted, np.uint64(key)))
        return position < len(self._sorted) and int(self._sorted[position]) == key

    def _merge(self) -> None:
        newest = np.fromiter(self._new, dtype=np.uint64, count=len(self._new))
        self._sorted = np.sort(np.concatenate([self._sorted, newest]))
        self._new.clear()
