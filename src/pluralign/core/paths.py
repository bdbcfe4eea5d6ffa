"""Paths as people write them in a notebook: text or a path."""

import os
from pathlib import Path
from typing import overload

from pluralign.core.errors import InvalidInput

AnyPath = str | os.PathLike[str]
"""A path as a text or an object."""


@overload
def as_path(given: AnyPath) -> Path: ...


@overload
def as_path(given: AnyPath | None) -> Path | None: ...


def as_path(given: AnyPath | None) -> Path | None:
    """A path from text; ``~/`` is the home folder, and None stays None.

    Raises:
        InvalidInput: If it is neither text nor a path.

    >>> as_path("runs/mine").name
    'mine'
    """
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike):
        raise InvalidInput(f"a path must be text or a Path, got {type(given).__name__}")
    path = Path(given)
    # Only "~/": a folder may be called like a community, such as ~hill.
    return path.expanduser() if path.parts[:1] == ("~",) else path
