"""Language models that follow a reward model: the answers to learn from, and the training."""

from pluralign.methods.policies.config import (
    OFFLINE,
    ONLINE,
    TUNED,
    Aggregate,
    OfflineMethod,
    OnlineMethod,
    PolicyTuningConfig,
    SelectConfig,
    TunedMethod,
)
from pluralign.methods.policies.drafts import (
    best_draft,
    keeps_merged,
    merging_prompt,
    names_unasked,
    summary_prompt,
)
from pluralign.methods.policies.modes import (
    checked_shares,
    draw_communities,
    greedy_cover,
    in_top_share,
    mixed_options,
)
from pluralign.methods.policies.online import tune_online
from pluralign.methods.policies.online_rewards import OnlineReward, reward_columns
from pluralign.methods.policies.palette import blend_policies, shares_by_prompt
from pluralign.methods.policies.selection import Picked, best_and_worst, best_candidates, top_share
from pluralign.methods.policies.tuning import Lesson, tune_policy

__all__ = [
    "OFFLINE",
    "ONLINE",
    "TUNED",
    "Aggregate",
    "Lesson",
    "OfflineMethod",
    "OnlineMethod",
    "OnlineReward",
    "Picked",
    "PolicyTuningConfig",
    "SelectConfig",
    "TunedMethod",
    "best_and_worst",
    "best_candidates",
    "best_draft",
    "blend_policies",
    "checked_shares",
    "draw_communities",
    "greedy_cover",
    "in_top_share",
    "keeps_merged",
    "merging_prompt",
    "mixed_options",
    "names_unasked",
    "reward_columns",
    "shares_by_prompt",
    "summary_prompt",
    "top_share",
    "tune_online",
    "tune_policy",
]
