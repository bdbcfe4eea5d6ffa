"""Choose how strongly to pull towards a prior, inside the training raters."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray, IntArray, NotEnoughData
from pluralign.methods.method import Heads
from pluralign.methods.training import TrainingSet
from pluralign.rewards import LinearRewardModel, one_blas_thread

# On the development sets no choice is the largest: `pooled` chose 30 in 6 of 20 splits of
# GlobalOpinionQA, with 100 and 300 among the candidates. The least choice was 0.1, in 1 of 90, and
# the loss at 0.03 was much larger.
RIDGES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
"""Ridges that a method tries where none is set, in pairs."""
FOLDS = 3


@dataclass(frozen=True, slots=True)
class RidgeChoice:
    """A ridge and why.

    Attributes:
        ridge: The one chosen.
        loss: Ridge -> mean held-out loss, in nats a pair, each community counting the same.
    """

    ridge: float
    loss: dict[float, float]


def choose_ridge(
    heads: Heads,
    train: TrainingSet,
    reference: LinearRewardModel,
    config: Any,
    rng: np.random.Generator,
    ridges: Sequence[float] = RIDGES,
) -> RidgeChoice:
    """Choose the ridge of a method by cross-validation over the training raters (or questions).

    Every held-out pair of a community steered to counts, filtered or not: a method is judged by
    what it is for.

    Args:
        heads: The method's fit under several ridges.
        train: Training pairs.
        reference: The model that steering starts from.
        config: The method's settings.
        rng: Draws the folds.
        ridges: Candidates, in falling order.

    Returns:
        The choice; the strongest ridge where there are too few raters to leave any out.
    """
    try:
        margin_N_K = held_out_margins(
            lambda inner: heads(inner, inner.refitted(reference), config, ridges),
            train,
            len(ridges),
            rng,
        )
        loss_K = mean_losses(margin_N_K, train)
    except NotEnoughData:
        return RidgeChoice(max(ridges), {})
    return RidgeChoice(
        ridges[int(np.argmin(loss_K))], dict(zip(ridges, loss_K.round(6).tolist(), strict=True))
    )


def held_out_margins(
    fit: Callable[[TrainingSet], FloatArray],
    train: TrainingSet,
    candidates: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Margins of the training pairs under heads that have not seen their rater (or question).

    Args:
        fit: Heads of every candidate fitted on part of the training set, shape (K, C, D); called
            from several threads, one for each fold.
        train: Training pairs.
        candidates: K.
        rng: Draws the folds.

    Returns:
        Margins in logits, shape (N, K); nan for pairs of communities not steered to, or unseen in
        the other folds.

    Raises:
        NotEnoughData: If there are fewer units than two.
    """
    community_N = train.community_N
    margin_N_K = np.full((len(train.encoded), candidates), np.nan)
    fold_N = folds_of(train, rng)

    def fill(fold: int) -> None:
        inner = train.without(fold_N == fold)
        if not inner.communities or not (fold_N == fold).any():
            return
        head_K_C_D = fit(inner)
        for c, community in enumerate(inner.communities):
            rows = np.flatnonzero((fold_N == fold) & (community_N == community))
            margin_N_K[rows] = train.encoded.take(rows).margins(head_K_C_D[:, c].T)

    folds = range(fold_N.max() + 1)
    with one_blas_thread(), ThreadPoolExecutor(min(len(folds), os.cpu_count() or 1)) as pool:
        # As a list, which raises what a thread raised.
        list(pool.map(fill, folds))
    return margin_N_K


def mean_losses(margin_N_K: FloatArray, train: TrainingSet) -> FloatArray:
    """Mean held-out loss of each candidate, shape (K,): -log sigmoid(margin) of known choices.

    Each community counts the same.

    Raises:
        NotEnoughData: If no pair was held out.
    """
    weight_N = balanced_weights(margin_N_K[:, 0], train)
    counted = weight_N > 0
    with one_blas_thread():
        # `logaddexp(0, -m)` is -log sigmoid(m), without overflow.
        losses: FloatArray = weight_N[counted] @ train.losses(margin_N_K[counted], counted)
    return losses


def balanced_weights(margin_N: FloatArray, train: TrainingSet) -> FloatArray:
    """The pairs' own weights, scaled so that each community counts the same and all sum to 1.

    Args:
        margin_N: Held-out margins, shape (N,); nan where a pair does not count.
        train: The pairs.

    Returns:
        Weights, 0 where a pair does not count, shape (N,).

    Raises:
        NotEnoughData: If no pair of a community steered to counts.
    """
    weight_N = np.where(np.isnan(margin_N), 0.0, train.weight_N)
    ids, code_N = np.unique(train.community_N, return_inverse=True)
    total_C = np.where(np.isin(ids, train.communities), np.bincount(code_N, weight_N), 0.0)
    if not total_C.any():
        raise NotEnoughData("too few raters or questions to leave any out")
    scale_C = np.divide(1.0, total_C, out=np.zeros_like(total_C), where=total_C > 0)
    scaled: FloatArray = weight_N * scale_C[code_N] / np.count_nonzero(total_C)
    return scaled


def folds_of(train: TrainingSet, rng: np.random.Generator) -> IntArray:
    """Fold of each pair, shape (N,): a third of the units in each, by their own places if given.

    Raises:
        NotEnoughData: If there are fewer units than two.
    """
    units, unit_N = np.unique(train.unit_N, return_inverse=True)
    if len(units) < 2:
        raise NotEnoughData("fewer than two raters or questions: none can be left out")
    if train.place_N is not None:
        return (train.place_N * FOLDS).astype(np.intp)
    fold_U = np.empty(len(units), dtype=np.intp)
    fold_U[rng.permutation(len(units))] = np.arange(len(units)) % min(FOLDS, len(units))
    return fold_U[unit_N]
