"""Saved reward models: opened with their trunk, scored with, and refitted on other parts of the people."""

from pluralign.models.refits import (
    Repeats,
    repeats_of,
)
from pluralign.models.saved_models import (
    open_model,
    open_with_trunk,
    score_file,
    steers_for,
)

__all__ = [
    "Repeats",
    "open_model",
    "open_with_trunk",
    "repeats_of",
    "score_file",
    "steers_for",
]
