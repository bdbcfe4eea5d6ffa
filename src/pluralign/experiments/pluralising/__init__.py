"""CultureSPA as an experiment: settings, stages that go on where they were stopped, and what tuning changed."""

from pluralign.experiments.pluralising.resolving import (
    STAGES,
    ResolvedPluralise,
    explain_pluralise,
    resolve_pluralise,
)
from pluralign.experiments.pluralising.running import PluraliseOutcome, read_stage, run_pluralise
from pluralign.experiments.pluralising.settings import ComparisonSettings, PluraliseSettings

__all__ = [
    "STAGES",
    "ComparisonSettings",
    "PluraliseOutcome",
    "PluraliseSettings",
    "ResolvedPluralise",
    "explain_pluralise",
    "read_stage",
    "resolve_pluralise",
    "run_pluralise",
]
