"""The earlier place of `pluralign.pluralising.planted`."""

from typing import Any

from pluralign.core import moved_name

_HOMES = {
    "pluralign.pluralising.planted": (
        "build_planted_model",
        "exact_survey",
        "held_out_survey",
        "planted_chances",
    ),
    "pluralign.settings": (
        "SMALL",
        "PlantedModelSettings",
    ),
}


def __getattr__(name: str) -> Any:
    return moved_name(__name__, name, _HOMES)
