"""How texts are cut into shards and a shard is encoded: the same here and on every worker."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pluralign.core import Encoder, FloatArray, IntArray

TEXTS_PER_SHARD = 4096

EncodeShards = Callable[[Sequence[str]], Iterator[tuple[IntArray, FloatArray]]]
"""From distinct texts to parts of their vectors, each as soon as it is done: the positions of some
texts, shape (M,), and their vectors, shape (M, D)."""


def shards_of(texts: int) -> list[IntArray]:
    """Positions of the texts in each shard: 4,096 at a time, in their order.

    In their last bits, the vectors of a network depend on the other texts of a shard. Shards of a
    fixed number of texts stay the same when some of them are done, in any order: a resumed run
    encodes the others as a run in one go does.

    >>> [len(shard) for shard in shards_of(10_000)]
    [4096, 4096, 1808]
    """
    starts = range(0, texts, TEXTS_PER_SHARD)
    return [np.arange(start, min(start + TEXTS_PER_SHARD, texts)) for start in starts]


def encode_shard(encoder: Encoder, texts: Sequence[str]) -> FloatArray:
    """Vectors of a shard, the same bits on any number of cores.

    Args:
        encoder: Where it has a method ``encode_shard``, that is used; otherwise ``encode``.
        texts: The texts of a shard.

    Returns:
        Shape (N, D), float32, row i for ``texts[i]``.
    """
    encode = getattr(encoder, "encode_shard", encoder.encode)
    vector_N_D: FloatArray = encode(texts)
    return vector_N_D


def shard_by_shard(encoder: Encoder) -> EncodeShards:
    """Encode shards one after the other in this process."""

    def encode(texts: Sequence[str]) -> Iterator[tuple[IntArray, FloatArray]]:
        for row_M in shards_of(len(texts)):
            yield row_M, encode_shard(encoder, [texts[i] for i in row_M.tolist()])

    return encode
