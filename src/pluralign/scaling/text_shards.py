"""Vectors of a part of many texts as a Parquet file, and such files gathered into the cache."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from pluralign._version import __version__
from pluralign.core import (
    DamagedFile,
    Encoder,
    InvalidInput,
    NotEnoughData,
    Reporter,
    clear_parts_of,
    parse_json,
    whole_file,
)
from pluralign.encoders import CachedEncoder, Progress
from pluralign.encoders.cache_folders import embeddings_folder
from pluralign.encoders.endpoint import EndpointEncoder, OtherModel, expect_kept, is_same_model
from pluralign.encoders.sharding import TEXTS_PER_SHARD
from pluralign.encoders.shards import KeyArray, keys_of, shard_of, write_shard
from pluralign.scaling.encoder import SpreadEncoder

if TYPE_CHECKING:
    import pyarrow

_ABOUT = b"pluralign"
_NAME = re.compile(r"shard-(\d+)-of-(\d+)\.parquet")
_SPARK = re.compile(r"part-.+\.parquet")
_KEY_BYTES = 16
_AT_ONCE = 64 * TEXTS_PER_SHARD
_ROWS_GATHERED = 65_536


@dataclass(frozen=True, slots=True)
class ShardNumber:
    """Which part of the texts: ``number`` of ``count``, from 1.

    Raises:
        InvalidInput: If the number is not in 1 ... count.
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise InvalidInput(
                f"a shard must be between 1/{self.count} and {self.count}/{self.count}, got "
                f"{self.number}/{self.count}",
                where="--shard",
            )

    @classmethod
    def read(cls, text: str) -> "ShardNumber":
        """Read a number such as ``17/512``.

        >>> ShardNumber.read("17/512")
        ShardNumber(number=17, count=512)
        """
        match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        if match is None:
            raise InvalidInput(f"{text!r:.40} is not a shard", where="--shard", hint="as in 17/512")
        return cls(int(match[1]), int(match[2]))

    def file(self, folder: Path) -> Path:
        """Its file in a folder.

        >>> ShardNumber(17, 512).file(Path()).name
        'shard-017-of-512.parquet'
        """
        width = len(str(self.count))
        return folder / f"shard-{self.number:0{width}}-of-{self.count}.parquet"

    def texts(self, texts: Iterable[str]) -> list[str]:
        """The distinct texts of this part: every ``count``-th group of 4,096.

        So vectors are the same to the last bit for any number of parts.

        >>> [len(ShardNumber(k, 2).texts(map(str, range(10_000)))) for k in (1, 2)]
        [5904, 4096]
        """
        seen: set[bytes] = set()
        own = []
        for text in texts:
            key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
            if key in seen:
                continue
            if (len(seen) // TEXTS_PER_SHARD) % self.count == self.number - 1:
                own.append(text)
            seen.add(key)
        return own


@dataclass(frozen=True, slots=True)
class WrittenShard:
    """A file of vectors.

    Attributes:
        path: The file.
        texts: Number of texts in it.
        found: Whether it was there already.
    """

    path: Path
    texts: int
    found: bool


def write_text_shard(
    texts: Sequence[str],
    number: ShardNumber,
    encoder: Encoder,
    folder: Path,
    progress: Progress | None = None,
    workers: tuple[Any, Executor] | None = None,
) -> WrittenShard:
    """Encode the texts of a part and write them as a Parquet file with a key and a vector a row.

    The key is the first 16 bytes of the SHA-256 of the text in UTF-8. A file that is there already
    with the same texts and encoder stays. Finished groups of 4,096 texts are kept next to the file
    until it is written, so that a killed command continues.

    Args:
        texts: Distinct texts, as `ShardNumber.texts` chooses them.
        number: Which part they are.
        encoder: The encoder.
        folder: Folder of the files; made where it is missing.
        progress: Called with (texts done, all texts).
        workers: A function that makes the encoder on workers, and their pool; None: this process
            encodes.

    Returns:
        The file.

    Raises:
        InvalidInput: If another process is writing the same file.
        OtherModel: If the servers of the encoder changed their model since the command was stopped.
        OSError: If it cannot be written.
    """
    path, key_N = number.file(folder), keys_of(texts)
    about: dict[str, Any] = {
        "encoder": encoder.fingerprint,
        "texts": hashlib.sha256(key_N.tobytes()).hexdigest(),
        "shard": f"{number.number}/{number.count}",
        "pluralign": __version__,
    }
    if _is_finished(path, about):
        return WrittenShard(path, len(texts), found=True)
    unfinished = folder / "unfinished" / path.stem
    with _alone(path, unfinished.with_suffix(".lock")):
        if found := _is_finished(path, about):  # by a process that had the lock before
            return WrittenShard(path, len(texts), found)
        clear_parts_of(path)
        if isinstance(encoder, EndpointEncoder):
            expect_kept(encoder, unfinished)
        if (probe := getattr(encoder, "probe", None)) is not None:
            about["probe"] = probe
        if workers is None:
            cached = CachedEncoder(encoder, unfinished, progress)
        else:
            cached = SpreadEncoder(*workers, unfinished, progress, encoder=encoder)
        _write(path, texts, key_N, cached, about)
        shutil.rmtree(unfinished, ignore_errors=True)
    _remove_if_empty(unfinished.parent)
    return WrittenShard(path, len(texts), found=False)


@contextmanager
def _alone(path: Path, at: Path) -> Iterator[None]:
    """Let one process at a time write a shard, on file systems that have locks.

    On others several may write it: each file is whole, and has the same vectors.
    """
    at.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(at, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InvalidInput(
            "another process is writing this shard",
            where=str(path),
            hint=f"wait for it, or give another --shard; if none is, delete {at}",
        ) from None
    except (OSError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps a file that is open
            at.unlink()
        lock.release()


def _write(
    path: Path, texts: Sequence[str], key_N: KeyArray, encoder: Encoder, about: dict[str, Any]
) -> None:
    import pyarrow.parquet

    schema = _schema(encoder.dimensions, about)
    with (
        whole_file(path) as partial,
        pyarrow.parquet.ParquetWriter(
            partial, schema, compression="none", use_dictionary=False, write_page_checksum=True
        ) as writer,
    ):
        for start in range(0, len(texts), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            writer.write_table(_table(key_N[part], encoder.encode(texts[part]), schema))


def _schema(dimensions: int, about: dict[str, Any]) -> "pyarrow.Schema":
    import pyarrow as pa

    vector = pa.list_(pa.float32(), dimensions)
    fields = [("key", pa.binary(16)), ("vector", vector)]
    return pa.schema(fields, metadata={_ABOUT: json.dumps(about).encode()})


def _table(key_N: KeyArray, vector_N_D: Any, schema: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow as pa

    # From the raw bytes: numpy drops zeros at the end of a key.
    keys = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(key_N), [None, pa.py_buffer(key_N.tobytes())]
    )
    flat = pa.array(np.ascontiguousarray(vector_N_D, dtype=np.float32).ravel())
    vectors = pa.FixedSizeListArray.from_arrays(flat, vector_N_D.shape[1])
    return pa.table([keys, vectors], schema=schema)


def _is_finished(path: Path, about: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    try:
        found = _about(path)
    except DamagedFile:
        return False
    return all(found.get(name) == about[name] for name in ("encoder", "texts"))


def _about(path: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(path)
        if "encoder" in schema.names:
            return _about_spark(path)
        found: dict[str, Any] = parse_json((schema.metadata or {})[_ABOUT])
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DamagedFile(
            "`pluralign encode` did not write this file of vectors",
            where=str(path),
            hint="delete it, and write its shard again",
        ) from error
    return found


def _about_spark(path: Path) -> dict[str, Any]:
    """The encoder of a file of Spark, which has its fingerprint in each row; None without rows."""
    import pyarrow.parquet

    found = pyarrow.parquet.read_table(path, columns=["encoder"])["encoder"].unique().to_pylist()
    if len(found) > 1 or found == [None]:
        raise ValueError(f"{len(found)} encoders")
    return {"encoder": found[0] if found else None}


@dataclass(frozen=True, slots=True)
class Collected:
    """Vectors that were gathered into the cache.

    Attributes:
        files: Number of files.
        vectors: Number of vectors.
        encoders: Fingerprints of their encoders.
        missing: Shards without a file, such as ``3/512``.
    """

    files: int
    vectors: int
    encoders: tuple[str, ...]
    missing: tuple[str, ...]


def collect_text_shards(
    folder: Path, cache: Path | None = None, reporter: Reporter | None = None
) -> Collected:
    """Copy the vectors of a folder of shards into the cache, from which runs take them.

    Collecting again changes nothing.

    Args:
        folder: Files that `write_text_shard` wrote, or files ``part-*.parquet`` of Spark with the
            columns ``key``, ``vector`` and ``encoder``, the fingerprint.
        cache: The cache; None means `cache_folder`.
        reporter: Is notified of the progress.

    Raises:
        NotEnoughData: If the folder has no such files.
        DamagedFile: If a file is damaged; earlier ones are in the cache.
        OtherModel: If servers of embeddings had another model for a file than for an earlier one.
    """
    names = _NAME, _SPARK
    paths = sorted(p for p in folder.glob("*.parquet") if any(n.fullmatch(p.name) for n in names))
    if not paths:
        raise NotEnoughData(
            "no files shard-K-of-N.parquet, or part-*.parquet of Spark",
            where=str(folder),
            hint="write them with --shard K/N",
        )
    vectors, encoders = 0, dict[str, Any]()
    for done, path in enumerate(paths):
        if reporter is not None:
            reporter.progress(done, len(paths))
        about = _about(path)
        fingerprint, probe = about["encoder"], about.get("probe")
        if fingerprint is None:
            continue
        if probe is not None and not is_same_model(probe, encoders.get(fingerprint) or probe):
            raise OtherModel(
                "the servers ran a different model for earlier files",
                where=str(path),
                hint="delete the files of the wrong model, and write their shards again",
            )
        encoders.setdefault(fingerprint, probe)
        home = embeddings_folder(cache, fingerprint)
        for key_M, vector_M_D in _vectors(path):
            write_shard(home, shard_of(key_M, vector_M_D))
            vectors += len(key_M)
    return Collected(len(paths), vectors, tuple(encoders), tuple(_missing(paths)))


def _vectors(path: Path) -> Iterator[tuple[KeyArray, Any]]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(_ROWS_GATHERED):
                keys, vectors = batch.column("key"), batch.column("vector")
                raw = b"".join(keys.to_pylist())
                lengths = vectors.value_lengths().unique()
                if len(raw) != _KEY_BYTES * len(keys) or len(lengths) > 1:
                    raise ValueError("keys are not 16 bytes, or vectors have different lengths")
                flat = vectors.flatten().to_numpy()
                yield np.frombuffer(raw, dtype="S16"), flat.reshape(len(keys), -1)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise DamagedFile(
            f"the vectors cannot be read: {error}",
            where=str(path),
            hint="delete it, and write its shard again",
        ) from error


def _missing(paths: Sequence[Path]) -> Iterator[str]:
    numbers: dict[int, set[int]] = {}
    for path in paths:
        if (match := _NAME.fullmatch(path.name)) is None:
            continue
        numbers.setdefault(int(match[2]), set()).add(int(match[1]))
    for count, found in sorted(numbers.items()):
        yield from (f"{k}/{count}" for k in range(1, count + 1) if k not in found)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # other shards are under way
        return
