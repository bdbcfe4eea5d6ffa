"""An encoder whose missing texts are encoded by workers, with the vectors of one machine."""

import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import Encoder, FloatArray, IntArray
from pluralign.encoders import CachedEncoder, Progress
from pluralign.encoders.cache import Agree
from pluralign.encoders.endpoint import OtherModel
from pluralign.encoders.sharding import encode_shard, shards_of
from pluralign.encoders.shards import KeyArray, keys_of
from pluralign.scaling.carried import Made, WorkerNotReady
from pluralign.scaling.parts import done_in_parts


class SpreadEncoder(CachedEncoder):
    """A `CachedEncoder` whose missing texts are encoded on several workers.

    Shards are cut as on one machine, and a finished one is kept at once: vectors are the same to
    the last bit on processors of one kind, and a stopped run continues with the shards that are
    missing. Vectors are joined to their texts by key. A shard that fails is halved until the texts
    are found that fail alone; all others are kept.

    Args:
        make: Makes the encoder, here and on every worker: a function that can be pickled by name,
            such as ``partial(encoder_named, "minilm")``.
        pool: The workers.
        folder: Cache folder of this process; None means `cache_folder`.
        progress: As for `CachedEncoder`.
        agree: As for `CachedEncoder`.
        encoder: The encoder that ``make`` makes, where it is at hand.

    Raises:
        InvalidInput: If texts cannot be encoded; they are named (by `encode`).
        WorkerLost: If workers are lost again and again (by `encode`).
    """

    def __init__(
        self,
        make: Callable[[], Encoder],
        pool: Executor,
        folder: Path | None = None,
        progress: Progress | None = None,
        agree: Agree | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        encoder = encoder or make()
        spread = partial(_encoded, Made.by(make), encoder, pool)
        super().__init__(encoder, folder, progress, agree, spread)


class DistantEncoder:
    """Stands for an encoder where a trunk travels to a worker: made when a text is encoded.

    Args:
        make: Makes the encoder; it can be pickled by name.
        fingerprint: That of the encoder.
        dimensions: Length of its vectors.
    """

    def __init__(self, make: Callable[[], Encoder], fingerprint: str, dimensions: int) -> None:
        self.fingerprint = fingerprint
        self.dimensions = dimensions
        self._made = Made.by(make)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode a batch here.

        Raises:
            WorkerNotReady: If the encoder cannot be made here, or is another one.
        """
        return encode_texts(self._made, self.fingerprint, None, list(texts))[1]


def _encoded(
    made: Made, encoder: Encoder, pool: Executor, texts: Sequence[str]
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Parts of the texts, each with its vectors as soon as it is done; joined by key."""
    row_of = {key: row for row, key in enumerate(keys_of(texts).tolist())}
    before = (made, encoder.fingerprint, getattr(encoder, "probe", None))
    parts, word = shards_of(len(texts)), ("text", "encoded")
    for _, (key_S, vector_S_D) in done_in_parts(texts, parts, encode_texts, before, pool, word):
        yield np.array([row_of[key] for key in key_S.tolist()]), vector_S_D


def encode_texts(
    made: Made, fingerprint: str, probe: Sequence[float] | None, texts: list[str]
) -> tuple[KeyArray, FloatArray]:
    """Encode texts on a worker.

    Args:
        made: Makes the encoder.
        fingerprint: That of the encoder of the process that gives the work.
        probe: The numbers by which that process knows the model of its servers of embeddings, which
            must be the model of this worker's servers; None for other encoders.
        texts: The texts, S of them.

    Returns:
        The key of each text, shape (S,), and its vector, shape (S, D).

    Raises:
        WorkerNotReady: If the encoder cannot be made here, or is another one.
        OtherModel: If a server of embeddings has another model; it and this machine are named.
    """
    try:
        encoder: Any = made.here()
    except Exception as error:
        raise WorkerNotReady(
            f"a worker cannot open the encoder: {type(error).__name__}: {error}",
            hint="install the same version and extras on every machine, and put models where all "
            "of them can read them",
        ) from error
    if encoder.fingerprint != fingerprint:
        raise WorkerNotReady(
            f"a worker has another encoder: {encoder.fingerprint}, not {fingerprint}",
            hint="install the same model and version on every machine",
        )
    try:
        if probe is not None:
            encoder.expect_probe(probe, "the settings of a worker")
        return keys_of(texts), encode_shard(encoder, texts)
    except OtherModel as error:
        where = f"{error.where}, as {platform.node()} sees it"
        raise OtherModel(error.what, where=where, hint=error.hint) from error
