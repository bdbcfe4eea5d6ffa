"""Errors of means over pairs that come in clusters: the pairs of one rater, or of one question.

The rows of a cluster resemble each other, so an error over rows is too small. Here each cluster is
left out in turn (the cluster jackknife, CV3 of MacKinnon, Nielsen and Webb 2023), and the interval
uses Student's t with as many degrees of freedom as there are *effective* clusters less one: the
number of clusters of equal size that would be as informative (Kish 1965). `benchmarks/coverage.py`
compares it with the bootstraps: it covers the truth about 95 % of the time from 5 clusters on,
where the percentile bootstrap covers 84 % with 5 and 92 % with 20. Shares of pairs (accuracies)
have Wilson's interval with this error, since those near 0 or 1 are skewed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from pluralign.core import BoolArray, FloatArray, IntArray

SAMPLE = 10
"""Fewer questions than this are a given list, not a sample of questions: no error is due to them.
"""
ENOUGH_CLUSTERS = 20
"""Effective clusters below which an interval may still be too narrow."""
NORMAL_95 = 1.959963984540054
"""The middle 95 % of a normal distribution is within this number of standard deviations."""

Bounds = tuple[float, float]
_UNBOUNDED = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True)
class Spread:
    """Squared errors of several series: of the mean in each group, and of the mean over groups.

    Attributes:
        variance_C_S: Squared error of each group's mean; nan where a group has one cluster.
        df_C_S: Degrees of freedom of each.
        average_S: Squared error of the mean over groups, each of which counts the same.
        average_df_S: Degrees of freedom of each.
    """

    variance_C_S: FloatArray
    df_C_S: FloatArray
    average_S: FloatArray
    average_df_S: FloatArray


def t_interval(
    value: float, variance: float, df: float, bounds: Bounds = _UNBOUNDED, level: float = 0.95
) -> tuple[float, float] | tuple[None, None]:
    """The interval of a number by Student's t.

    Args:
        value: The number.
        variance: Its squared standard error; nan where it is not known.
        df: Degrees of freedom; at least 1 is used.
        bounds: The least and the largest possible value; the interval is cut there.
        level: Coverage, in (0, 1).

    Returns:
        Both ends, or (None, None) where the error is not known.

    >>> low, high = t_interval(0.6, variance=0.01, df=4)
    >>> round(low, 3), round(high, 3)
    (0.322, 0.878)
    >>> t_interval(0.6, float("nan"), 4)
    (None, None)
    """
    if not np.isfinite(variance):
        return None, None
    reach = _reach(variance, df, level)
    # Cut at the value too: a value may lie past a bound by rounding.
    low = min(max(value - reach, bounds[0]), value)
    high = max(min(value + reach, bounds[1]), value)
    return float(low), float(high)


def crossed_interval(
    value: float, parts: Sequence[tuple[float, float]], level: float = 0.95
) -> tuple[float, float] | tuple[None, None]:
    """The interval of a number that would change with each of several draws, as prompts and people.

    Variances of independent draws add up, with Satterthwaite's (1946) degrees of freedom. Their
    interaction is in each variance, so the interval is rather too wide
    (Cameron, Gelbach and Miller 2011, Journal of Business and Economic Statistics 29). It is never
    narrower than that of one draw alone, as it could be where that draw has few degrees of freedom.

    Args:
        value: The number.
        parts: For each draw, the squared standard error of the number while all else stays the
            same, and its degrees of freedom; at least one part.
        level: Coverage, in (0, 1).

    Returns:
        Both ends, or (None, None) where an error is not known.

    >>> alone, both = crossed_interval(0.6, [(0.01, 40)]), crossed_interval(0.6, [(0.01, 40)] * 2)
    >>> [round(end, 3) for end in (*alone, *both)]
    [0.398, 0.802, 0.319, 0.881]
    """
    variance = sum(own for own, _ in parts)
    if not np.isfinite(variance) or variance == 0:
        return t_interval(value, variance, 1, level=level)
    df = variance**2 / sum(own**2 / df for own, df in parts)
    widest = max(_reach(own, of, level) for own, of in [(variance, df), *parts])
    return value - widest, value + widest


def _reach(variance: float, df: float, level: float) -> float:
    """Half the width of an interval by Student's t."""
    return float(stdtrit(max(df, 1.0), (1 + level) / 2) * np.sqrt(variance))


def wilson_interval(
    share: float, variance: float, clusters: float, level: float = 0.95
) -> tuple[float, float]:
    """The interval of a share that may be near 0 or 1 (Wilson 1927).

    It counts as many independent trials as would have this squared error (as Korn and Graubard 1998
    do for surveys), and Student's t in place of the normal distribution. A share that is nearer to
    0 or 1 than its standard error has as many trials as if it were one standard error away.

    Args:
        share: The share, in [0, 1]; the interval contains it.
        variance: Its squared standard error; where it is 0, clusters are the trials.
        clusters: Effective clusters behind it.
        level: Coverage, in (0, 1).

    >>> low, high = wilson_interval(0.01, variance=0.01 * 0.99 / 1000, clusters=500)
    >>> round(low, 4), round(high, 4)
    (0.0054, 0.0183)
    >>> wilson_interval(0.0, 0.0, clusters=20)[0]
    0.0
    >>> round(wilson_interval(1.0, variance=1 / 300**2, clusters=20)[0], 3)
    0.986
    """
    error = min(np.sqrt(variance), 0.5)
    spread = max(share * (1 - share), error * (1 - error))
    trials = spread / variance if variance > 0 else clusters
    squared = float(stdtrit(max(clusters - 1, 1.0), (1 + level) / 2)) ** 2 / max(trials, 1.0)
    middle = (share + squared / 2) / (1 + squared)
    reach = np.sqrt(squared * share * (1 - share) + squared**2 / 4) / (1 + squared)
    # Cut at the share too, which may lie past an end by rounding.
    low, high = min(max(0.0, middle - reach), share), max(min(1.0, middle + reach), share)
    return float(low), float(high)


def effective_clusters(cluster_N: npt.ArrayLike, weight_N: npt.ArrayLike | None = None) -> float:
    """The number of equally large clusters that inform as much (Kish 1965).

    Args:
        cluster_N: Id of the cluster of each row, shape (N,).
        weight_N: Weight of each row, shape (N,); 1 where None.

    >>> effective_clusters(["a", "a", "b", "b"])
    2.0
    >>> round(effective_clusters(["a"] * 9 + ["b"]), 2)
    1.22
    """
    _, code_N = np.unique(np.asarray(cluster_N), return_inverse=True)
    weight_N = None if weight_N is None else np.asarray(weight_N, dtype=np.float64)
    return _kish(np.bincount(code_N, weight_N).astype(np.float64))


def cluster_spread(
    value_N_S: FloatArray, group_N: IntArray, cluster_N: IntArray, weight_N: FloatArray
) -> Spread:
    """Errors by leaving out one cluster at a time.

    Clusters that lie within one group each (raters) make groups independent of each other. Clusters
    that cross groups (questions that several communities were asked) are left out of all groups
    at once, so the error of the mean over groups contains their correlation.

    Args:
        value_N_S: One number for each pair in each series, shape (N, S).
        group_N: Group of each pair, as a number in 0..C-1, all present, shape (N,).
        cluster_N: Cluster of each pair, as a number in 0..K-1, shape (N,).
        weight_N: Weight of each pair, > 0, shape (N,).
    """
    groups = int(group_N.max()) + 1
    cells, cell_N = np.unique(cluster_N * groups + group_N, return_inverse=True)
    home_M, cluster_M = cells % groups, cells // groups
    weight_M = np.bincount(cell_N, weight_N)
    sum_M_S = _summed(value_N_S * weight_N[:, None], cell_N, len(cells))
    total_C = np.bincount(home_M, weight_M)
    mean_C_S = _summed(sum_M_S, home_M, groups) / total_C[:, None]
    count_C = np.bincount(home_M)
    alone_M = count_C[home_M] == 1
    rest_M = np.where(alone_M, np.nan, total_C[home_M] - weight_M)
    # How much the mean of its group moves when a cluster is left out.
    shift_M_S = (mean_C_S[home_M] * weight_M[:, None] - sum_M_S) / rest_M[:, None]
    scale_C = (count_C - 1) / count_C
    variance_C_S = scale_C[:, None] * _summed(shift_M_S**2, home_M, groups)
    df_C = total_C**2 / np.bincount(home_M, weight_M**2) - 1
    df_C_S = np.repeat(df_C[:, None], value_N_S.shape[1], axis=1)
    clusters = len(np.unique(cluster_M))
    if len(cells) == clusters:
        average_S, average_df_S = _independent(variance_C_S, df_C_S)
    else:
        at_M = np.unique(cluster_M, return_inverse=True)[1]
        shift_K_S = _summed(shift_M_S, at_M, clusters) / groups
        average_S = (clusters - 1) / clusters * (shift_K_S**2).sum(axis=0)
        share_K = np.bincount(at_M, weight_M / total_C[home_M])
        average_df_S = np.full(len(average_S), _kish(share_K.astype(np.float64)) - 1)
    return Spread(variance_C_S, df_C_S, average_S, average_df_S)


def two_way_spread(
    value_N_S: FloatArray,
    group_N: IntArray,
    ways: tuple[IntArray, IntArray],
    weight_N: FloatArray,
    both: bool,
) -> Spread:
    """Errors where raters and questions may both cause them.

    Args:
        value_N_S: As in `cluster_spread`.
        group_N: As in `cluster_spread`.
        ways: The clusters of each pair in two ways (rater and question), each of shape (N,).
        weight_N: As in `cluster_spread`.
        both: Whether a claim is about other raters *and* other questions. If so the two errors are
            added, less the error that they share (Cameron, Gelbach and Miller 2011), and never
            smaller than either; otherwise the larger of the two is used.
    """
    first, second = (cluster_spread(value_N_S, group_N, way, weight_N) for way in ways)
    wider = _wider(first, second)
    if not both:
        return wider
    crossing_N = ways[0].astype(np.int64) * (int(ways[1].max()) + 1) + ways[1]
    _, crossing_N = np.unique(crossing_N, return_inverse=True)
    shared = cluster_spread(value_N_S, group_N, crossing_N, weight_N)
    total = Spread(
        first.variance_C_S + second.variance_C_S - np.nan_to_num(shared.variance_C_S),
        np.minimum(first.df_C_S, second.df_C_S),
        first.average_S + second.average_S - np.nan_to_num(shared.average_S),
        np.minimum(first.average_df_S, second.average_df_S),
    )
    return _wider(total, wider)


def _independent(variance_C_S: FloatArray, df_C_S: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Squared error of the mean of independent groups, and its df.

    The df are Satterthwaite's (1946) for the errors that equally variable raters would give: taken
    from the measured errors instead, they jump with the luck of a group of two raters.
    """
    expected_C_S = 1 / (df_C_S + 1)
    spent_S = (expected_C_S**2 / np.maximum(df_C_S, 1)).sum(axis=0)
    df_S: FloatArray = expected_C_S.sum(axis=0) ** 2 / spent_S
    return variance_C_S.sum(axis=0) / len(variance_C_S) ** 2, df_S


def _wider(first: Spread, second: Spread) -> Spread:
    """The one with the larger error, number by number; nan only where both are nan."""
    take_C_S = _larger(second.variance_C_S, first.variance_C_S)
    take_S = _larger(second.average_S, first.average_S)
    return Spread(
        np.where(take_C_S, second.variance_C_S, first.variance_C_S),
        np.where(take_C_S, second.df_C_S, first.df_C_S),
        np.where(take_S, second.average_S, first.average_S),
        np.where(take_S, second.average_df_S, first.average_df_S),
    )


def _larger(one: FloatArray, other: FloatArray) -> BoolArray:
    larger: BoolArray = (one > other) | (np.isnan(other) & ~np.isnan(one))
    return larger


def _summed(value_M_S: FloatArray, code_M: IntArray, size: int) -> FloatArray:
    """Sum of each series for each code, shape (size, S)."""
    return np.stack([np.bincount(code_M, column, size) for column in value_M_S.T], axis=1)


def _kish(weight_K: FloatArray) -> float:
    return float(weight_K.sum() ** 2 / (weight_K**2).sum())
