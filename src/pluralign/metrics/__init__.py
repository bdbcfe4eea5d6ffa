"""Pure numbers: accuracy, distances, agreement, and intervals that resample raters."""

from pluralign.metrics.accuracy import correct, pairwise_accuracy
from pluralign.metrics.agreement import human_ceiling, krippendorff_alpha
from pluralign.metrics.answer_coverage import covered, distinct_favourites
from pluralign.metrics.answer_forms import answer_form, answer_words
from pluralign.metrics.answer_lexicon import AnswerLexicon
from pluralign.metrics.answer_matching import FreeAnswer, Match, MatchKind, Stems, match_answer
from pluralign.metrics.answer_variety import (
    distance_beyond_chance,
    distinct_share,
    lexical_distances,
    repeated_share,
    variety_within,
    vector_distances,
    word_set,
    words_of,
)
from pluralign.metrics.best_of_n import (
    best_of_n,
    best_of_n_chances,
    best_of_n_divergence,
    best_of_n_win_rate,
)
from pluralign.metrics.choice_baselines import baselines_by_topic, choice_baselines
from pluralign.metrics.clustered import (
    ENOUGH_CLUSTERS,
    NORMAL_95,
    crossed_interval,
    effective_clusters,
    t_interval,
    wilson_interval,
)
from pluralign.metrics.default_cultures import (
    CultureFit,
    DefaultCulture,
    culture_fits,
    default_cultures,
)
from pluralign.metrics.design import (
    d_optimal_gains,
    fisher_weights,
    information,
    updated_inverse,
)
from pluralign.metrics.disaggregation import ByCommunity, disaggregate
from pluralign.metrics.distances import (
    jensen_shannon_distance,
    similarity,
    total_variation,
    wasserstein,
)
from pluralign.metrics.drawn import Drawn, average_draws, standard_error
from pluralign.metrics.group_means import Clusters, GroupMeans, group_means
from pluralign.metrics.intervals import (
    draw_group_means,
    draw_means,
    draw_series_means,
    percentile_interval,
)
from pluralign.metrics.judge_agreement import (
    JudgeAgreement,
    LabelledAnswer,
    held_out_labels,
    judge_agreement,
)
from pluralign.metrics.knowledge_confusions import Confusions, compare_communities
from pluralign.metrics.knowledge_effects import KnowledgeEffect, language_place_effects
from pluralign.metrics.knowledge_people import answer_agreement, people_agreement
from pluralign.metrics.knowledge_scores import (
    KnowledgeScore,
    answer_credit,
    answer_share,
    mean_over_topics,
    person_credit,
    score_answers,
)
from pluralign.metrics.mixtures import mixture_interval
from pluralign.metrics.over_optimisation import GainCurve, fit_gains
from pluralign.metrics.personas import (
    answer_diversity,
    choice_pool,
    drawn_distances,
    majority_choice,
    pair_errors,
    pairwise_diversity,
    spanning_length,
    spread,
    square,
    structural_diversity,
    target_rank,
)
from pluralign.metrics.policy_divergence import sampled_divergence
from pluralign.metrics.propensities import propensity_weights
from pluralign.metrics.refusals import REFUSAL_LANGUAGES, refuses
from pluralign.metrics.reward_aggregation import (
    normalise_then_sum,
    proportional,
    proportional_in_groups,
    worst_off,
)
from pluralign.metrics.reward_shaping import RewardScale
from pluralign.metrics.scored_answers import PairedMeans, ScoredAnswer
from pluralign.metrics.simbench import AnswerShares, SimulationScore, simulation_score
from pluralign.metrics.stereotype_bias import (
    StereotypeAnswer,
    StereotypeContext,
    StereotypeScores,
    stereotype_scores,
)
from pluralign.metrics.subsampling import subsample_error, subsample_half_width
from pluralign.metrics.survey_scores import (
    answer_closeness,
    cultural_alignment_score,
    draw_questions,
    draw_ratios,
    exact_accuracy,
    squared_errors,
)

__all__ = [
    "ENOUGH_CLUSTERS",
    "NORMAL_95",
    "REFUSAL_LANGUAGES",
    "AnswerLexicon",
    "AnswerShares",
    "ByCommunity",
    "Clusters",
    "Confusions",
    "CultureFit",
    "DefaultCulture",
    "Drawn",
    "FreeAnswer",
    "GainCurve",
    "GroupMeans",
    "JudgeAgreement",
    "KnowledgeEffect",
    "KnowledgeScore",
    "LabelledAnswer",
    "Match",
    "MatchKind",
    "PairedMeans",
    "RewardScale",
    "ScoredAnswer",
    "SimulationScore",
    "Stems",
    "StereotypeAnswer",
    "StereotypeContext",
    "StereotypeScores",
    "answer_agreement",
    "answer_closeness",
    "answer_credit",
    "answer_diversity",
    "answer_form",
    "answer_share",
    "answer_words",
    "average_draws",
    "baselines_by_topic",
    "best_of_n",
    "best_of_n_chances",
    "best_of_n_divergence",
    "best_of_n_win_rate",
    "choice_baselines",
    "choice_pool",
    "compare_communities",
    "correct",
    "covered",
    "crossed_interval",
    "cultural_alignment_score",
    "culture_fits",
    "d_optimal_gains",
    "default_cultures",
    "disaggregate",
    "distance_beyond_chance",
    "distinct_favourites",
    "distinct_share",
    "draw_group_means",
    "draw_means",
    "draw_questions",
    "draw_ratios",
    "draw_series_means",
    "drawn_distances",
    "effective_clusters",
    "exact_accuracy",
    "fisher_weights",
    "fit_gains",
    "group_means",
    "held_out_labels",
    "human_ceiling",
    "information",
    "jensen_shannon_distance",
    "judge_agreement",
    "krippendorff_alpha",
    "language_place_effects",
    "lexical_distances",
    "majority_choice",
    "match_answer",
    "mean_over_topics",
    "mixture_interval",
    "normalise_then_sum",
    "pair_errors",
    "pairwise_accuracy",
    "pairwise_diversity",
    "people_agreement",
    "percentile_interval",
    "person_credit",
    "propensity_weights",
    "proportional",
    "proportional_in_groups",
    "refuses",
    "repeated_share",
    "sampled_divergence",
    "score_answers",
    "similarity",
    "simulation_score",
    "spanning_length",
    "spread",
    "square",
    "squared_errors",
    "standard_error",
    "stereotype_scores",
    "structural_diversity",
    "subsample_error",
    "subsample_half_width",
    "t_interval",
    "target_rank",
    "total_variation",
    "updated_inverse",
    "variety_within",
    "vector_distances",
    "wasserstein",
    "wilson_interval",
    "word_set",
    "words_of",
    "worst_off",
]
