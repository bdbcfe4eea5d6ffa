"""Language models that follow a community's reward model: a run in stages, and their answers."""

from pluralign.aligning.align_run import AlignOutcome, read_align_stage, run_align
from pluralign.aligning.answer_requests import AnswerRequest, CommunityAnswer, Mode
from pluralign.aligning.community_policies import CommunityPolicies
from pluralign.aligning.coverage import compare_coverage
from pluralign.aligning.dry_run import DryRun, dry_run
from pluralign.aligning.planted import (
    PlantedWriterSettings,
    build_planted_writer,
    planted_prompts,
)
from pluralign.aligning.policy_folders import policy_adapters, read_align_settings
from pluralign.aligning.routers import PromptRouter, load_router

__all__ = [
    "AlignOutcome",
    "AnswerRequest",
    "CommunityAnswer",
    "CommunityPolicies",
    "DryRun",
    "Mode",
    "PlantedWriterSettings",
    "PromptRouter",
    "build_planted_writer",
    "compare_coverage",
    "dry_run",
    "load_router",
    "planted_prompts",
    "policy_adapters",
    "read_align_settings",
    "read_align_stage",
    "run_align",
]
