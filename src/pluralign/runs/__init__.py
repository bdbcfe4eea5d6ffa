"""Folders of runs: written file by file, listed with digests, resumed, opened and read again."""

from pluralign.runs.audits import AuditRun
from pluralign.runs.data_frames import join_runs
from pluralign.runs.finished_run import FinishedRun
from pluralign.runs.folder import RunFolder, read_rows
from pluralign.runs.knowledge import KnowledgeRun
from pluralign.runs.matrix import read_matrix
from pluralign.runs.opening import open_run
from pluralign.runs.policies import AlignRun, PolicyAnswer
from pluralign.runs.policy_rows import PolicyRow
from pluralign.runs.refits import FitsOnTrunk, Refits, refits_of
from pluralign.runs.rewards import RewardRun
from pluralign.runs.surveys import PluraliseRun, SurveyRun
from pluralign.runs.tasks import TaskRun, WrittenItem

__all__ = [
    "AlignRun",
    "AuditRun",
    "FinishedRun",
    "FitsOnTrunk",
    "KnowledgeRun",
    "PluraliseRun",
    "PolicyAnswer",
    "PolicyRow",
    "Refits",
    "RewardRun",
    "RunFolder",
    "SurveyRun",
    "TaskRun",
    "WrittenItem",
    "join_runs",
    "open_run",
    "read_matrix",
    "read_rows",
    "refits_of",
]
