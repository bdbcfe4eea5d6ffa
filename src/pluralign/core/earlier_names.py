"""Names of earlier versions, which a package still gives, with a warning."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any
from warnings import warn


def earlier_name(package: str, name: str, renamed: Mapping[str, Any]) -> Any:
    """The object that a package had under an earlier name, for its ``__getattr__``.

    Args:
        package: The package.
        name: The name that was asked for.
        renamed: The earlier names of the package -> what they are now.

    Raises:
        AttributeError: If the package never had the name.
    """
    if name not in renamed:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    now = renamed[name]
    note = f"use {now.__name__}; {package}.{name} goes in version 1.0"
    warn(note, DeprecationWarning, stacklevel=3)
    return now


def moved_name(package: str, name: str, homes: Mapping[str, Sequence[str]]) -> Any:
    """The object that a package had before it moved, for its ``__getattr__``.

    Args:
        package: The package.
        name: The name that was asked for.
        homes: Package of today -> the names that moved there; ``old=new`` where the name changed,
            too. A package is imported when one of its names is asked for.

    Raises:
        AttributeError: If the package never had the name.
    """
    for home, names in homes.items():
        for moved in names:
            old, _, new = moved.partition("=")
            if old == name:
                note = f"import {new or old} from {home}; {package}.{name} goes in version 1.0"
                warn(note, DeprecationWarning, stacklevel=3)
                return getattr(import_module(home), new or old)
    raise AttributeError(f"module {package!r} has no attribute {name!r}")
