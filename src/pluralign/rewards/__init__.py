"""Reward models: a frozen trunk with a linear head for each community, or trained transformers.

Transformers are in `pluralign.rewards.transformer`; nothing here loads torch.
"""

from pluralign.rewards.explaining import ExplainableRewardModel, Explanation, MarginPart, NearPair
from pluralign.rewards.fading import (
    Fading,
    asked_directions,
    familiarity,
    mean_strengths,
    ramp,
    strengths_on,
)
from pluralign.rewards.features import DenseFeatures, PairFeatures, Scores, TableFeatures
from pluralign.rewards.head_prior import HeadPrior, HeadsGiven
from pluralign.rewards.length import LengthReward
from pluralign.rewards.linear import LinearRewardModel
from pluralign.rewards.new_communities import (
    adaptable_id,
    encode_choices,
    fading_knowing,
    heads_made,
    lacks_prior,
    people_of,
    unseen_id,
    with_prior_heads,
)
from pluralign.rewards.principal_components import PrincipalComponents, fit_components
from pluralign.rewards.reported_choices import (
    LossKind,
    fit_reports,
    fit_tilted,
    report_losses,
    report_slopes,
)
from pluralign.rewards.saving import (
    annotate_card,
    load_card,
    load_reward_model,
    name_on_card,
    save_reward_model,
    write_card,
)
from pluralign.rewards.scored_answers import (
    NO_ANSWER_REWARD,
    Scorable,
    Thoughts,
    read_thoughts,
    scorable,
    unanswered,
)
from pluralign.rewards.solver import bradley_terry_loss, fit_bradley_terry, fit_path, fit_paths
from pluralign.rewards.threads import one_blas_thread
from pluralign.rewards.trunk import (
    INTERACTION,
    EmbeddingTrunk,
    EncodedPairs,
    Trunk,
    features_under,
    fit_trunk,
    texts_of,
)

__all__ = [
    "INTERACTION",
    "NO_ANSWER_REWARD",
    "DenseFeatures",
    "EmbeddingTrunk",
    "EncodedPairs",
    "ExplainableRewardModel",
    "Explanation",
    "Fading",
    "HeadPrior",
    "HeadsGiven",
    "LengthReward",
    "LinearRewardModel",
    "LossKind",
    "MarginPart",
    "NearPair",
    "PairFeatures",
    "PrincipalComponents",
    "Scorable",
    "Scores",
    "TableFeatures",
    "Thoughts",
    "Trunk",
    "adaptable_id",
    "annotate_card",
    "asked_directions",
    "bradley_terry_loss",
    "encode_choices",
    "fading_knowing",
    "familiarity",
    "features_under",
    "fit_bradley_terry",
    "fit_components",
    "fit_path",
    "fit_paths",
    "fit_reports",
    "fit_tilted",
    "fit_trunk",
    "heads_made",
    "lacks_prior",
    "load_card",
    "load_reward_model",
    "mean_strengths",
    "name_on_card",
    "one_blas_thread",
    "people_of",
    "ramp",
    "read_thoughts",
    "report_losses",
    "report_slopes",
    "save_reward_model",
    "scorable",
    "strengths_on",
    "texts_of",
    "unanswered",
    "unseen_id",
    "with_prior_heads",
    "write_card",
]
