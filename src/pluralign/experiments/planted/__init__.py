"""A small language model of our own that knows a planted society: what CultureSPA can be tried out on, whole."""

from pluralign.experiments.planted.building import build_planted_model
from pluralign.experiments.planted.lessons import exact_survey, held_out_survey, planted_chances
from pluralign.experiments.planted.settings import SMALL, PlantedModelSettings

__all__ = [
    "SMALL",
    "PlantedModelSettings",
    "build_planted_model",
    "exact_survey",
    "held_out_survey",
    "planted_chances",
]
