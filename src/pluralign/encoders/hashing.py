"""A bag of hashed words for tests and demonstrations: no model, no download and no torch."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import ClassVar

import numpy as np

from pluralign.core import FloatArray, IntArray, InvalidInput
from pluralign.encoders.vectors import unit_rows

# Scripts written without spaces (Thai, Lao, Burmese, Khmer, kana, Han) give a word per character.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_CHUNK = 8192
_WORDS_KEPT, _SEEDS_KEPT = 50_000, 4
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True)
class HashEncoder:
    """Encodes a text by the words and pairs of neighbouring words in it.

    Every word and pair falls into one of ``dimensions`` buckets with a sign of its own (feature
    hashing, arXiv 0902.2206), by a keyed BLAKE2b hash: the same vectors in every process and on
    every machine. Words are
    compared without case. A text without words gives a row of zeros.

    Attributes:
        dimensions: Number of buckets, >= 1.
        seed: Another seed gives another, unrelated encoder.
        languages: None: it reads no language better than another.
        instant: True: a short text takes less than a millisecond, without torch.

    Raises:
        InvalidInput: If ``dimensions`` is below 1.

    >>> encoder = HashEncoder(dimensions=64)
    >>> a, b, c = encoder.encode(["family comes first", "Family comes first!", "work"])
    >>> round(float(a @ b), 3), round(float(a @ c), 3)
    (1.0, 0.0)
    """

    dimensions: int = 256
    seed: int = 0
    languages: tuple[str, ...] | None = None
    instant: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.dimensions < 1:
            raise InvalidInput(
                f"dimensions must be a number >= 1, got {self.dimensions}", hint="use 256"
            )

    @property
    def fingerprint(self) -> str:
        """Changes with the seed and the number of dimensions."""
        return f"hash-1-{self.dimensions}-{self.seed}"

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode a batch.

        Args:
            texts: Any texts.

        Returns:
            Shape (N, D), float32; rows of length 1, or of zeros for a text without words.
        """
        hashes = _hashes_of(self.seed)
        chunks = [
            self._encode_chunk(texts[i : i + _CHUNK], hashes) for i in range(0, len(texts), _CHUNK)
        ]
        if len(hashes) > _WORDS_KEPT:
            hashes.clear()
        return np.concatenate(chunks) if chunks else np.zeros((0, self.dimensions), np.float32)

    def _encode_chunk(self, texts: Sequence[str], hashes: "_WordHashes") -> FloatArray:
        words = [_WORD.findall(text.lower()) for text in texts]
        row_W = np.repeat(np.arange(len(texts)), [len(found) for found in words])
        hash_W = np.fromiter(
            map(hashes.__getitem__, chain.from_iterable(words)), np.uint64, len(row_W)
        )
        together = row_W[1:] == row_W[:-1]
        hash_P = _mixed(hash_W[:-1] * _FIRST + hash_W[1:])[together]
        row_F = np.concatenate([row_W, row_W[1:][together]])
        return unit_rows(
            _summed(row_F, np.concatenate([hash_W, hash_P]), (len(texts), self.dimensions))
        )


class _WordHashes(dict[str, int]):
    """Word -> 64-bit hash, computed once a word."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._key = f"pluralign {seed}".encode()[:64]

    def __missing__(self, word: str) -> int:
        digest = hashlib.blake2b(
            word.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key
        ).digest()
        self[word] = value = int.from_bytes(digest, "little")
        return value


@lru_cache(_SEEDS_KEPT)
def _hashes_of(seed: int) -> _WordHashes:
    """The words of a seed, kept from one call to the next: texts share most of their words."""
    return _WordHashes(seed)


def _mixed(hash_P: IntArray) -> IntArray:
    """Spread the hash of a pair over all its bits (one round of SplitMix64)."""
    mixed: IntArray = (hash_P ^ (hash_P >> np.uint64(31))) * _SECOND
    return mixed ^ (mixed >> np.uint64(29))


def _summed(row_F: IntArray, hash_F: IntArray, shape: tuple[int, int]) -> FloatArray:
    """Add up signed features by row and bucket."""
    bucket_F = (hash_F % np.uint64(shape[1])).astype(np.int64)
    sign_F = np.where(hash_F >> np.uint64(63), 1.0, -1.0)
    flat = np.bincount(row_F * shape[1] + bucket_F, sign_F, minlength=shape[0] * shape[1])
    return np.asarray(flat, np.float64).reshape(shape)
