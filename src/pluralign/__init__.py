"""Pluralistic alignment: steer reward models to communities, and measure how well each is served.

Importing this is free: each name here is loaded when it is first used.

>>> import pluralign
>>> pluralign.Steer({"MEX": 0.7, "~world": 0.3}).strength
1.0
"""

from typing import TYPE_CHECKING, Any

from pluralign._version import __version__

if TYPE_CHECKING:
    from pluralign.core import PreferencePair, RewardRequest, Steer, community
    from pluralign.experiments import run_experiment
    from pluralign.models import open_model, save_model
    from pluralign.notebook import evaluate, fit, read_pairs, split
    from pluralign.runs import join_runs, open_run
    from pluralign.settings import read_settings, resolve
    from pluralign.sources import pairs_from

_HOMES = {
    "PreferencePair": "pluralign.core",
    "RewardRequest": "pluralign.core",
    "Steer": "pluralign.core",
    "community": "pluralign.core",
    "evaluate": "pluralign.notebook",
    "fit": "pluralign.notebook",
    "join_runs": "pluralign.runs",
    "open_model": "pluralign.models",
    "open_run": "pluralign.runs",
    "pairs_from": "pluralign.sources",
    "read_pairs": "pluralign.notebook",
    "read_settings": "pluralign.settings",
    "resolve": "pluralign.settings",
    "run_experiment": "pluralign.experiments",
    "save_model": "pluralign.models",
    "split": "pluralign.notebook",
}

__all__ = [
    "PreferencePair",
    "RewardRequest",
    "Steer",
    "__version__",
    "community",
    "evaluate",
    "fit",
    "join_runs",
    "open_model",
    "open_run",
    "pairs_from",
    "read_pairs",
    "read_settings",
    "resolve",
    "run_experiment",
    "save_model",
    "split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pluralign' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
