"""The vectors of recent texts, in bounded memory: for servers, whose texts are unbounded."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import nullcontext
from threading import Lock

import numpy as np

from pluralign.core import Encoder, FloatArray, InvalidInput

_OVERHEAD = 300
"""Bytes that an entry takes besides its numbers: key, array header, entry of the table."""


class RecentVectors:
    """Wraps an encoder with a memory of the vectors that were asked for last.

    A prompt that comes with many responses is encoded once. The vector that was not used for the
    longest time is dropped first. Several threads may use it; they encode one after the other
    unless the encoder allows several at a time (``side_by_side``).

    Args:
        encoder: Encodes the texts that are not remembered.
        most_bytes: About how much memory the vectors may take, >= 0; 0 remembers nothing.

    Attributes:
        encoder: As given.
        found: Distinct texts of a call that were remembered, so far.
        missed: Distinct texts of a call that had to be encoded, so far.

    Raises:
        InvalidInput: If the bound is negative.

    >>> from pluralign.encoders import HashEncoder
    >>> encoder = RecentVectors(HashEncoder(), most_bytes=1_000_000)
    >>> _ = encoder.encode(["a prompt", "one reply"]), encoder.encode(["a prompt", "another reply"])
    >>> encoder.found, encoder.missed
    (1, 3)
    """

    def __init__(self, encoder: Encoder, most_bytes: int) -> None:
        if most_bytes < 0:
            raise InvalidInput(
                f"most_bytes must be a number >= 0, got {most_bytes}", hint="0 remembers nothing"
            )
        self.encoder = encoder
        self.found = self.missed = 0
        self._most_bytes = most_bytes
        self._kept: OrderedDict[bytes, FloatArray] = OrderedDict()
        self._lock = Lock()
        self._turn = nullcontext() if self.side_by_side else Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def fingerprint(self) -> str:
        """That of the encoder: a remembered vector is the same vector."""
        return self.encoder.fingerprint

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.encoder.dimensions

    @property
    def languages(self) -> tuple[str, ...] | None:
        """Languages that the encoder reads; None where unknown."""
        return getattr(self.encoder, "languages", None)

    @property
    def side_by_side(self) -> bool:
        """Whether several threads may encode at a time."""
        return bool(getattr(self.encoder, "side_by_side", False))

    @property
    def instant(self) -> bool:
        """Whether the encoder reads a short text in less than a millisecond."""
        return bool(getattr(self.encoder, "instant", False))

    def cut(self, texts: Sequence[str]) -> list[bool]:
        """Whether only the beginning of each text is read, as far as the encoder reports it."""
        if not hasattr(self.encoder, "cut"):
            return [False] * len(texts)
        cut_N: list[bool] = self.encoder.cut(texts)
        return cut_N

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of texts, shape (N, D), float32, row i for ``texts[i]``."""
        if not texts:
            return self.encoder.encode(texts)
        keys = [_key(text) for text in texts]
        by_key = dict(zip(keys, texts, strict=True))
        with self._lock:
            vectors = {key: self._kept[key] for key in by_key if key in self._kept}
            missing = [key for key in by_key if key not in vectors]
            self.found += len(vectors)
            self.missed += len(missing)
        if missing:
            with self._turn:
                encoded_M_D = self.encoder.encode([by_key[key] for key in missing])
            vectors.update(zip(missing, encoded_M_D, strict=True))
        with self._lock:
            self._remember(vectors)
        return np.concatenate([vectors[key] for key in keys]).reshape(len(keys), -1)

    def _remember(self, vectors: dict[bytes, FloatArray]) -> None:
        for key, vector_D in vectors.items():
            if key in self._kept:
                self._kept.move_to_end(key)
            else:  # a copy: a row of a batch would keep the whole batch
                self._kept[key] = vector_D.copy()
        most = self._most_bytes // (next(iter(vectors.values())).nbytes + _OVERHEAD)
        while len(self._kept) > most:
            self._kept.popitem(last=False)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
