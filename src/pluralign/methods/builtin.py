"""The methods that come with the package, registered by entry points as those of any package."""

from pluralign.methods.adaptive import AdaptiveConfig, fit_adaptive
from pluralign.methods.baselines import (
    NoConfig,
    RidgeConfig,
    equal_weights,
    fit_full,
    fit_pooled,
    full_heads,
    keep_reference,
    learn_pooled,
    learn_reference,
    longer_wins,
    pooled_heads,
)
from pluralign.methods.gpo import GpoConfig, fit_gpo, learn_gpo
from pluralign.methods.group_dro import GroupDroConfig, fit_group_dro, learn_group_dro
from pluralign.methods.lore import LoreConfig, fit_lore, learn_lore
from pluralign.methods.map_heads import MapConfig, fit_map, learn_map
from pluralign.methods.method import Method
from pluralign.methods.pal import PalConfig, fit_pal, learn_pal
from pluralign.methods.person_means import PersonMeansConfig, fit_person_means
from pluralign.methods.props import PropsConfig, fit_props, props_heads
from pluralign.methods.scpo import (
    ScpoConfig,
    fit_scpo,
    pair_weights,
    scpo_heads,
)
from pluralign.methods.vpl import VplConfig, fit_vpl, learn_vpl

REFERENCE = Method(
    name="reference",
    fit=keep_reference,
    learn=learn_reference,
    config=NoConfig,
    about="the model that steering starts from",
    steers=False,
    baseline=True,
    rank=0,
)
LENGTH = Method(
    name="length",
    fit=longer_wins,
    config=NoConfig,
    about="the longer text wins",
    steers=False,
)
FULL = Method(
    name="full",
    fit=fit_full,
    config=RidgeConfig,
    about="full fine-tuning, each community alone",
    section="full",
    heads=full_heads,
    weights=equal_weights,
    alone="pooled",
    baseline=True,
    rank=1,
)
POOLED = Method(
    name="pooled",
    fit=fit_pooled,
    learn=learn_pooled,
    config=RidgeConfig,
    about="one model for all communities steered to",
    section="pooled",
    heads=pooled_heads,
    weights=equal_weights,
    shared=True,
    alone="full",
    rank=3,
)
SCPO = Method(
    name="scpo",
    fit=fit_scpo,
    config=ScpoConfig,
    about="SCPO: filter and weight, each community alone",
    section="scpo",
    heads=scpo_heads,
    weights=pair_weights,
    rank=2,
)
SCPO_FILTER_ONLY = Method(
    name="scpo-filter-only",
    fit=fit_scpo,
    config=ScpoConfig,
    about="SCPO without its weights",
    section="scpo",
    overrides={"filter": True, "weight": False},
    weights=pair_weights,
    tuned_as="scpo",
)
SCPO_WEIGHT_ONLY = Method(
    name="scpo-weight-only",
    fit=fit_scpo,
    config=ScpoConfig,
    about="SCPO without its filter",
    section="scpo",
    overrides={"filter": False, "weight": True},
    weights=pair_weights,
    tuned_as="scpo",
)
SCPO_INVERSE_WEIGHT = Method(
    name="scpo-inverse-weight",
    fit=fit_scpo,
    config=ScpoConfig,
    about="SCPO's weights turned round, without its filter",
    section="scpo",
    overrides={"filter": False, "weight": False, "inverse_weight": True},
    weights=pair_weights,
    tuned_as="scpo",
)
ADAPTIVE = Method(
    name="adaptive",
    fit=fit_adaptive,
    config=AdaptiveConfig,
    about="partial pooling, shrinkage chosen inside the training raters",
    section="adaptive",
    rank=4,
)
LORE = Method(
    name="lore",
    fit=fit_lore,
    config=LoreConfig,
    about="LoRe: a basis of rewards, mixed for each community",
    section="lore",
    learn=learn_lore,
)
PAL = Method(
    name="pal",
    fit=fit_pal,
    config=PalConfig,
    about="PAL: a few prototypes, mixed for each community",
    section="pal",
    learn=learn_pal,
)
MAP = Method(
    name="map",
    fit=fit_map,
    config=MapConfig,
    about="the most probable head under a covariance learned from all communities",
    section="map",
    learn=learn_map,
)
GROUP_DRO = Method(
    name="group-dro",
    fit=fit_group_dro,
    config=GroupDroConfig,
    about="group DRO: one model for all communities steered to, the best for the worst of them",
    section="group-dro",
    shared=True,
    learn=learn_group_dro,
)
PROPS = Method(
    name="props",
    fit=fit_props,
    config=PropsConfig,
    about="PROPS: earlier people's model corrects later people's private choices",
    section="props",
    heads=props_heads,
)
PERSON_MEANS = Method(
    name="person-means",
    fit=fit_person_means,
    config=PersonMeansConfig,
    about="person-level privacy: the reference plus a noisy mean of the people",
    section="person-means",
    protects=True,
)
VPL = Method(
    name="vpl",
    fit=fit_vpl,
    config=VplConfig,
    about="VPL: a reward that reads a latent vector, encoded from the community's pairs",
    section="vpl",
    learn=learn_vpl,
)
GPO = Method(
    name="gpo",
    fit=fit_gpo,
    config=GpoConfig,
    about="GPO: a transformer with the community's pairs in its context",
    section="gpo",
    learn=learn_gpo,
)

COMPARED_BY_DEFAULT = (
    REFERENCE,
    LENGTH,
    FULL,
    SCPO,
    SCPO_FILTER_ONLY,
    SCPO_WEIGHT_ONLY,
    SCPO_INVERSE_WEIGHT,
    POOLED,
    ADAPTIVE,
)
"""The methods of a run whose settings name none, in the order of its tables."""
