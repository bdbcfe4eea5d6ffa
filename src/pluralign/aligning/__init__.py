"""Language models that follow a community's reward model: a run in stages, and their answers."""

from pluralign.aligning.align_run import AlignOutcome, read_align_stage, run_align
from pluralign.aligning.answer_requests import AnswerRequest, CommunityAnswer, Mode
from pluralign.aligning.community_policies import CommunityPolicies

__all__ = [
    "AlignOutcome",
    "AnswerRequest",
    "CommunityAnswer",
    "CommunityPolicies",
    "Mode",
    "read_align_stage",
    "run_align",
]
