"""Methods: functions from training pairs and a reference to a steerable reward model."""

from pluralign.methods.adapting import choice_margins
from pluralign.methods.adaptive import (
    AdaptiveConfig,
    candidate_heads,
    falls_behind,
    fit_adaptive,
    stacking_shares,
)
from pluralign.methods.baselines import (
    NoConfig,
    RidgeConfig,
    fit_full,
    fit_pooled,
    full_heads,
    keep_reference,
    longer_wins,
    pooled_heads,
)
from pluralign.methods.gpo import GpoConfig, fit_gpo, learn_gpo
from pluralign.methods.group_dro import GroupDroConfig, fit_group_dro, learn_group_dro
from pluralign.methods.lore import LoreConfig, fit_lore, learn_lore
from pluralign.methods.map_heads import MapConfig, fit_map, learn_map
from pluralign.methods.method import Learn, Method, Shared, ranked, steered
from pluralign.methods.pal import PalConfig, fit_pal, learn_pal
from pluralign.methods.person_means import PersonMeansConfig, fit_person_means
from pluralign.methods.props import PropsConfig, fit_props, model_error, report_odds
from pluralign.methods.ridges import RIDGES, RidgeChoice, choose_ridge, held_out_margins
from pluralign.methods.scpo import (
    ScpoConfig,
    fit_scpo,
    inverse_weights,
    pair_weights,
    scpo_filter,
    scpo_heads,
    scpo_weights,
)
from pluralign.methods.training import ReferenceFit, TrainingSet, unit_of
from pluralign.methods.unseen import learn_prior
from pluralign.methods.vpl import VplConfig, fit_vpl, learn_vpl

__all__ = [
    "RIDGES",
    "AdaptiveConfig",
    "GpoConfig",
    "GroupDroConfig",
    "Learn",
    "LoreConfig",
    "MapConfig",
    "Method",
    "NoConfig",
    "PalConfig",
    "PersonMeansConfig",
    "PropsConfig",
    "ReferenceFit",
    "RidgeChoice",
    "RidgeConfig",
    "ScpoConfig",
    "Shared",
    "TrainingSet",
    "VplConfig",
    "candidate_heads",
    "choice_margins",
    "choose_ridge",
    "falls_behind",
    "fit_adaptive",
    "fit_full",
    "fit_gpo",
    "fit_group_dro",
    "fit_lore",
    "fit_map",
    "fit_pal",
    "fit_person_means",
    "fit_pooled",
    "fit_props",
    "fit_scpo",
    "fit_vpl",
    "full_heads",
    "held_out_margins",
    "inverse_weights",
    "keep_reference",
    "learn_gpo",
    "learn_group_dro",
    "learn_lore",
    "learn_map",
    "learn_pal",
    "learn_prior",
    "learn_vpl",
    "longer_wins",
    "model_error",
    "pair_weights",
    "pooled_heads",
    "ranked",
    "report_odds",
    "scpo_filter",
    "scpo_heads",
    "scpo_weights",
    "stacking_shares",
    "steered",
    "unit_of",
]
