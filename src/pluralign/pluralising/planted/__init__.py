"""A small language model trained on a planted society, to try out all of CultureSPA."""

from pluralign.pluralising.planted.building import (
    build_planted_model,
)
from pluralign.pluralising.planted.lessons import (
    exact_survey,
    held_out_survey,
    planted_chances,
)

__all__ = [
    "build_planted_model",
    "exact_survey",
    "held_out_survey",
    "planted_chances",
]
