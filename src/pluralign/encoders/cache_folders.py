"""The folders in which encoders keep their vectors: their size, and how to clear them."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from pluralign.core import text_digest
from pluralign.huggingface.model_folders import cache_folder

MODEL_CARD = "pluralign.json"
_SHARD = re.compile(r"[0-9a-f]{64}\.npy(\.part-\w+)?")


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """The contents of a cache folder.

    Attributes:
        folder: The folder.
        bytes: Size of everything in it that we wrote.
        entries: Texts whose vectors are kept, counted once an encoder.
        encoders: Encoders that have vectors there.
        static_models: Distilled static encoders, and networks written for onnxruntime.
    """

    folder: Path
    bytes: int
    entries: int
    encoders: int
    static_models: int


def embeddings_folder(folder: Path | None, fingerprint: str) -> Path:
    """Where the vectors of one encoder lie."""
    return (folder or cache_folder()) / "embeddings" / _file_name(fingerprint)


def static_folder(folder: Path | None, fingerprint: str) -> Path:
    """Where a distilled static encoder lies."""
    return (folder or cache_folder()) / "static" / _file_name(fingerprint)


def onnx_folder(folder: Path | None, name: str) -> Path:
    """Where a network for onnxruntime lies."""
    return (folder or cache_folder()) / "onnx" / name


def cache_size(folder: Path | None = None) -> CacheInfo:
    """Measure a cache folder.

    Args:
        folder: The folder; None means the default one.

    Returns:
        Its size; all zero where there is none yet. A damaged file counts in bytes only.
    """
    root = folder or cache_folder()
    shards, models = list(_shards(root)), list(_kept_models(root))
    files = [*shards, *(path for model in models for path in model.rglob("*") if path.is_file())]
    return CacheInfo(
        folder=root,
        bytes=sum(_size(path) for path in files),
        entries=sum(_entries(path) for path in shards),
        encoders=len({path.parent for path in shards}),
        static_models=len(models),
    )


def clear_cache(folder: Path | None = None) -> CacheInfo:
    """Delete what encoders keep in a cache folder, and nothing else in it.

    Args:
        folder: The folder; None means the default one.

    Returns:
        The contents before.
    """
    info = cache_size(folder)
    for path in list(_shards(info.folder)):
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    for model in list(_kept_models(info.folder)):
        shutil.rmtree(model, ignore_errors=True)
    return info


def _file_name(fingerprint: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9-]+", "-", fingerprint)[:24].strip("-")
    return f"{readable}-{text_digest(fingerprint)[:16]}"


def _shards(root: Path) -> Iterator[Path]:
    return (path for path in root.glob("embeddings/*/*") if _SHARD.fullmatch(path.name))


def _kept_models(root: Path) -> Iterator[Path]:
    cards = [root.glob(f"{kind}/*/{MODEL_CARD}") for kind in ("static", "onnx")]
    return (card.parent for card in chain(*cards))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # another process compacted it meanwhile
        return 0


def _entries(path: Path) -> int:
    try:
        return len(np.load(path, mmap_mode="r", allow_pickle=False)) if path.suffix == ".npy" else 0
    except (OSError, ValueError, EOFError):
        return 0
