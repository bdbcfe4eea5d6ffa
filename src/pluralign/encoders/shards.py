"""Immutable files of keys and vectors, named by their SHA-256, so that damage is recognised."""

import hashlib
import logging
import mmap
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray, file_digest

_log = logging.getLogger(__name__)

Shard = npt.NDArray[np.void]
"""Records (key: 16 bytes, vector: D x float32)."""

_ROWS_READ = 16_384

KeyArray = npt.NDArray[np.bytes_]


def keys_of(texts: Sequence[str]) -> KeyArray:
    """The first 16 bytes of each text's SHA-256, shape (N,).

    >>> keys_of(["a", "a", "b"]).tolist()[0][:4].hex()
    'ca978112'
    """
    digests = (
        hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16] for text in texts
    )
    return np.fromiter(digests, dtype="S16", count=len(texts))


def shard_of(key_N: KeyArray, embedding_N_D: FloatArray) -> Shard:
    """Put keys and vectors together."""
    record: Any = [("key", "S16"), ("vector", "<f4", (embedding_N_D.shape[1],))]
    shard = np.empty(len(key_N), dtype=record)
    shard["key"], shard["vector"] = key_N, embedding_N_D
    return shard


def write_shard(folder: Path, shard: Shard) -> Path:
    """Write a shard so that other processes see all of it or nothing.

    Args:
        folder: Where to; it is made where it is missing.
        shard: Keys and vectors.

    Returns:
        The file.

    Raises:
        OSError: If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{'0' * 64}.npy.part-{secrets.token_hex(8)}"
    try:
        with part.open("wb") as file:
            np.save(file, shard, allow_pickle=False)
        path = folder / f"{file_digest(part)}.npy"
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def read_shard(path: Path) -> Shard | None:
    """Map a shard into memory after checking it against its name.

    Args:
        path: A file that `write_shard` wrote.

    Returns:
        Keys and vectors; None where the file is damaged: it is deleted, and a warning logged.

    Raises:
        FileNotFoundError: If the file is gone.
    """
    if file_digest(path) == path.stem:
        return map_shard(path)
    _log.warning("%s is damaged: deleted, its texts will be encoded again", path)
    path.unlink(missing_ok=True)
    return None


def map_shard(path: Path) -> Shard:
    """Map a sound shard into memory: its vectors are read from disk when they are asked for."""
    shard: Shard = np.load(path, mmap_mode="r", allow_pickle=False)
    return shard


def read_in_parts(shards: Sequence[Shard]) -> Iterator[Shard]:
    """Some rows after the other of all shards; the memory of a mapped part is freed after it."""
    for shard in shards:
        for start in range(0, len(shard), _ROWS_READ):
            yield shard[start : start + _ROWS_READ]
            _forget_pages(shard)


def _forget_pages(shard: Shard) -> None:
    base: Any = shard
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is not None and sys.platform != "win32":
        base.madvise(mmap.MADV_DONTNEED)


def shard_paths(folder: Path) -> list[Path]:
    """The shards in a folder; none where it does not exist."""
    return sorted(folder.glob("*.npy"))


def compact(folder: Path, small: dict[Path, Shard]) -> dict[Path, Shard]:
    """Replace small shards by one that contains each of their keys once.

    Another process may do the same meanwhile: files are deleted only after their contents are
    written anew.

    Args:
        folder: Folder of the shards.
        small: The shards to replace. They are removed from it once they are written anew, because
            Windows deletes no file that is mapped.

    Returns:
        The new shard under its path.
    """
    together = np.concatenate(list(small.values()))
    _, first = np.unique(together["key"], return_index=True)
    merged: Shard = together[first]
    path = write_shard(folder, merged)
    replaced = set(small) - {path}
    small.clear()
    for old in replaced:
        old.unlink(missing_ok=True)
    return {path: map_shard(path)}
