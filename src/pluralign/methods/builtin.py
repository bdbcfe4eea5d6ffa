"""The methods that come with the package; they enter through the same door as anybody's (entry points)."""

from pluralign.methods.adaptive import AdaptiveConfig, fit_adaptive
from pluralign.methods.baselines import (
    NoConfig,
    RidgeConfig,
    equal_weights,
    fit_full,
    fit_pooled,
    full_heads,
    keep_reference,
    longer_wins,
    pooled_heads,
)
from pluralign.methods.scpo import (
    ScpoConfig,
    fit_scpo,
    pair_weights,
    scpo_heads,
)
from pluralign.methods.training import Method

REFERENCE = Method(
    "reference", keep_reference, NoConfig, "the model that steering starts from", steers=False
)
LENGTH = Method("length", longer_wins, NoConfig, "the longer text wins", steers=False)
FULL = Method(
    "full",
    fit_full,
    RidgeConfig,
    "full fine-tuning, each community alone",
    section="full",
    heads=full_heads,
    weights=equal_weights,
)
POOLED = Method(
    "pooled",
    fit_pooled,
    RidgeConfig,
    "one model for all communities steered to",
    section="pooled",
    heads=pooled_heads,
    weights=equal_weights,
    shared=True,
)
SCPO = Method(
    "scpo",
    fit_scpo,
    ScpoConfig,
    "SCPO: filter and weight, each community alone",
    section="scpo",
    heads=scpo_heads,
    weights=pair_weights,
)
SCPO_FILTER_ONLY = Method(
    "scpo-filter-only",
    fit_scpo,
    ScpoConfig,
    "SCPO without its weights",
    section="scpo",
    overrides={"filter": True, "weight": False},
    weights=pair_weights,
    tuned_as="scpo",
)
SCPO_WEIGHT_ONLY = Method(
    "scpo-weight-only",
    fit_scpo,
    ScpoConfig,
    "SCPO without its filter",
    section="scpo",
    overrides={"filter": False, "weight": True},
    weights=pair_weights,
    tuned_as="scpo",
)
SCPO_INVERSE_WEIGHT = Method(
    "scpo-inverse-weight",
    fit_scpo,
    ScpoConfig,
    "SCPO's weights turned round, without its filter",
    section="scpo",
    overrides={"filter": False, "weight": False, "inverse_weight": True},
    weights=pair_weights,
    tuned_as="scpo",
)
ADAPTIVE = Method(
    "adaptive",
    fit_adaptive,
    AdaptiveConfig,
    "partial pooling, shrinkage chosen inside the training raters",
    section="adaptive",
)
