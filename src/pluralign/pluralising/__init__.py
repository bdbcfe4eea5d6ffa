"""CultureSPA as a run: stages that can be resumed, and what tuning changed."""

from pluralign.pluralising.pluralise_run import (
    PluraliseOutcome,
    read_stage,
    run_pluralise,
)

__all__ = [
    "PluraliseOutcome",
    "read_stage",
    "run_pluralise",
]
