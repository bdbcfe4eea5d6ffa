"""Ours: partial pooling, with the strength of shrinkage chosen inside the training raters.

Each community's head is drawn towards what communities teach together - those steered to, or all
there are - which is drawn towards the reference, or towards zero. How strongly, at either level,
decides everything: with no shared level this is full fine-tuning, with no own level it is the
pooled model, with neither it is the reference. So all of them stand as candidates, each fitted
without some of the training raters or questions, and the held-out loss decides how to mix them
(stacking): first for all communities together, then for each, drawn towards the shares of all.
Heads are linear, so a mixture of candidates is again one head for each community.

Whether to start from the reference at all shows only on questions that are new to it. So each fold
refits it (`TrainingSet.refitted`): one that knows how others answered the held-out questions is
preferred every time, also where heads that start from zero are better.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from scipy.optimize import minimize

from pluralign.core import BoolArray, FloatArray, InvalidInput, NotEnoughData
from pluralign.core.units import Unit
from pluralign.methods.fading import learn_fading
from pluralign.methods.method import steered
from pluralign.methods.ridges import balanced_weights, held_out_margins
from pluralign.methods.shares import pulled_shares
from pluralign.methods.training import TrainingSet, check_ridges
from pluralign.rewards import (
    LinearRewardModel,
    LossKind,
    one_blas_thread,
    report_losses,
    report_slopes,
)

_SMALL = 0.02  # of a community's largest share


@dataclass(frozen=True, slots=True)
class AdaptiveConfig:
    """Settings of partial pooling.

    Attributes:
        shared_ridges: Candidate pulls of the shared level towards the reference, > 0, in pairs.
            Each is tried with a shared level of the communities steered to (if there are several)
            and with one of all communities. A candidate without a shared level is always added.
        zero_ridges: Candidate pulls of the shared level towards zero, > 0, in pairs: the same
            levels, without the reference.
        own_ridges: Candidate pulls of a community towards the shared level, > 0, in pairs. A
            candidate without a level of its own is always added.
        share_pull: Pull of a community's mixture towards the mixture of all, >= 0, in pairs.
        guard: Number of standard errors below the reference's held-out accuracy at which a
            community falls back to the reference.
        fade: Whether steering is weaker on prompts that are unlike those a community was asked. How
            much weaker is chosen on topics that are left out of training.
    """

    shared_ridges: tuple[Annotated[float, Unit("pairs")], ...] = (1.0,)
    zero_ridges: tuple[Annotated[float, Unit("pairs")], ...] = (10.0,)
    own_ridges: tuple[Annotated[float, Unit("pairs")], ...] = (10.0, 0.3)
    share_pull: Annotated[float, Unit("pairs")] = 10.0
    guard: Annotated[float, Unit("standard errors")] = 2.0
    fade: bool = True

    def __post_init__(self) -> None:
        check_ridges(*self.shared_ridges, *self.zero_ridges, *self.own_ridges)
        if not 0 <= self.share_pull < np.inf:
            raise InvalidInput(
                f"share_pull must be a number >= 0, got {self.share_pull}", hint="10 is the default"
            )
        if not 0 <= self.guard < np.inf:
            raise InvalidInput(
                f"guard must be a number >= 0, got {self.guard}", hint="2 is two standard errors"
            )


def fit_adaptive(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: AdaptiveConfig,
    rng: np.random.Generator,
) -> LinearRewardModel:
    """Partial pooling over communities.

    The shared level is learned from every training pair, also of communities not steered to.

    Returns:
        A head for each community. Where there are too few raters to leave any out, the reference is
        kept.
    """
    several = len(train.communities) > 1
    try:
        share_C_K, worse_C = chosen_mixtures(train, reference, config, rng)
    except NotEnoughData:
        kept_C_D = np.tile(reference.reference_D, (len(train.communities), 1))
        return steered(reference, train.communities, kept_C_D)

    def heads(inner: TrainingSet, start: LinearRewardModel) -> FloatArray:
        own = [train.communities.index(c) for c in inner.communities]
        return mixed_heads(inner, start, config, several, share_C_K[own])

    head_C_D = heads(train, reference)
    # A community that is worse off is not steered.
    head_C_D[worse_C] = reference.reference_D
    model = steered(reference, train.communities, head_C_D)
    if not config.fade:
        return model
    return replace(model, fading=learn_fading(train, reference, heads, rng))


def chosen_mixtures(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: AdaptiveConfig,
    rng: np.random.Generator,
) -> tuple[FloatArray, BoolArray]:
    """The mixture of each community, chosen on held-out raters or questions.

    Returns:
        Shares of the candidates, shape (C, K), and whether a community falls behind the reference
        with them, shape (C,).

    Raises:
        NotEnoughData: If there are too few raters or questions to leave any out.
    """
    several = len(train.communities) > 1
    margin_N_K = held_out_margins(
        lambda inner: candidate_heads(inner, inner.refitted(reference), config, several),
        train,
        candidates(config, several),
        rng,
    )
    # The least difference in a sum moves where the search for shares ends, and sums depend on the
    # number of threads.
    with one_blas_thread():
        common_K = stacking_shares(margin_N_K, train)
        share_C_K = without_small(own_shares(margin_N_K, train, common_K, config.share_pull))
        mixed_N = _mixed(margin_N_K, train, share_C_K)
    return share_C_K, falls_behind(mixed_N, margin_N_K[:, 0], train, config.guard)


def candidate_heads(
    train: TrainingSet, reference: LinearRewardModel, config: AdaptiveConfig, several: bool = True
) -> FloatArray:
    """Heads of every candidate: without and with each shared level and each own level.

    Args:
        train: Training pairs.
        reference: The model that steering starts from.
        config: The candidate ridges.
        several: Whether what the communities steered to teach together is a level of its own; one
            community alone teaches itself nothing new.

    Returns:
        Shape (K, C, D); the first candidate is the reference.
    """
    prior_P_D = candidate_priors(train, reference, config, several)
    paths = [train.of(c).paths(config.own_ridges, prior_P_D) for c in train.communities]
    own_K_P_C_D = np.stack(paths, axis=2)
    none_1_P_C_D = np.broadcast_to(prior_P_D[:, None], own_K_P_C_D.shape[1:])[None]
    # Prior by prior: first without a level of its own, then with each.
    head_P_K_C_D = np.concatenate([none_1_P_C_D, own_K_P_C_D]).swapaxes(0, 1)
    return head_P_K_C_D.reshape(-1, *own_K_P_C_D.shape[2:])


def mixed_heads(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: AdaptiveConfig,
    several: bool,
    share_C_K: FloatArray,
) -> FloatArray:
    """Heads that are mixed of candidates by given shares; only candidates with a share are fitted.

    Args:
        train: Training pairs.
        reference: The model that steering starts from.
        config: The candidate ridges.
        several: As in `candidate_heads`.
        share_C_K: Share of each candidate in each community's head, shape (C, K).

    Returns:
        Shape (C, D).
    """
    share_C_P_K = share_C_K.reshape(len(share_C_K), -1, 1 + len(config.own_ridges))
    used_P = np.asarray(share_C_P_K.any(axis=(0, 2)))
    prior_P_D = candidate_priors(train, reference, config, several, used_P)
    # Not a matrix product, whose sums depend on the number of threads.
    head_C_D: FloatArray = np.einsum("cp,pd->cd", share_C_P_K[:, :, 0], prior_P_D)
    own_C_P_R = share_C_P_K[:, :, 1:]
    prior_p, ridge_r = (np.flatnonzero(own_C_P_R.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    if not len(ridge_r):
        return head_C_D
    ridges = [config.own_ridges[r] for r in ridge_r]
    for c, community in enumerate(train.communities):
        path_r_p_D = train.of(community).paths(ridges, prior_P_D[prior_p])
        head_C_D[c] += np.einsum("pr,rpd->d", own_C_P_R[c][np.ix_(prior_p, ridge_r)], path_r_p_D)
    return head_C_D


def without_small(share_C_K: FloatArray) -> FloatArray:
    """Shares without those below 2 % of a community's largest, which cost a fit and do nothing.

    >>> without_small(np.array([[0.6, 0.395, 0.005]])).round(3).tolist()
    [[0.603, 0.397, 0.0]]
    """
    kept_C_K = np.where(share_C_K < _SMALL * share_C_K.max(axis=1, keepdims=True), 0.0, share_C_K)
    shares: FloatArray = kept_C_K / kept_C_K.sum(axis=1, keepdims=True)
    return shares


def candidates(config: AdaptiveConfig, several: bool) -> int:
    """Number of candidates of `candidate_heads`."""
    levels = len(config.shared_ridges) + len(config.zero_ridges)
    return (1 + (2 if several else 1) * levels) * (1 + len(config.own_ridges))


def candidate_priors(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: AdaptiveConfig,
    several: bool,
    used_P: BoolArray | None = None,
) -> FloatArray:
    """The reference, and each shared level under each ridge, shape (P, D).

    Args:
        train: Training pairs.
        reference: The model that steering starts from.
        config: The candidate ridges.
        several: As in `candidate_heads`.
        used_P: Which of them are needed, shape (P,); the rows of the others are zeros.
            None: all.
    """
    count = candidates(config, several) // (1 + len(config.own_ridges))
    used_P = np.ones(count, dtype=np.bool_) if used_P is None else used_P
    reference_1_D = reference.reference_D[None]
    if not several:
        return np.concatenate([reference_1_D, _shared_levels(train, reference, config, used_P[1:])])
    own_L, all_L = np.split(used_P[1:], 2)
    steered_to = train.of(*train.communities)
    # Where every pair is of a community steered to, both levels are one, which is solved once.
    if len(steered_to.encoded) == len(train.encoded):
        level_L_D = _shared_levels(train, reference, config, own_L | all_L)
        return np.concatenate([reference_1_D, level_L_D, level_L_D])
    own_L_D = _shared_levels(steered_to, reference, config, own_L)
    return np.concatenate([reference_1_D, own_L_D, _shared_levels(train, reference, config, all_L)])


def _shared_levels(
    train: TrainingSet, reference: LinearRewardModel, config: AdaptiveConfig, used_L: BoolArray
) -> FloatArray:
    """Heads of all pairs together, from the reference and from zero, shape (L, D)."""
    ridge_L = np.array([*config.shared_ridges, *config.zero_ridges])
    prior_L_D = np.zeros((len(used_L), len(reference.reference_D)))
    prior_L_D[: len(config.shared_ridges)] = reference.reference_D
    level_L_D = np.zeros_like(prior_L_D)
    if used_L.any():
        level_L_D[used_L] = train.heads(ridge_L[used_L].tolist(), prior_L_D[used_L])
    return level_L_D


def stacking_shares(margin_N_K: FloatArray, train: TrainingSet) -> FloatArray:
    """Mix candidates so that the mixture's held-out loss is least, all communities counting alike.

    Args:
        margin_N_K: Held-out margins of each candidate, in logits, shape (N, K); nan where a pair
            does not count.
        train: The pairs.

    Returns:
        Shares >= 0 that sum to 1, shape (K,). Stacking: Wolpert 1992; Breiman 1996. The problem is
        convex, but for choices that were reported by randomised response and the loss ``forward``.
    """
    weight_N = balanced_weights(margin_N_K[:, 0], train)
    # Pairs that do not count have margins of nan, which times a weight of 0 is nan.
    counted_N = weight_N > 0
    return _least_loss(
        margin_N_K[counted_N],
        weight_N[counted_N],
        train.flip_N[counted_N],
        train.effective_loss,
    )


def _least_loss(
    margin_n_K: FloatArray, weight_n: FloatArray, flip_n: FloatArray, kind: LossKind
) -> FloatArray:
    """Shares of the mixture with the least weighted loss, shape (K,)."""

    def loss(share_K: FloatArray) -> tuple[float, FloatArray]:
        margin_n = margin_n_K @ share_K
        slope_n = weight_n * report_slopes(margin_n, flip_n, kind)
        return float(weight_n @ report_losses(margin_n, flip_n, kind)), slope_n @ margin_n_K

    count = margin_n_K.shape[1]
    found = minimize(
        loss,
        np.full(count, 1 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda s: s.sum() - 1, "jac": np.ones_like},
        options={"maxiter": 200, "ftol": 1e-10},
    )
    # The search may leave its bounds by a rounding error.
    share_K: FloatArray = np.clip(found.x, 0, None) / np.clip(found.x, 0, None).sum()
    return share_K


def own_shares(
    margin_N_K: FloatArray, train: TrainingSet, common_K: FloatArray, pull: float
) -> FloatArray:
    """Mix candidates for each community alone, drawn towards the mixture of all.

    A mixture of all communities is what most of them need. One that differs may need less of what
    others teach, or more; the fewer pairs it has, the closer it stays.

    Args:
        margin_N_K: Held-out margins of each candidate, in logits, shape (N, K); nan where a pair
            does not count.
        train: The pairs.
        common_K: Shares of the mixture of all, shape (K,).
        pull: How strongly shares are drawn towards those of all, >= 0, in pairs.

    Returns:
        Shares >= 0 that sum to 1, shape (C, K): they minimise ``sum weight * loss - pull * sum
        over k of common_k * log share_k``.
    """
    seen_N, community_N = ~np.isnan(margin_N_K[:, 0]), train.community_N
    weight_N, flip_N, kind = train.weight_N, train.flip_N, train.effective_loss
    shares = []
    for community in train.communities:
        own = np.flatnonzero(seen_N & (community_N == community))
        shares.append(
            pulled_shares(margin_N_K[own], weight_N[own], flip_N[own], kind, common_K, pull)
        )
    return np.stack(shares)


def _mixed(margin_N_K: FloatArray, train: TrainingSet, share_C_K: FloatArray) -> FloatArray:
    """Held-out margins of each community's mixture, shape (N,); nan where a pair does not count."""
    mixed_N = np.full(len(margin_N_K), np.nan)
    community_N = train.community_N
    for community, share_K in zip(train.communities, share_C_K, strict=True):
        rows = np.flatnonzero(community_N == community)
        mixed_N[rows] = margin_N_K[rows] @ share_K
    return mixed_N


def falls_behind(
    margin_N: FloatArray, reference_N: FloatArray, train: TrainingSet, standard_errors: float
) -> BoolArray:
    """Communities that are worse off than with the reference, beyond noise, on held-out pairs.

    Args:
        margin_N: Held-out margins, shape (N,); nan where a pair does not count.
        reference_N: Margins of the reference, shape (N,).
        train: The pairs.
        standard_errors: How far below the reference is beyond noise; errors are clustered by unit
            (rater or question).

    Returns:
        True where a community falls behind, shape (C,).
    """
    gain_N = _credit(margin_N) - _credit(reference_N)
    seen_N, community_N = ~np.isnan(margin_N), train.community_N
    behind = []
    for community in train.communities:
        rows = np.flatnonzero(seen_N & (community_N == community))
        if not len(rows):
            # Nothing held out shows that its own head is no worse, so the reference is kept.
            behind.append(True)
            continue
        _, unit = np.unique(train.unit_N[rows], return_inverse=True)
        gain = gain_N[rows].mean()
        # Deviations are summed within each unit before they are squared: pairs of one rater are not
        # independent.
        error = np.sqrt((np.bincount(unit, gain_N[rows] - gain) ** 2).sum()) / len(rows)
        behind.append(bool(gain < -standard_errors * error))
    return np.array(behind)


def _credit(margin_N: FloatArray) -> FloatArray:
    return (np.sign(margin_N) + 1) / 2
