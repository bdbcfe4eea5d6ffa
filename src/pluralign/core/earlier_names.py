"""Names of earlier versions, which a package still gives, with a warning."""

from collections.abc import Mapping
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
