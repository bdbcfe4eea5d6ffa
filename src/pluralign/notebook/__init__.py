"""Read, split, fit and evaluate in Python, without a settings file or a folder."""

from pluralign.notebook.accuracy import CommunityAccuracy, Evaluation
from pluralign.notebook.evaluation import evaluate
from pluralign.notebook.fitting import fit
from pluralign.notebook.pairs import Pairs, TrainTest, read_pairs, split

__all__ = [
    "CommunityAccuracy",
    "Evaluation",
    "Pairs",
    "TrainTest",
    "evaluate",
    "fit",
    "read_pairs",
    "split",
]
