"""Vectors kept on disk by content: encode each text once in the life of an encoder."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pluralign.core import BoolArray, DamagedFile, Encoder, FloatArray, IntArray
from pluralign.encoders.cache_folders import embeddings_folder
from pluralign.encoders.sharding import EncodeShards, shard_by_shard
from pluralign.encoders.shards import (
    KeyArray,
    Shard,
    compact,
    keys_of,
    map_shard,
    read_in_parts,
    read_shard,
    shard_of,
    shard_paths,
    write_shard,
)

_log = logging.getLogger(__name__)

_SHARDS_BEFORE_COMPACTION = 16
_SMALL = 65_536

Progress = Callable[[int, int], None]
"""Called with the number of texts that are encoded, and the number of all texts."""
Agree = Callable[[BoolArray], BoolArray]


class CachedEncoder:
    """Wraps an encoder with a cache on disk.

    Vectors are kept by the fingerprint of the encoder and the SHA-256 of the text, as float32,
    exactly as they were computed. Missing texts are encoded in shards of 4,096, and each shard is
    kept as soon as it is done, so that a run can be resumed. Several processes may share a folder.
    A damaged file is deleted with a warning, and its vectors are computed anew. Texts that are all
    in the cache need neither the model nor torch. Where the folder cannot be written, a warning is
    logged and the vectors live as long as this object.

    Args:
        encoder: Encodes the missing texts.
        folder: Cache folder; None means `cache_folder`.
        progress: Called with (different texts done, different texts asked for) before the first
            shard and after each.
        agree: Where several processes encode together: from the texts that this process knows, the
            texts that all of them know.
        encode_shards: Encodes the missing texts in place of `shard_by_shard`, for example on
            several workers.

    Attributes:
        encoder: As given.
        folder: Folder of this encoder's vectors.
    """

    def __init__(
        self,
        encoder: Encoder,
        folder: Path | None = None,
        progress: Progress | None = None,
        agree: Agree | None = None,
        encode_shards: EncodeShards | None = None,
    ) -> None:
        self.encoder = encoder
        self.folder = embeddings_folder(folder, encoder.fingerprint)
        self._progress = progress or (lambda done, total: None)
        self._agree = agree or (lambda known: known)
        self._encode_shards = encode_shards or shard_by_shard(encoder)
        self._shards: dict[Path, Shard] = {}
        self._unwritten: list[Shard] = []

    @property
    def fingerprint(self) -> str:
        """That of the encoder: a cached vector is the same vector."""
        return self.encoder.fingerprint

    @property
    def dimensions(self) -> int:
        """Length of a vector; the model is not asked where a vector is at hand."""
        return self._all()[0]["vector"].shape[1] if self._all() else self.encoder.dimensions

    @property
    def languages(self) -> tuple[str, ...] | None:
        """Languages that the encoder reads; None where unknown."""
        return getattr(self.encoder, "languages", None)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Look the texts up, encode those that are missing.

        Args:
            texts: Any texts.

        Returns:
            Shape (N, D), float32, row i for ``texts[i]``.
        """
        if not texts:
            return self.encoder.encode(texts)
        key_U, first_U, unique_N = np.unique(keys_of(texts), return_index=True, return_inverse=True)
        self._refresh()
        missing = np.flatnonzero(~self._agree(self._known(key_U)))
        # In the order of the texts, so that a resumed run has the same shards as one in one go.
        missing = missing[np.argsort(first_U[missing])]
        self._encode_missing(key_U[missing], [texts[i] for i in first_U[missing]], len(key_U))
        self._compact()
        embedding_N_D = self._vectors(key_U, first_U, len(texts))
        again_N = np.flatnonzero(first_U[unique_N] != np.arange(len(texts)))
        embedding_N_D[again_N] = embedding_N_D[first_U[unique_N[again_N]]]
        return embedding_N_D

    def _encode_missing(self, key_M: KeyArray, texts: list[str], total: int) -> None:
        done = total - len(texts)
        self._progress(done, total)
        for row_S, vector_S_D in self._encode_shards(texts):
            self._keep(shard_of(key_M[row_S], vector_S_D))
            done += len(row_S)
            self._progress(done, total)

    def _keep(self, shard: Shard) -> None:
        try:
            path = write_shard(self.folder, shard)
            self._shards[path] = map_shard(path)
        except OSError as error:
            _log.warning(
                "cannot keep vectors in %s (%s): they will be computed again next time",
                self.folder,
                error,
            )
            self._unwritten.append(shard)

    def _refresh(self) -> None:
        """Read the shards that other processes wrote since."""
        vanished = True
        while vanished:  # compaction in another process: its new shard is in the next listing
            vanished = False
            for path in shard_paths(self.folder):
                try:
                    shard = self._shards.get(path)
                    shard = read_shard(path) if shard is None else shard
                except FileNotFoundError:
                    vanished = True
                    continue
                if shard is not None:
                    self._shards[path] = shard

    def _known(self, key_U: KeyArray) -> BoolArray:
        known = np.zeros(len(key_U), dtype=np.bool_)
        for part in read_in_parts(self._all()):
            known[_places(key_U, part)[0]] = True
        return known

    def _vectors(self, key_U: KeyArray, first_U: IntArray, texts: int) -> FloatArray:
        """The vectors of keys that are all known, each in the row of the first text that has it."""
        shards = self._all()
        embedding_N_D = np.full((texts, shards[0]["vector"].shape[1]), np.nan, np.float32)
        for part in read_in_parts(shards):
            if part["vector"].shape[1] != embedding_N_D.shape[1]:
                raise DamagedFile(
                    "vectors of different lengths under one fingerprint", where=str(self.folder)
                )
            here, rows = _places(key_U, part)
            embedding_N_D[first_U[here]] = part["vector"][rows]
        return embedding_N_D

    def _all(self) -> list[Shard]:
        return [*self._shards.values(), *self._unwritten]

    def _compact(self) -> None:
        while len(small := self._small()) >= _SHARDS_BEFORE_COMPACTION:
            some = {path: self._shards.pop(path) for path in small[:_SHARDS_BEFORE_COMPACTION]}
            try:
                merged = compact(self.folder, some)
            except OSError as error:
                _log.warning("cannot compact %s (%s)", self.folder, error)
                self._shards |= some
                return
            self._shards |= merged

    def _small(self) -> list[Path]:
        return [path for path, shard in self._shards.items() if len(shard) < _SMALL]


def _places(key_U: KeyArray, shard: Shard) -> tuple[IntArray, IntArray]:
    """Where sorted unique keys and a shard meet: positions among the keys, and the shard's rows."""
    at = np.minimum(np.searchsorted(key_U, shard["key"]), len(key_U) - 1)
    rows = np.flatnonzero(key_U[at] == shard["key"])
    return at[rows], rows
