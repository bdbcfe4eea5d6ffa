"""Folders of models."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_dir

from pluralign.core import InvalidInput, file_digest, names_digest

TRAINING = "training.json"
"""A record of a model's training in its folder; it does not affect the model's output."""

READ = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""The files of a model that affect its output."""


def cache_folder() -> Path:
    """The default folder of caches: ``PLURALIGN_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("PLURALIGN_CACHE") or user_cache_dir("pluralign"))


def files_digest(folder: Path) -> str:
    """SHA-256 over names and contents of the files that affect a model's output."""
    paths: set[Path] = set()
    for pattern in READ:
        paths.update(p for p in folder.glob(pattern) if p.name != TRAINING)
    return names_digest({path.name: _content(path) for path in paths})


def has_chat_template(folder: Path) -> bool:
    """Whether the files of a tokenizer have a chat template."""
    if (folder / "chat_template.jinja").is_file():
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and '"chat_template"' in settings.read_text(encoding="utf-8")


def _content(path: Path) -> str:
    # The name of a blob in the hub's cache is its digest already.
    target = path.resolve()
    return target.name if target.parent.name == "blobs" else file_digest(path)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Write a folder that appears whole, or not at all if an exception is raised.

    Args:
        folder: The folder to write; it does not exist yet, or is empty.

    Yields:
        An empty folder to write into; it is renamed to ``folder`` at the end.

    Raises:
        InvalidInput: If the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput("the folder is not empty", where=str(folder), hint="name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        target = Path(temporary) / folder.name
        target.mkdir()
        yield target
        if folder.exists():
            folder.rmdir()
        target.replace(folder)
