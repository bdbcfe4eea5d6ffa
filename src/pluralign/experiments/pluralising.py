"""The earlier place of `pluralign.pluralising` and of its settings."""

from typing import Any

from pluralign.core import moved_name

_HOMES = {
    "pluralign.pluralising": (
        "PluraliseOutcome",
        "read_stage",
        "run_pluralise",
    ),
    "pluralign.settings": (
        "STAGES",
        "ComparisonSettings",
        "PluraliseSettings",
        "ResolvedPluralise",
        "explain_pluralise",
        "resolve_pluralise",
    ),
}


def __getattr__(name: str) -> Any:
    return moved_name(__name__, name, _HOMES)
