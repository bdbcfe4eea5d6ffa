"""Group DRO (Sagawa et al., arXiv 1911.08731): one head that is best for the worst community.

    minimise over theta:   max over c of (mean loss of c + adjustment / sqrt(n_c))
                           + ridge / (2 N) * |theta - reference|^2

with n_c pairs of community c and N of all communities steered to. The published algorithm takes
gradient steps of theta and exponentiated gradient steps of the communities' weights q_c. With a
linear head the problem is convex, so it is solved directly: the maximum is replaced by
``T log sum exp(. / T)``, whose weights are ``q_c = exp(loss_c / T)`` normalised, as in the
published steps, and which is above the maximum by T log C at most; T is 0.01 nats. So there is no
step size, no order of the data and no early stop to choose.

As published, the ridge and the adjustment (which demands more of communities with few pairs) are
chosen by the worst community; here by its loss on training units that were held out, not on
labelled validation data of all groups. The head serves every community, one that was not seen too.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from pluralign.core import FloatArray, IntArray, InvalidInput, NotEnoughData
from pluralign.core.units import Unit
from pluralign.methods.adapting import OneHead, steered_by
from pluralign.methods.ridges import held_out_margins
from pluralign.methods.training import TrainingSet, check_ridges
from pluralign.rewards import (
    LinearRewardModel,
    LossKind,
    one_blas_thread,
    report_losses,
    report_slopes,
)
from pluralign.rewards.distinct_pairs import DistinctPairs

TEMPERATURE = 0.01
_STEPS = 500
_FALL = 1e-10


@dataclass(frozen=True, slots=True)
class GroupDroConfig:
    """Settings of group DRO.

    Attributes:
        ridges: Candidate pulls towards the reference, > 0, in pairs.
        adjustments: Candidate adjustments, >= 0, in nats times the square root of a pair; 0 to 5
            are published.
    """

    ridges: tuple[Annotated[float, Unit("pairs")], ...] = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
    adjustments: tuple[float, ...] = (0.0, 1.0, 3.0, 5.0)

    def __post_init__(self) -> None:
        check_ridges(*self.ridges)
        if not self.adjustments or not 0 <= min(self.adjustments) <= max(self.adjustments) < np.inf:
            raise InvalidInput(
                f"each adjustment must be a number >= 0, got {self.adjustments}",
                hint="0 adjusts nothing",
            )


@dataclass(frozen=True, slots=True)
class Groups:
    """Pairs of C communities.

    Attributes:
        rows: The pairs, in some coordinates.
        member_N: Community of each pair, as a number, shape (N,).
        share_N: Each pair's part of its community's mean loss, shape (N,).
        adjusted_C: Addition to each community's mean loss, shape (C,).
        flip_N: Probability that each reported choice is the opposite, shape (N,).
        loss: The loss of reported choices.
    """

    rows: DistinctPairs
    member_N: IntArray
    share_N: FloatArray
    adjusted_C: FloatArray
    flip_N: FloatArray
    loss: LossKind


def worst_loss(
    groups: Groups, offset_N: FloatArray, pull: float, change_P: FloatArray
) -> tuple[float, FloatArray]:
    """The smoothed loss of the worst community plus ``pull / 2 * |change|^2``, and its gradient.

    Args:
        groups: Pairs of the communities.
        offset_N: Margins of the reference, shape (N,).
        pull: The ridge divided by the number of pairs.
        change_P: Head minus the reference's, in the coordinates of the rows, shape (P,).
    """
    margin_N = offset_N + groups.rows.margins(change_P[:, None])[:, 0]
    losses_N = groups.share_N * report_losses(margin_N, groups.flip_N, groups.loss)
    loss_C = np.bincount(groups.member_N, losses_N) + groups.adjusted_C
    weight_C = softmax(loss_C / TEMPERATURE)
    value = TEMPERATURE * float(logsumexp(loss_C / TEMPERATURE))
    slope_N = groups.share_N * report_slopes(margin_N, groups.flip_N, groups.loss)
    force_N = weight_C[groups.member_N] * slope_N
    slope_P = groups.rows.slope(force_N[:, None])[:, 0] + pull * change_P
    return value + 0.5 * pull * float(change_P @ change_P), slope_P


def group_dro_heads(
    train: TrainingSet, reference: LinearRewardModel, adjustment: float, ridges: Sequence[float]
) -> FloatArray:
    """The head of all communities steered to under several ridges, shape (K, D).

    Each search starts from the head under the ridge before.
    """
    together = train.of(*train.communities)
    # Else a community whose pairs all have the weight 0 would have no mean loss.
    together = together.take(np.flatnonzero(together.weight_N > 0), ())
    if not len(together.encoded):
        return np.tile(reference.reference_D, (len(ridges), 1))
    _, member_N, count_C = np.unique(together.community_N, return_inverse=True, return_counts=True)
    weight_N, pairs = together.weight_N, len(member_N)
    share_N = weight_N / np.bincount(member_N, weight_N)[member_N]
    with one_blas_thread():
        apart = DistinctPairs.of(together.encoded.features)
        offset_N = apart.margins(reference.reference_D[:, None])[:, 0]
        rows, basis_D_P, curvature_P = apart.rounded(share_N / len(count_C))
        groups = Groups(
            rows=rows,
            member_N=member_N,
            share_N=share_N,
            adjusted_C=adjustment / np.sqrt(count_C),
            flip_N=together.flip_N,
            loss=together.effective_loss,
        )
        heads: list[FloatArray] = []
        change_P: FloatArray = np.zeros(len(curvature_P))
        for ridge in ridges:
            change_P = _search(groups, offset_N, ridge / pairs, curvature_P, change_P)
            heads.append(reference.reference_D + basis_D_P @ change_P)
    return np.stack(heads)


def learn_group_dro(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: GroupDroConfig,
    rng: np.random.Generator,
) -> OneHead:
    """The head with the least loss of the worst community on held-out units.

    Where there are too few units to leave any out, the first ridge and adjustment are taken.
    """

    def heads(inner: TrainingSet) -> FloatArray:
        refitted = inner.refitted(reference)
        found = [
            group_dro_heads(inner, refitted, adjustment, config.ridges)
            for adjustment in config.adjustments
        ]
        return np.repeat(np.concatenate(found)[:, None], len(inner.communities), axis=1)

    best = 0
    # Without units to leave out, the first candidate stays.
    with suppress(NotEnoughData):
        candidates = len(config.adjustments) * len(config.ridges)
        margin_N_K = held_out_margins(heads, train, candidates, rng)
        best = int(np.argmin(worst_held_out(margin_N_K, train)))
    adjustment, ridge = divmod(best, len(config.ridges))
    chosen = (config.adjustments[adjustment], [config.ridges[ridge]])
    return OneHead(reference, group_dro_heads(train, reference, *chosen)[0])


def fit_group_dro(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: GroupDroConfig,
    rng: np.random.Generator,
) -> LinearRewardModel:
    """Group DRO: one head for all communities steered to, the best for the worst of them."""
    return steered_by(learn_group_dro(train, reference, config, rng), train, reference)


def worst_held_out(margin_N_K: FloatArray, train: TrainingSet) -> FloatArray:
    """The largest mean held-out loss of a community, for each candidate, shape (K,).

    Args:
        margin_N_K: Held-out margins, shape (N, K); nan where a pair does not count.
        train: The pairs.
    """
    there_N = ~np.isnan(margin_N_K[:, 0])
    community_N, weight_N = train.community_N, train.weight_N
    losses = []
    for community in train.communities:
        own_N = there_N & (community_N == community)
        if weight_N[own_N].any():
            loss_n_K = train.losses(margin_N_K[own_N], own_N)
            losses.append(np.average(loss_n_K, axis=0, weights=weight_N[own_N]))
    if not losses:
        raise NotEnoughData("too few raters or questions to leave any out")
    worst_K: FloatArray = np.max(losses, axis=0)
    return worst_K


def _search(
    groups: Groups,
    offset_N: FloatArray,
    pull: float,
    curvature_P: FloatArray,
    start_P: FloatArray,
) -> FloatArray:
    """L-BFGS in coordinates that make the curvature of the mean loss round."""
    scale_P = 1 / np.sqrt(curvature_P + pull)

    def loss(z_P: FloatArray) -> tuple[float, FloatArray]:
        value, slope_P = worst_loss(groups, offset_N, pull, scale_P * z_P)
        return value, scale_P * slope_P

    options = {"ftol": _FALL, "gtol": 0.0, "maxiter": _STEPS, "maxcor": 20}
    found = minimize(loss, start_P / scale_P, jac=True, method="L-BFGS-B", options=options)
    change_P: FloatArray = scale_P * found.x
    return change_P
