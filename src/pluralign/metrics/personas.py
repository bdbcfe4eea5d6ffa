"""How different a set of cultural personas is, and whose answers each one's really are."""

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray, InvalidInput, NotEnoughData
from pluralign.metrics.survey_scores import draw_ratios


def pair_errors(
    value_P_Q: npt.ArrayLike, n_options_Q: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """The two sums behind the distance of every two personas, by question.

    Args:
        value_P_Q: Number of the option each persona answered, shape (P, Q); nan where unreadable.
        n_options_Q: Options of each question, >= 2, shape (Q,).

    Returns:
        Squared difference and squared length of the scale, both of shape (P * (P - 1) / 2, Q), 0
        where an answer is missing; pairs in the order of ``np.triu_indices(P, 1)``.

    Raises:
        NotEnoughData: If there are fewer than two personas.
    """
    value = np.asarray(value_P_Q, dtype=np.float64)
    if value.ndim != 2 or len(value) < 2:
        raise NotEnoughData("diversity needs two personas or more", hint="name more communities")
    i, j = np.triu_indices(len(value), 1)
    difference = value[i] - value[j]
    there = ~np.isnan(difference)
    return np.where(there, difference, 0) ** 2, np.where(
        there, (np.asarray(n_options_Q, dtype=float) - 1) ** 2, 0.0
    )


def pairwise_diversity(value_P_Q: npt.ArrayLike, n_options_Q: npt.ArrayLike) -> float:
    """Mean distance of every two personas over their common questions.

    The distance is ``100 * sqrt(sum d^2) / sqrt(sum (K - 1)^2)``.

    Raises:
        NotEnoughData: If there are fewer than two personas, or two have no question in common.

    >>> pairwise_diversity([[1, 1], [4, 1], [1, 1]], [4, 4]).__round__(2)
    47.14
    """
    return float(_distances(value_P_Q, n_options_Q).mean())


def structural_diversity(value_P_Q: npt.ArrayLike, n_options_Q: npt.ArrayLike) -> float:
    """Length of the minimum spanning tree over those distances, for each of its edges, times 100.

    Raises:
        NotEnoughData: As `pairwise_diversity`.

    >>> structural_diversity([[1, 1], [4, 1], [1, 1]], [4, 4]).__round__(2)
    35.36
    """
    n = len(np.asarray(value_P_Q))
    return float(spanning_length(square(_distances(value_P_Q, n_options_Q)[None], n))[0])


def square(distance_B_K: FloatArray, n: int) -> FloatArray:
    """Distances in the order of ``np.triu_indices(n, 1)`` as matrices, shape (B, n, n)."""
    full = np.zeros((len(distance_B_K), n, n))
    i, j = np.triu_indices(n, 1)
    full[:, i, j] = full[:, j, i] = distance_B_K
    return full


def drawn_distances(
    error_K_Q: FloatArray, scale_K_Q: FloatArray, counts_B_Q: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Distances of every two personas, measured and in draws of questions.

    A draw may contain no question that two personas share. It has no deviation for them: their
    measured distance is used, so that the draw still counts for the others.

    Args:
        error_K_Q: Squared differences, as `pair_errors` gives them, each row with a common
            question, shape (K, Q).
        scale_K_Q: Squared lengths of the scales, shape (K, Q).
        counts_B_Q: Draws of questions, shape (B, Q).

    Returns:
        Distances in [0, 100], shape (K,), and their draws, shape (B, K).

    >>> error, scale = pair_errors([[1, 1], [4, 1]], [4, 4])
    >>> measured, drawn = drawn_distances(error, scale, np.array([[0, 1], [0, 0]]))
    >>> measured.round(2).tolist(), drawn.round(2).tolist()
    ([70.71], [[0.0], [70.71]])
    """
    distance_K: FloatArray = 100 * np.sqrt(error_K_Q.sum(axis=1) / scale_K_Q.sum(axis=1))
    drawn_B_K = 100 * np.sqrt(draw_ratios(error_K_Q, scale_K_Q, counts_B_Q))
    return distance_K, np.where(np.isnan(drawn_B_K), distance_K, drawn_B_K)


def spanning_length(distance_B_P_P: FloatArray) -> FloatArray:
    """Mean edge of the minimum spanning tree of each distance matrix (Prim's algorithm).

    Args:
        distance_B_P_P: Symmetric distances, shape (B, P, P), P >= 2.

    Returns:
        Length of the tree over P - 1, shape (B,).
    """
    draws, n, _ = distance_B_P_P.shape
    # The trees of all draws grow together, by one persona a step; the first is their root.
    nearest = distance_B_P_P[:, 0].copy()
    outside = np.ones((draws, n), dtype=bool)
    outside[:, 0] = False
    total, rows = np.zeros(draws), np.arange(draws)
    for _ in range(n - 1):
        joined = np.where(outside, nearest, np.inf).argmin(axis=1)
        total += nearest[rows, joined]
        outside[rows, joined] = False
        nearest = np.minimum(nearest, distance_B_P_P[rows, joined])
    length: FloatArray = total / (n - 1)
    return length


def answer_diversity(
    value_P_Q: npt.ArrayLike, n_options_Q: npt.ArrayLike, nominal_Q: npt.ArrayLike | None = None
) -> float:
    """D(M): mean distance of two personas' answers, over questions and pairs, in [0, 1].

    ``|y_i - y_j| / (K - 1)`` on a scale; 1 where they differ, else 0, for nominal questions.

    >>> answer_diversity([[1, 1], [4, 2]], [4, 3], [False, True])
    1.0
    """
    value = np.asarray(value_P_Q, dtype=np.float64)
    i, j = np.triu_indices(len(value), 1)
    apart = np.abs(value[i] - value[j])
    scaled = apart / (np.asarray(n_options_Q, dtype=float) - 1)
    if nominal_Q is not None:
        scaled = np.where(
            np.asarray(nominal_Q) & ~np.isnan(apart), (apart > 0).astype(float), scaled
        )
    if np.isnan(scaled).all():
        raise NotEnoughData("no two personas answered one question")
    return float(np.nanmean(scaled))


def majority_choice(value_P_Q: npt.ArrayLike) -> FloatArray:
    """Share of the personas that give the most common answer to each question.

    Shape (Q,); nan where nobody answered.

    >>> majority_choice([[1, 2], [1, 3], [2, float("nan")]]).round(2).tolist()
    [0.67, 0.5]
    """
    value = np.asarray(value_P_Q, dtype=np.float64)
    shares = np.full(value.shape[1], np.nan)
    for q in range(value.shape[1]):
        given = value[~np.isnan(value[:, q]), q]
        if given.size:
            shares[q] = np.unique(given, return_counts=True)[1].max() / given.size
    return shares


def choice_pool(value_P_Q: npt.ArrayLike) -> FloatArray:
    """Number of different answers to each question, shape (Q,); nan where nobody answered.

    >>> choice_pool([[1, 2], [1, 3]]).tolist()
    [1.0, 2.0]
    """
    value = np.asarray(value_P_Q, dtype=np.float64)
    pools = [np.unique(column[~np.isnan(column)]).size for column in value.T]
    return np.array([float(size) if size else np.nan for size in pools])


def spread(value_P_Q: npt.ArrayLike, n_options_Q: npt.ArrayLike) -> FloatArray:
    """Variance over personas of each question's answers, on a scale from 0 to 1.

    Shape (Q,); nan where fewer than two personas answered.
    """
    value = np.asarray(value_P_Q, dtype=np.float64) / (np.asarray(n_options_Q, dtype=float) - 1)
    # `nanvar` would warn about questions that nobody answered, and report 0 for one answer.
    several = (~np.isnan(value)).sum(axis=0) >= 2
    variance = np.full(value.shape[1], np.nan)
    variance[several] = np.nanvar(value[:, several], axis=0)
    return variance


def target_rank(distance_P_C: npt.ArrayLike, target_P: npt.ArrayLike) -> FloatArray:
    """Rank of the people meant among all peoples, by nearness to a persona.

    1 is right; the expected rank by chance is (C + 1) / 2.

    Args:
        distance_P_C: Distance of each persona to each people, shape (..., P, C).
        target_P: Column of the people each persona is meant to be, shape (P,).

    Returns:
        Ranks, shape (..., P); of several at one distance each has the mean of their ranks.

    Raises:
        InvalidInput: If a target is no column.

    >>> target_rank([[0.1, 0.3, 0.2], [0.2, 0.2, 0.9]], [1, 0]).tolist()
    [3.0, 1.5]
    """
    distance, target = np.asarray(distance_P_C, dtype=np.float64), np.asarray(target_P)
    if target.size and not (target.min() >= 0 and target.max() < distance.shape[-1]):
        raise InvalidInput(f"targets {target.tolist()} of {distance.shape[-1]} peoples")
    own = distance[..., np.arange(target.size), target][..., None]
    # One of those at the target's distance is the target itself; the others share its rank.
    ranks: FloatArray = 1 + (distance < own).sum(axis=-1) + ((distance == own).sum(axis=-1) - 1) / 2
    return ranks


def _distances(value_P_Q: npt.ArrayLike, n_options_Q: npt.ArrayLike) -> FloatArray:
    error, scale = pair_errors(value_P_Q, n_options_Q)
    bottom = scale.sum(axis=1)
    if not bottom.all():
        raise NotEnoughData("two personas have no question in common")
    distance: FloatArray = 100 * np.sqrt(error.sum(axis=1) / bottom)
    return distance
