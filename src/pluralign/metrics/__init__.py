"""Pure numbers: accuracy, distances, agreement, and intervals that resample raters."""

from pluralign.metrics.accuracy import correct, pairwise_accuracy
from pluralign.metrics.agreement import human_ceiling, krippendorff_alpha
from pluralign.metrics.bootstrap import draw_group_means, draw_means, draw_series_means, percentile_interval
from pluralign.metrics.disaggregation import ByCommunity, disaggregate
from pluralign.metrics.distances import jensen_shannon_distance, similarity, total_variation, wasserstein

__all__ = [
    "ByCommunity",
    "correct",
    "disaggregate",
    "draw_group_means",
    "draw_means",
    "draw_series_means",
    "human_ceiling",
    "jensen_shannon_distance",
    "krippendorff_alpha",
    "pairwise_accuracy",
    "percentile_interval",
    "similarity",
    "total_variation",
    "wasserstein",
]
