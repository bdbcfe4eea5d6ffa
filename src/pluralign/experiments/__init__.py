"""Experiments with reward models: run, repeat, compare, study and rehearse.

Names that stood here before settings, runs and models had packages of their own can still be
imported.
"""

from typing import Any

from pluralign.core import moved_name
from pluralign.experiments.demo import Demonstration, demonstrate
from pluralign.experiments.influence import ChangedPair, Influence, Influences, influence
from pluralign.experiments.planning import Plan, plan
from pluralign.experiments.receipts import Receipt
from pluralign.experiments.reward_run import Outcome, run_experiment
from pluralign.experiments.run_pairs import pairs_of_run
from pluralign.experiments.splitting import split_pairs
from pluralign.experiments.withdrawing import begin_withdrawal, finished_receipt, withdraw

__all__ = [
    "ChangedPair",
    "Demonstration",
    "Influence",
    "Influences",
    "Outcome",
    "Plan",
    "Receipt",
    "begin_withdrawal",
    "demonstrate",
    "finished_receipt",
    "influence",
    "pairs_of_run",
    "plan",
    "run_experiment",
    "split_pairs",
    "withdraw",
]

_HOMES = {
    "pluralign.models": ("open_model", "open_with_trunk", "score_file", "steers_for"),
    "pluralign.core": ("Reporter", "Silent"),
    "pluralign.runs": ("RunFolder", "read_matrix", "read_rows"),
    "pluralign.runs.refits": ("Repeats=Refits", "repeats_of=refits_of"),
    "pluralign.settings": (
        *("METHODS", "SOURCES", "Resolved", "Settings", "built", "explain", "method_named"),
        *("names", "read_settings", "resolve", "source_named"),
    ),
    "pluralign.sources": ("Loaded", "load_pairs"),
}


def __getattr__(name: str) -> Any:
    return moved_name(__name__, name, _HOMES)
