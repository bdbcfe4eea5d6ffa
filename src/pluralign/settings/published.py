"""SCPO's training as published (arXiv 2606.18606): the defaults of ``method.faithful = true``."""

from collections.abc import Mapping
from typing import Any

PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    "trunk": {
        "community": "full",
        "text": "joined",
        "score_text": "pair",
        "max_length": 512,
        "precision": "float32",
    },
    "training": {
        "learning_rate": 1e-6,
        "batch": 8,
        "max_steps": 1024,
        "schedule": "constant",
        "warmup": 0.0,
        "clip": 0.0,
        "loss_over": "pairs",
        "dropout": True,
        "group_by": "random",
        "held_out": 0.0,
    },
}


def with_published(tables: Mapping[str, Any], origin: dict[str, str]) -> dict[str, Any]:
    """Fill settings that a file leaves out with published values; add their keys to ``origin``."""
    if not (isinstance(tables.get("method"), Mapping) and tables["method"].get("faithful") is True):
        return dict(tables)
    filled = dict(tables)
    for section, values in PUBLISHED.items():
        given = filled.get(section, {})
        if isinstance(given, Mapping):
            filled[section] = {**values, **given}
            added = [f"{section}.{key}" for key in values if key not in given]
            origin.update(dict.fromkeys(added, "method.faithful"))
    return filled
