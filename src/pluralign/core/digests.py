"""SHA-256 digests in hexadecimal: of a text, of a file, of several files with their names."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


def text_digest(text: str) -> str:
    """Digest of a text in UTF-8.

    >>> text_digest("pluralign")[:12]
    'ddf3f5726648'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Digest of a file, read in blocks.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_digest(digests: Mapping[str, str]) -> str:
    r"""Digest of named contents, in the order of their names.

    Args:
        digests: Name -> digest of the content.

    >>> names_digest({"b": "2", "a": "1"}) == text_digest("a:1\nb:2\n")
    True
    """
    return text_digest("".join(f"{name}:{digests[name]}\n" for name in sorted(digests)))
