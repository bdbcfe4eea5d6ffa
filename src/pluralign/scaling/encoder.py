"""An encoder whose missing texts are encoded by workers, with the vectors of one machine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import Encoder, FloatArray, IntArray, InvalidInput, count_of
from pluralign.encoders import CachedEncoder, Progress
from pluralign.encoders.cache import Agree
from pluralign.encoders.sharding import encode_shard, shards_of
from pluralign.encoders.shards import KeyArray, keys_of
from pluralign.scaling.carried import Made, WorkerNotReady
from pluralign.scaling.spreading import spread

_MOST_FAULTS = 20
"""Parts of the texts that may fail; beyond it the fault is not in a text."""
_SHOWN = 60


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
        parts = _Parts(Made.by(make), encoder.fingerprint, pool)
        super().__init__(encoder, folder, progress, agree, parts.encode)


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
        return encode_texts(self._made, self.fingerprint, list(texts))[1]


class _Parts:
    """Encodes texts in parts: shards, and halves of those that failed."""

    def __init__(self, made: Made, fingerprint: str, pool: Executor) -> None:
        self._made = made
        self._fingerprint = fingerprint
        self._pool = pool

    def encode(self, texts: Sequence[str]) -> Iterator[tuple[IntArray, FloatArray]]:
        row_of = {key: row for row, key in enumerate(keys_of(texts).tolist())}
        parts, faults = shards_of(len(texts)), dict[int, BaseException]()
        n = len(texts)
        while parts:
            failed: list[tuple[IntArray, BaseException]] = []
            for part, done in self._spread(parts, texts):
                if (error := done.exception()) is None:
                    key_S, vector_S_D = done.result()
                    yield np.array([row_of[key] for key in key_S.tolist()]), vector_S_D
                elif isinstance(error, WorkerNotReady):
                    raise error
                else:
                    failed.append((parts[part], error))
            if len(failed) > _MOST_FAULTS:
                raise failed[0][1]
            faults |= {int(row_S[0]): error for row_S, error in failed if len(row_S) == 1}
            parts = [half for row_S, _ in failed if len(row_S) > 1 for half in _halves(row_S)]
        if faults:
            raise _faulty({texts[row]: error for row, error in faults.items()}, n)

    def _spread(
        self, parts: Sequence[IntArray], texts: Sequence[str]
    ) -> "Iterable[tuple[int, Future[Any]]]":
        tasks = (
            (k, (self._made, self._fingerprint, [texts[i] for i in row_S.tolist()]))
            for k, row_S in enumerate(parts)
        )
        return spread(tasks, encode_texts, self._pool)


def encode_texts(made: Made, fingerprint: str, texts: list[str]) -> tuple[KeyArray, FloatArray]:
    """Encode texts on a worker.

    Args:
        made: Makes the encoder.
        fingerprint: That of the encoder of the process that gives the work.
        texts: The texts, S of them.

    Returns:
        The key of each text, shape (S,), and its vector, shape (S, D).

    Raises:
        WorkerNotReady: If the encoder cannot be made here, or is another one.
    """
    try:
        encoder = made.here()
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
    return keys_of(texts), encode_shard(encoder, texts)


def _halves(row_S: IntArray) -> list[IntArray]:
    middle = len(row_S) // 2
    return [row_S[:middle], row_S[middle:]]


def _faulty(faults: dict[str, BaseException], texts: int) -> InvalidInput:
    lines = [
        f"{text[:_SHOWN]!r}{'...' if len(text) > _SHOWN else ''} ({type(error).__name__}: {error})"
        for text, error in faults.items()
    ]
    return InvalidInput(
        f"{len(faults):,} of {count_of(texts, 'text')} cannot be encoded: {'; '.join(lines)}",
        hint="change these texts or leave them out, and give the same command again: "
        "the vectors of all others are kept",
    )
