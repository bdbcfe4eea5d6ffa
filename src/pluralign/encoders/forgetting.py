"""Take the vectors of some texts out of the cache, of every encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pluralign.encoders.shards import Shard, keys_of, read_shard, shard_paths, write_shard
from pluralign.huggingface.model_folders import cache_folder


def forget_texts(texts: Sequence[str], folder: Path | None = None) -> int:
    """Delete the vectors of texts from a cache; a text that is asked for again is encoded again.

    Args:
        texts: The texts, or keys of requests.
        folder: Folder of the cache; the default one where None.

    Returns:
        The number of vectors deleted.

    Raises:
        OSError: If a file of the cache cannot be written.
    """
    key_N = np.unique(keys_of(texts))
    encoders = sorted((folder or cache_folder()).glob("embeddings/*/"))
    return sum(_forget(path, key_N) for home in encoders for path in shard_paths(home))


def _forget(path: Path, key_N: "np.ndarray[tuple[int], np.dtype[np.bytes_]]") -> int:
    shard = read_shard(path)
    if shard is None:
        return 0
    gone_N = np.isin(shard["key"], key_N)
    if not gone_N.any():
        return 0
    kept: Shard = shard[~gone_N]
    # Written before the old file is deleted, so that a stop in between loses no vector.
    if len(kept):
        write_shard(path.parent, kept)
    del shard  # Windows deletes no file that is mapped
    path.unlink()
    return int(gone_N.sum())
