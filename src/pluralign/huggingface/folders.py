"""Folders of models."""

import hashlib
import os
from pathlib import Path

from platformdirs import user_cache_dir

TRAINING = "training.json"
"""How a model was trained and how long it took, beside it: decides nothing of what it gives."""

READ = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""The files of a model that decide what it gives."""


def cache_folder() -> Path:
    """Where caches lie by default: ``PLURALIGN_CACHE``, or the user's cache folder of this system."""
    return Path(os.environ.get("PLURALIGN_CACHE") or user_cache_dir("pluralign"))


def files_digest(folder: Path) -> str:
    """SHA-256 over names and contents of the files that decide the scores; hub blobs are named by their own digest."""
    digest = hashlib.sha256()
    for path in sorted({p for pattern in READ for p in folder.glob(pattern) if p.name != TRAINING}):
        target = path.resolve()
        if target.parent.name == "blobs":
            content = target.name
        else:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.name}:{content}\n".encode())
    return digest.hexdigest()
