"""Settings, the one place where names become objects, and the records of runs."""

from pluralign.experiments.demo import Demonstration, demonstrate
from pluralign.experiments.folder import RunFolder, read_rows
from pluralign.experiments.loading import Loaded, load_pairs, split_pairs
from pluralign.experiments.matrix import read_matrix
from pluralign.experiments.planning import Plan, plan
from pluralign.experiments.registry import METHODS, SOURCES, method_named, names, source_named
from pluralign.experiments.repeated import Repeats, repeats_of
from pluralign.experiments.reporting import Reporter, Silent
from pluralign.experiments.resolving import Resolved, explain, resolve
from pluralign.experiments.running import Outcome, run_experiment
from pluralign.experiments.scoring import open_model, open_with_trunk, score_file, steers_for
from pluralign.experiments.settings import Settings
from pluralign.experiments.validating import built, read_settings

__all__ = [
    "METHODS",
    "SOURCES",
    "Demonstration",
    "Loaded",
    "Outcome",
    "Plan",
    "Repeats",
    "Reporter",
    "Resolved",
    "RunFolder",
    "Settings",
    "Silent",
    "built",
    "demonstrate",
    "explain",
    "load_pairs",
    "method_named",
    "names",
    "open_model",
    "open_with_trunk",
    "plan",
    "read_matrix",
    "read_rows",
    "read_settings",
    "repeats_of",
    "resolve",
    "run_experiment",
    "score_file",
    "source_named",
    "split_pairs",
    "steers_for",
]
