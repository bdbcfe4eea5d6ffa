"""Language models that follow a reward model: the answers to learn from, and the training."""

from pluralign.methods.policies.config import (
    TUNED,
    PolicyTuningConfig,
    SelectConfig,
    TunedMethod,
)
from pluralign.methods.policies.palette import blend_policies, shares_by_prompt
from pluralign.methods.policies.selection import Picked, best_and_worst, best_candidates, top_share
from pluralign.methods.policies.tuning import Lesson, tune_policy

__all__ = [
    "TUNED",
    "Lesson",
    "Picked",
    "PolicyTuningConfig",
    "SelectConfig",
    "TunedMethod",
    "best_and_worst",
    "best_candidates",
    "blend_policies",
    "shares_by_prompt",
    "top_share",
    "tune_policy",
]
