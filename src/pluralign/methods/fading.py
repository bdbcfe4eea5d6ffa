"""Where steering fades: chosen on topics that are left out of the training pairs.

Folds within one survey leave out questions, and most of them resemble others that stay. The effect
of steering on a question unlike any of these shows only where whole topics are left out: stems of
questions are clustered into `TOPICS` topics, a third of which is left out at a time.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.cluster.vq import kmeans2

from pluralign.core import BoolArray, FloatArray, IntArray, NotEnoughData
from pluralign.methods.ridges import FOLDS, balanced_weights, held_out_margins
from pluralign.methods.training import TrainingSet
from pluralign.rewards import (
    Fading,
    LinearRewardModel,
    asked_directions,
    familiarity,
    one_blas_thread,
    ramp,
    report_losses,
)

TOPICS = 6
_STEMS = 5 * TOPICS
_STARTS = 41
_WIDTHS = (0.05, 0.1, 0.2, 0.3)
_LOWEST = 0.05

Heads = Callable[[TrainingSet, LinearRewardModel], FloatArray]
"""Heads of the communities, shape (C, D), fitted on part of the pairs from a reference."""


def learn_fading(
    train: TrainingSet, reference: LinearRewardModel, heads: Heads, rng: np.random.Generator
) -> Fading | None:
    """Learn on which prompts steering must be weaker.

    On left-out topics, the strength at each familiarity is chosen by the loss of ``reference +
    strength * (steered - reference)``, the weaker one where the difference is chance. Below the
    familiarity of nearly all of them there is no evidence, and steering fades out there in any
    case.

    Args:
        train: Training pairs.
        reference: The model that steering starts from.
        heads: Fits the steered heads on part of the pairs.
        rng: Draws the first centres of topics.

    Returns:
        The strengths of steering by familiarity; None where prompts have no vectors of their own,
        or there are fewer than 30 question stems, or no community was asked about two topics in
        pairs that count.
    """
    prompts = train.encoded.features.prompts()
    topic_N = None if prompts is None else topics_of(train, *prompts, rng)
    if prompts is None or topic_N is None:
        return None
    fold_N = topic_N % FOLDS
    by_topic = replace(train, unit_N=topic_N.astype(np.int32), place_N=(fold_N + 0.5) / FOLDS)

    def both(inner: TrainingSet) -> FloatArray:
        start = inner.refitted(reference)
        head_C_D = heads(inner, start)
        return np.stack([np.broadcast_to(start.reference_D, head_C_D.shape), head_C_D])

    try:
        margin_N_2 = held_out_margins(both, by_topic, 2, rng)
        weight_N = balanced_weights(margin_N_2[:, 0], train)
    except NotEnoughData:
        return None
    with one_blas_thread():
        familiar_N = left_out_familiarity(train, *prompts, fold_N)
        start, full = chosen_ramp(familiar_N, margin_N_2, weight_N, train)
        asked = {c: _asked(*prompts, train.community_N == c) for c in train.communities}
        anyone_R_d = asked_directions(prompts[0])
    return Fading(asked, anyone_R_d, start, full)


def topics_of(
    train: TrainingSet, vector_P_d: FloatArray, prompt_N: IntArray, rng: np.random.Generator
) -> IntArray | None:
    """Topic of each pair, shape (N,), the one with the most stems first; None with too few stems.

    Stems are clustered by the mean vector of their distinct prompts (k-means), so that neither the
    number of pairs nor their order matters.
    """
    stems, stem_N = np.unique([pair.stem for pair in train.encoded.pairs], return_inverse=True)
    if len(stems) < _STEMS:
        return None
    stem_U, prompt_U = np.unique(np.stack([stem_N, prompt_N]), axis=1)
    mean_S_d = np.zeros((len(stems), vector_P_d.shape[1]))
    np.add.at(mean_S_d, stem_U, vector_P_d[prompt_U].astype(np.float64))
    mean_S_d /= np.maximum(np.linalg.norm(mean_S_d, axis=1, keepdims=True), 1e-12)
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an empty cluster, where stems are alike
        _, cluster_S = kmeans2(mean_S_d, TOPICS, minit="++", rng=rng)
    by_size = np.argsort(-np.bincount(cluster_S, minlength=TOPICS), kind="stable")
    topics: IntArray = np.argsort(by_size)[cluster_S][stem_N]
    return topics


def left_out_familiarity(
    train: TrainingSet, vector_P_d: FloatArray, prompt_N: IntArray, fold_N: IntArray
) -> FloatArray:
    """Familiarity of each pair's prompt to its community, given the other folds, shape (N,)."""
    community_N = train.community_N
    familiar_N = np.zeros(len(fold_N))
    for community in train.communities:
        own_N = community_N == community
        for fold in range(FOLDS):
            rows, others_N = np.flatnonzero(own_N & (fold_N == fold)), own_N & (fold_N != fold)
            if len(rows) and others_N.any():
                directions = _asked(vector_P_d, prompt_N, others_N)
                familiar_N[rows] = familiarity(vector_P_d[prompt_N[rows]], directions)
    return familiar_N


def _asked(vector_P_d: FloatArray, prompt_N: IntArray, these_N: BoolArray) -> FloatArray:
    """Directions of the distinct prompts of some pairs."""
    return asked_directions(vector_P_d[np.unique(prompt_N[these_N])])


def chosen_ramp(
    familiar_N: FloatArray, margin_N_2: FloatArray, weight_N: FloatArray, train: TrainingSet
) -> tuple[float, float]:
    """The familiarity at which steering starts, and that from which it is full.

    Args:
        familiar_N: Familiarity of each pair's prompt, shape (N,).
        margin_N_2: Held-out margins of the reference and of the steered heads, shape (N, 2).
        weight_N: Weight of each pair; 0 where it does not count, shape (N,).
        train: The pairs.

    Returns:
        Of a grid, the two that steer least among those whose loss is within one standard error of
        the least loss (the rule of Breiman et al. 1984), clustered by stem: left-out topics are
        few, and chance must not decide in favour of steering.
    """
    counted_N = weight_N > 0
    familiar_n, weight_n, margin_n_2 = (
        familiar_N[counted_N],
        weight_N[counted_N],
        margin_N_2[counted_N],
    )
    stems = [pair.stem for pair in train.encoded.pairs]
    stem_n = np.unique(np.array(stems)[counted_N], return_inverse=True)[1]
    flip_n = train.flip_N[counted_N]

    def losses(one: tuple[float, float]) -> FloatArray:
        margin_n = margin_n_2[:, 0] + ramp(familiar_n, *one) * (margin_n_2[:, 1] - margin_n_2[:, 0])
        weighted_n = weight_n * report_losses(margin_n, flip_n, train.loss)
        by_stem_S: FloatArray = np.bincount(stem_n, weighted_n).astype(np.float64)
        return by_stem_S

    grid = ramps(familiar_n)
    loss_G_S = np.stack([losses(one) for one in grid])
    excess_G_S = loss_G_S - loss_G_S[np.argmin(loss_G_S.sum(axis=1))]
    near = [one for one, excess_S in zip(grid, excess_G_S, strict=True) if _by_chance(excess_S)]
    return min(near, key=lambda one: float(weight_n @ ramp(familiar_n, *one)))


def _by_chance(excess_S: FloatArray) -> bool:
    """Whether the sum of what stems lose more is at most its standard error."""
    error = np.sqrt(len(excess_S) * excess_S.var(ddof=1)) if len(excess_S) > 1 else 0.0
    return bool(excess_S.sum() <= error)


def ramps(familiar_n: FloatArray) -> Sequence[tuple[float, float]]:
    """Where steering may start and be full, from the strongest to the weakest.

    The first one fades below the familiarity of nearly all prompts that were left out.
    """
    low = float(np.quantile(familiar_n, _LOWEST))
    grid = [(0.0, max(low, 1e-6))]
    for start in np.linspace(0, familiar_n.max(), _STARTS).tolist():
        grid += [(start, start + width) for width in _WIDTHS if start + width > low]
    return grid
