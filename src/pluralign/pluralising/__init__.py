"""CultureSPA as a run: stages that can be resumed, and the effect of tuning."""

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
