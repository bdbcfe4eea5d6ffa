"""The common part of all records of runs: tallies and settings as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluralign.core import Tally


def counts_of(tally: Tally) -> dict[str, Any]:
    """A tally as JSON."""
    return {
        "read": tally.read,
        "kept": tally.kept,
        "made": tally.made,
        "dropped": dict(tally.dropped),
        "left_out": dict(tally.left_out),
        "flagged": dict(tally.flagged),
        "notes": dict(tally.notes),
    }


def plain(value: Any) -> Any:
    """A value as JSON: paths as text, tuples as lists."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value
