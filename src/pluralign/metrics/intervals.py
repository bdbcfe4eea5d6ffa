"""Draws of numbers that resample people (or questions), never rows.

The rows of one rater resemble each other, so rows are not independent: an error over rows is too
small. Here whole clusters are drawn with replacement, and the mean is taken again. There is one
draw less than there are clusters (Rao and Wu 1988), which makes the draws as variable as the number
itself, also with few clusters. Intervals of means over pairs need no draws (`clustered`); draws are
for numbers that are not means: gaps, ranks, and differences of such numbers.
"""

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray, IntArray, InvalidInput, NotEnoughData
from pluralign.metrics.input_checks import checked_values, coded

# Cells counted at once: small enough to stay in a processor's cache, large enough that small
# clusters share a step.
_CELLS = 2**16


def draw_means(
    value_N: npt.ArrayLike,
    cluster_N: npt.ArrayLike,
    rng: np.random.Generator,
    draws: int = 2000,
    weight_N: npt.ArrayLike | None = None,
) -> FloatArray:
    """Means of resampled clusters.

    The same generator state and clusters give the same draws, so the interval of a difference
    between two models is that of the per-pair differences.

    Args:
        value_N: One number for each pair, shape (N,).
        cluster_N: Id of the cluster (rater or question) of each, shape (N,).
        rng: Source of randomness.
        draws: How many times to resample, >= 1.
        weight_N: How much each pair counts, >= 0, shape (N,).

    Returns:
        Means, shape (B,); all nan where there is one cluster only: its error is unknown.

    Raises:
        NotEnoughData: If there are no values, or every weight is 0.
        InvalidInput: If shapes differ, a number is not finite, an id is missing, or ``draws`` is
            below 1.

    >>> from pluralign.core import rng_for
    >>> raters = ["ana", "ana", "ben", "eve"]
    >>> means = draw_means([1, 1, 0, 0], raters, rng_for(0, "bootstrap"), draws=400)
    >>> sorted(set(means.round(2).tolist()))
    [0.0, 0.67, 1.0]
    """
    one_group = np.zeros(np.shape(value_N)[:1], dtype=np.int64)
    return draw_group_means(value_N, one_group, cluster_N, rng, draws, weight_N=weight_N)[:, 0]


def draw_group_means(
    value_N: npt.ArrayLike,
    group_N: npt.ArrayLike,
    cluster_N: npt.ArrayLike,
    rng: np.random.Generator,
    draws: int = 2000,
    *,
    weight_N: npt.ArrayLike | None = None,
) -> FloatArray:
    """Means of resampled clusters, for each group (community) at once.

    Clusters that lie within one group each (raters) are resampled within their group. Where
    clusters cross groups (questions that several communities were asked) they are resampled
    jointly, so a difference between two groups keeps their correlation.

    Args:
        value_N: One number for each pair, shape (N,).
        group_N: Id of the group of each, shape (N,).
        cluster_N: Id of the cluster of each, shape (N,).
        rng: Source of randomness.
        draws: How many times to resample, >= 1.
        weight_N: How much each pair counts, >= 0, shape (N,).

    Returns:
        Means, shape (B, C), columns in the sorted order of the group ids. A column is all nan where
        the group has one cluster only; a joint draw in which none of a group's clusters came up is
        nan.

    Raises:
        NotEnoughData: If there are no values, or every weight is 0.
        InvalidInput: If shapes differ, a number is not finite, an id is missing, or ``draws`` is
            below 1.

    >>> from pluralign.core import rng_for
    >>> draw_group_means([1, 0, 1], ["a", "a", "b"], ["q1", "q2", "q1"], rng_for(0), draws=3)
    array([[ 0., nan],
           [ 1., nan],
           [ 1., nan]])
    """
    values, _ = checked_values(value_N)
    means: FloatArray = draw_series_means(
        values[:, None], group_N, cluster_N, rng, draws, weight_N=weight_N
    )[:, :, 0]
    return means


def draw_series_means(
    value_N_S: FloatArray,
    group_N: npt.ArrayLike,
    cluster_N: npt.ArrayLike,
    rng: np.random.Generator,
    draws: int = 2000,
    *,
    weight_N: npt.ArrayLike | None = None,
) -> FloatArray:
    """Means of several series over the same pairs, resampled with the same draws.

    Differences between series of one call are differences of the draws.

    Args:
        value_N_S: One number for each pair in each series (such as each model), shape (N, S).
        group_N: Id of the group of each pair, shape (N,).
        cluster_N: Id of the cluster of each pair, shape (N,).
        rng: Source of randomness.
        draws: How many times to resample, >= 1.
        weight_N: How much each pair counts, >= 0, shape (N,).

    Returns:
        Means, shape (B, C, S); see `draw_group_means`.

    Raises:
        NotEnoughData: If there are no values, or every weight is 0.
        InvalidInput: If shapes differ, a number is not finite, an id is missing, or ``draws`` is
            below 1.
    """
    if not value_N_S.shape[1]:
        raise NotEnoughData("there are no series to resample")
    if not np.isfinite(value_N_S).all():
        raise InvalidInput("a value is not a finite number")
    _, weights = checked_values(value_N_S[:, 0], weight_N)
    if draws < 1:
        raise InvalidInput(f"{draws} draws", hint="2000 draws give a stable 95 % interval")
    groups, group = coded(group_N, "group", len(weights))
    clusters, cluster = coded(cluster_N, "cluster", len(weights))
    series = value_N_S.shape[1]
    # Each cluster with each of its groups; as many as clusters if none crosses groups.
    cells = np.unique(cluster * groups.size + group)
    home = cells % groups.size
    if cells.size == clusters.size:
        sums_K = _sums(value_N_S, weights, cluster, clusters.size)
        columns = [_draw_ratios(sums_K[home == c][:, None], rng, draws) for c in range(groups.size)]
        return np.concatenate(columns, axis=1)
    sums_K_C = _sums(value_N_S, weights, cluster * groups.size + group, clusters.size * groups.size)
    means_B_C_S = _draw_ratios(sums_K_C.reshape(clusters.size, groups.size, series + 1), rng, draws)
    # The draws of a single cluster are all the same: an interval without width would be false.
    means_B_C_S[:, np.bincount(home, minlength=groups.size) < 2] = np.nan
    return means_B_C_S


def percentile_interval(
    draws: npt.ArrayLike, level: float = 0.95
) -> tuple[float, float] | tuple[None, None]:
    """The middle ``level`` of the draws; draws that are nan are left out.

    Args:
        draws: Resampled values, shape (B,).
        level: Share of draws inside, in (0, 1).

    Returns:
        Both ends, or (None, None) where every draw is nan.

    Raises:
        InvalidInput: If ``level`` is not in (0, 1).

    >>> low, high = percentile_interval(range(41))
    >>> round(low, 3), round(high, 3)
    (1.0, 39.0)
    >>> percentile_interval([float("nan")])
    (None, None)
    """
    if not 0 < level < 1:
        raise InvalidInput(f"level is {level}", hint="use a value in (0, 1), such as 0.95")
    values = np.asarray(draws, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return None, None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _sums(value_N_S: FloatArray, weight_N: FloatArray, code_N: IntArray, size: int) -> FloatArray:
    """Weighted sum of each series, then the weight, for each code, shape (size, S + 1)."""
    columns = [np.bincount(code_N, weight_N * value_N, size) for value_N in value_N_S.T]
    return np.stack([*columns, np.bincount(code_N, weight_N, size)], axis=1)


def _draw_ratios(sums_K_C_S: FloatArray, rng: np.random.Generator, draws: int) -> FloatArray:
    """Resample K - 1 of K rows and divide each sum by the weight, the last column: (B, C, S)."""
    rows, groups, columns = sums_K_C_S.shape
    if rows < 2:
        return np.full((draws, groups, columns - 1), np.nan)
    step = max(1, _CELLS // rows)
    flat_K = sums_K_C_S.reshape(rows, -1)
    sums_B = np.empty((draws, flat_K.shape[1]))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        # Row numbers of each draw are shifted by its own offset, so that one count serves them all.
        drawn = rng.integers(rows, size=(size, rows - 1)) + rows * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)
        # As floats, because numpy multiplies matrices of whole numbers without BLAS.
        sums_B[start : start + size] = counts.astype(np.float64) @ flat_K
    sums_B_C_S = sums_B.reshape(draws, groups, columns)
    with np.errstate(invalid="ignore"):  # 0 / 0 in a joint draw without any cluster of a group
        ratios: FloatArray = sums_B_C_S[:, :, :-1] / sums_B_C_S[:, :, -1:]
    return ratios
