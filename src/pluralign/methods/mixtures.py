"""Heads that are mixtures: each community's head is a weighted mean of a few bases.

The core that LoRe and PAL share. With bases V (D x K) and shares w_c on the simplex, the reward of
community c is ``(V w_c) . h``. Bases and shares are fitted together by L-BFGS, which minimises

    sum over pairs of  weight * loss(margin)  +  ridge / 2 * sum over k of |v_k - anchor|^2

The problem is not convex: bases start at the anchor, and shares from a clustering of what each
community's pairs demand of a head at the anchor.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.optimize import minimize
from scipy.special import softmax

from pluralign.core import FloatArray, IntArray, InvalidInput, NotEnoughData, rng_for
from pluralign.methods.adapting import heads_of
from pluralign.methods.ridges import held_out_margins, mean_losses
from pluralign.methods.shares import pulled_shares
from pluralign.methods.training import TrainingSet
from pluralign.rewards import (
    LinearRewardModel,
    LossKind,
    one_blas_thread,
    report_losses,
    report_slopes,
)
from pluralign.rewards.distinct_pairs import DistinctPairs

_STEPS = 200
_FALL = 1e-8
# A community begins with this share in its own cluster, so that bases differ from the first step.
_OWN_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Mixture:
    """Bases, and the shares of the communities seen.

    Attributes:
        reference: The reference, whose trunk reads the texts.
        base_K_D: The bases, shape (K, D).
        share_C_K: Shares of the communities seen, shape (C, K).
        pull: Pull of a community's shares towards the mean of those seen, >= 0, in pairs.
    """

    reference: LinearRewardModel
    base_K_D: FloatArray
    share_C_K: FloatArray
    pull: float

    def head(self, choices: TrainingSet) -> FloatArray:
        """The head of a community from its choices, shape (D,): bases are kept, shares fitted."""
        head_D: FloatArray = self.shares(choices) @ self.base_K_D
        return head_D

    def adapt(self, choices: TrainingSet) -> LinearRewardModel:
        """A model of the community that made these choices."""
        return LinearRewardModel(self.reference.trunk, self.head(choices))

    def shares(self, choices: TrainingSet) -> FloatArray:
        """Shares of the bases, >= 0 and summing to 1, shape (K,).

        They minimise ``sum weight * loss - pull * sum over k of mean_k log share_k``. Without
        choices they are the mean of the communities seen.
        """
        margin_n_K = choices.encoded.margins(self.base_K_D.T)
        return pulled_shares(
            margin_n_K,
            choices.weight_N,
            choices.flip_N,
            choices.effective_loss,
            self.share_C_K.mean(axis=0),
            self.pull,
        )


class Candidate(NamedTuple):
    """Settings of a mixture that can be chosen inside the training pairs.

    Attributes:
        bases: Number of bases, >= 1; no more are fitted than there are communities.
        ridge: Pull of each base towards the anchor, > 0, in pairs.
        anchored: Whether the anchor is the reference; zero otherwise.
    """

    bases: int
    ridge: float
    anchored: bool = True


def distinct_candidates(candidates: Sequence[Candidate], communities: int) -> list[Candidate]:
    """The candidates with at most one base for each community, each once, in their order.

    >>> distinct_candidates([Candidate(2, 1.0), Candidate(5, 1.0), Candidate(2, 3.0)], 2)
    [Candidate(bases=2, ridge=1.0, anchored=True), Candidate(bases=2, ridge=3.0, anchored=True)]
    """
    fewer = [c._replace(bases=min(c.bases, communities)) for c in candidates]
    return list(dict.fromkeys(fewer))


@dataclass(frozen=True, slots=True)
class MixtureFit:
    """How mixtures are fitted, but for what is chosen.

    Attributes:
        reference: The model that steering starts from.
        pull: As in `Mixture`.
        balanced: Whether each community counts the same, however many pairs it has.
        seed: Seed of the clusters that shares start from.
    """

    reference: LinearRewardModel
    pull: float
    balanced: bool
    seed: int

    def each(self, train: TrainingSet, candidates: Sequence[Candidate]) -> list[Mixture]:
        """One mixture for each candidate, of every training pair.

        Pairs of communities not steered to teach the bases too.
        """
        problem = _problem(train, self.balanced)
        reference_D = self.reference.reference_D
        mixtures = []
        with one_blas_thread():
            for bases, ridge, anchored in candidates:
                anchor_D = reference_D if anchored else np.zeros_like(reference_D)
                shape = (min(bases, problem.communities), rng_for(self.seed, "clusters"))
                base_K_D, share_C_K = _fit(problem, anchor_D, ridge, *shape)
                mixtures.append(Mixture(self.reference, base_K_D, share_C_K, self.pull))
        return mixtures

    def best(
        self, train: TrainingSet, candidates: Sequence[Candidate], rng: np.random.Generator
    ) -> Mixture:
        """The candidate with the least held-out loss, fitted on all pairs.

        Held out are units of the training pairs; where there are too few, the first candidate is
        taken.
        """

        def heads(inner: TrainingSet) -> FloatArray:
            fit = replace(self, reference=inner.refitted(self.reference))
            return np.stack([heads_of(mixture, inner) for mixture in fit.each(inner, candidates)])

        candidates = distinct_candidates(candidates, len(np.unique(train.community_N)))
        best = 0
        if len(candidates) > 1:
            # Without units to leave out, the first candidate stays.
            with suppress(NotEnoughData):
                margin_N_K = held_out_margins(heads, train, len(candidates), rng)
                best = int(np.argmin(mean_losses(margin_N_K, train)))
        return self.each(train, [candidates[best]])[0]


@dataclass(frozen=True, slots=True)
class _Problem:
    """All pairs of a training set, in the coordinates of the search."""

    apart: DistinctPairs
    rows: DistinctPairs
    basis_D_P: FloatArray
    curvature_P: FloatArray
    member_N: IntArray
    weight_N: FloatArray
    flip_N: FloatArray
    loss: LossKind

    @property
    def communities(self) -> int:
        """Number of communities, steered to or not."""
        return int(self.member_N.max()) + 1


def check_mixture(bases: Sequence[int], pull: float) -> None:
    """Refuse settings that no mixture has.

    Raises:
        InvalidInput: If a number of bases is below 1, there is none, or the pull is negative.
    """
    if not bases or min(bases) < 1:
        raise InvalidInput(f"each number of bases must be >= 1, got {tuple(bases)}")
    if not 0 <= pull < np.inf:
        raise InvalidInput(f"pull must be a number >= 0, got {pull}", hint="0 is published")


def _problem(train: TrainingSet, balanced: bool) -> _Problem:
    _, member_N, count_C = np.unique(train.community_N, return_inverse=True, return_counts=True)
    weight_N = train.weight_N
    if balanced:
        weight_N = weight_N * (len(member_N) / len(count_C) / count_C)[member_N]
    with one_blas_thread():
        apart = DistinctPairs.of(train.encoded.features)
        rows, basis_D_P, curvature_P = apart.rounded(weight_N)
    return _Problem(
        apart=apart,
        rows=rows,
        basis_D_P=basis_D_P,
        curvature_P=curvature_P,
        member_N=member_N,
        weight_N=weight_N,
        flip_N=train.flip_N,
        loss=train.effective_loss,
    )


def _starting_logits(
    problem: _Problem, offset_N: FloatArray, bases: int, rng: np.random.Generator
) -> FloatArray:
    """Logarithms of the shares to start from, shape (C, K)."""
    if bases == 1 or not len(problem.curvature_P):
        return np.zeros((problem.communities, bases))
    member_N = problem.member_N
    force_N = -report_slopes(offset_N, problem.flip_N, problem.loss)
    count_C = np.bincount(member_N, problem.weight_N)
    # A community whose pairs all have the weight 0 demands nothing.
    mean_N = problem.weight_N * force_N / np.where(count_C > 0, count_C, 1.0)[member_N]
    wish_P_C = problem.rows.slope(mean_N[:, None] * np.eye(problem.communities)[member_N])
    # In round coordinates, so that a direction that all texts share does not decide the clusters.
    wish_C_P = wish_P_C.T / np.sqrt(problem.curvature_P)
    cluster_C = _clusters(wish_C_P, bases, rng)
    own_C_K = np.eye(bases, dtype=bool)[cluster_C]
    logit_C_K: FloatArray = np.log(np.where(own_C_K, _OWN_SHARE, (1 - _OWN_SHARE) / (bases - 1)))
    return logit_C_K


def _clusters(wish_C_P: FloatArray, most: int, rng: np.random.Generator) -> IntArray:
    """The cluster of each community; equal ones are together where there are no more."""
    distinct, same_C = np.unique(wish_C_P, axis=0, return_inverse=True)
    if len(distinct) <= most:
        found: IntArray = same_C
        return found
    nearest: IntArray = kmeans2(wish_C_P, most, minit="++", rng=rng)[1]
    return nearest


def _fit(
    problem: _Problem, anchor_D: FloatArray, ridge: float, bases: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Bases, shape (K, D), and shares, shape (C, K)."""
    offset_N = problem.apart.margins(anchor_D[:, None])[:, 0]
    start_C_K = _starting_logits(problem, offset_N, bases, rng)
    # Steps of one length in every direction.
    scale_P_1 = 1 / np.sqrt(problem.curvature_P + ridge)[:, None]
    moved = scale_P_1.size * bases

    def loss(z: FloatArray) -> tuple[float, FloatArray]:
        change_P_K = scale_P_1 * z[:moved].reshape(-1, bases)
        share_C_K = softmax(z[moved:].reshape(-1, bases), axis=1)
        value, slope_P_K, gain_C_K = mixture_loss(problem, offset_N, ridge, change_P_K, share_C_K)
        gain_C_K = share_C_K * (gain_C_K - (gain_C_K * share_C_K).sum(axis=1, keepdims=True))
        return value, np.concatenate([(scale_P_1 * slope_P_K).ravel(), gain_C_K.ravel()])

    start = np.concatenate([np.zeros(moved), start_C_K.ravel()])
    options = {"ftol": _FALL, "gtol": 0.0, "maxiter": _STEPS, "maxcor": 20}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    change_P_K = scale_P_1 * found[:moved].reshape(-1, bases)
    base_K_D = anchor_D + (problem.basis_D_P @ change_P_K).T
    return base_K_D, softmax(found[moved:].reshape(-1, bases), axis=1)


def mixture_loss(
    problem: _Problem,
    offset_N: FloatArray,
    ridge: float,
    change_P_K: FloatArray,
    share_C_K: FloatArray,
) -> tuple[float, FloatArray, FloatArray]:
    """The objective, and its gradients by the bases' changes and by the shares."""
    member_N, rows = problem.member_N, problem.rows
    share_N_K = share_C_K[member_N]
    margin_N_K = rows.margins(change_P_K)
    margin_N = offset_N + (margin_N_K * share_N_K).sum(axis=1)
    force_N = problem.weight_N * report_slopes(margin_N, problem.flip_N, problem.loss)
    value = float(problem.weight_N @ report_losses(margin_N, problem.flip_N, problem.loss))
    value += 0.5 * ridge * float((change_P_K**2).sum())
    slope_P_K = rows.slope(force_N[:, None] * share_N_K) + ridge * change_P_K
    pulled_N_K = force_N[:, None] * margin_N_K
    gains = [np.bincount(member_N, column, len(share_C_K)) for column in pulled_N_K.T]
    return value, slope_P_K, np.stack(gains, axis=1)
