"""Means by group with cluster-robust errors: the one way in which pairs are averaged."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pluralign.core import (
    BoolArray,
    Estimate,
    FloatArray,
    IntArray,
    InvalidInput,
    NotEnoughData,
)
from pluralign.metrics.clustered import (
    SAMPLE,
    Bounds,
    Spread,
    cluster_spread,
    t_interval,
    two_way_spread,
    wilson_interval,
)
from pluralign.metrics.input_checks import checked_values, coded

UNBOUNDED: Bounds = (-np.inf, np.inf)
_SHARE: Bounds = (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The raters, questions and pairs of the rows of a measure: they cause its error.

    Attributes:
        cluster_N: Id of the rater of each row, or of the question where there is no rater, shape
            (N,).
        person_N: Whether each row's cluster is a person, shape (N,); or one value for all.
        question_N: Id of the question of each row, shape (N,); None where only the first clusters
            cause errors. With fewer than ten questions they are taken as given.
        both: Whether a claim is about other people *and* other questions, as after a split by
            both; else the larger of the two errors is used.
        pair_N: Id of the pair of each row, shape (N,), where pairs come again in repeats; ``n``
            counts different pairs. Each row is a pair where None.
        flip_N: Probability that the choice behind each row was reported as the opposite, in [0,
            0.5), shape (N,), or one for all; values are corrected for it (`corrected_credit`).
    """

    cluster_N: npt.ArrayLike
    person_N: npt.ArrayLike = True
    question_N: npt.ArrayLike | None = None
    both: bool = False
    pair_N: npt.ArrayLike | None = None
    flip_N: npt.ArrayLike = 0.0


@dataclass(frozen=True, slots=True)
class GroupMeans:
    """Means of several series by group, with errors and counts; columns of groups are sorted by id.

    Attributes:
        ids: Ids of the groups, C of them.
        value_C_S: Means.
        spread: Their squared errors.
        n_C: Different pairs behind each group.
        n: Different pairs behind all.
        people_C: Different people behind each group; 0 where there are only shares.
        people: Different people behind all.
        clusters_C: Different clusters (raters, or questions without raters) behind each group.
        bounds: The least and the largest possible value.
        reported: Whether a value is corrected for choices reported as their opposite: such a value
            errs alike to both sides near 0 and 1, and may lie past them.
    """

    ids: tuple[str, ...]
    value_C_S: FloatArray
    spread: Spread
    n_C: IntArray
    n: int
    people_C: IntArray
    people: int
    clusters_C: IntArray
    bounds: Bounds
    reported: bool = False

    def estimate(self, c: int, s: int = 0) -> Estimate:
        """The mean of a group in one series."""
        value, spread = float(self.value_C_S[c, s]), self.spread
        low, high = self._interval(value, spread.variance_C_S[c, s], spread.df_C_S[c, s])
        return Estimate(value, low, high, int(self.n_C[c]), int(self.people_C[c]) or None)

    def average(self, s: int = 0) -> Estimate:
        """The mean over groups, each of which counts the same."""
        value, spread = float(self.value_C_S[:, s].mean()), self.spread
        low, high = self._interval(value, spread.average_S[s], spread.average_df_S[s])
        return Estimate(value, low, high, self.n, self.people or None)

    def by_id(self, s: int = 0) -> dict[str, Estimate]:
        """Group -> the estimate of its mean."""
        return {id_: self.estimate(c, s) for c, id_ in enumerate(self.ids)}

    def _interval(
        self, value: float, variance: float, df: float
    ) -> tuple[float, float] | tuple[None, None]:
        """Wilson's for shares, which are skewed near 0 and 1; else Student's t around the value."""
        share = self.bounds == _SHARE and not self.reported and 0 <= value <= 1
        if share and np.isfinite(variance):
            return wilson_interval(value, variance, df + 1)
        return t_interval(value, variance, df, self.bounds)


def group_means(
    value_N_S: FloatArray,
    group_N: npt.ArrayLike,
    clusters: Clusters,
    *,
    bounds: Bounds = UNBOUNDED,
    weight_N: npt.ArrayLike | None = None,
    certain: Collection[str] = (),
) -> GroupMeans:
    """Means of several series by group, with cluster-robust errors (`clustered`).

    Where values are credits, ``bounds`` are finite, and half a pair in either direction is added to
    each error (as Agresti and Min 2005 add it to the counts): models that answer alike on the
    pairs at hand are not proved to answer alike on others. One choice that was reported moves a
    corrected mean by ``1 / (1 - 2 flip)`` times as much, so that half a pair is as much larger.

    Intervals are Wilson's (`wilson_interval`) where ``bounds`` are (0, 1) and no choice was
    reported, else Student's t (`t_interval`).

    Args:
        value_N_S: One number for each row in each series, shape (N, S).
        group_N: Id of the group (community) of each row, shape (N,).
        clusters: The raters, questions and pairs of the rows.
        bounds: The least and the largest possible value.
        weight_N: How much each row counts, >= 0, shape (N,); rows of weight 0 are left out and not
            counted in ``n``.
        certain: Groups whose value is the same on every possible pair, such as the difference of a
            model from itself; nothing is added to their errors.

    Raises:
        NotEnoughData: If there are no rows, or a group's weights are all 0.
        InvalidInput: If shapes differ, a number is not finite, or an id is missing.
    """
    if not value_N_S.shape[1]:
        raise NotEnoughData("there are no series to measure")
    if not np.isfinite(value_N_S).all():
        raise InvalidInput("a value is not a finite number")
    _, weights = checked_values(value_N_S[:, 0], weight_N)
    rows = len(weights)
    ids, group = coded(group_N, "community", rows)
    cluster = coded(clusters.cluster_N, "cluster", rows)[1]
    kept = weights > 0
    n_C: IntArray = np.bincount(group[kept], minlength=ids.size)
    if not n_C.all():
        raise NotEnoughData("every weight is 0", where=f"community {ids[n_C == 0][0]}")
    person = np.broadcast_to(np.asarray(clusters.person_N, dtype=np.bool_), (rows,))[kept]
    pair = None if clusters.pair_N is None else coded(clusters.pair_N, "pair", rows)[1][kept]
    value, weight, group, cluster = value_N_S[kept], weights[kept], group[kept], cluster[kept]
    if pair is not None:
        n_C = _distinct_codes(group, pair, ids.size)
    spread = _spread(value, group, cluster, weight, _questions(clusters, rows, kept), clusters.both)
    flip = np.broadcast_to(np.asarray(clusters.flip_N, dtype=np.float64), (rows,))[kept]
    pair_C = _largest_changes(bounds, flip, group, n_C)
    total_C = np.bincount(group, weight)
    sums = [np.bincount(group, weight * column) for column in value.T]
    return GroupMeans(
        ids=tuple(str(id_) for id_ in ids),
        value_C_S=np.stack(sums, axis=1) / total_C[:, None],
        spread=_with_half_pairs(spread, pair_C, np.isin(ids.astype(np.str_), list(certain))),
        n_C=n_C,
        n=len(value) if pair is None else len(np.unique(pair)),
        people_C=_distinct_codes(group[person], cluster[person], ids.size),
        people=len(np.unique(cluster[person])),
        clusters_C=_distinct_codes(group, cluster, ids.size),
        bounds=bounds,
        reported=bool(flip.any()),
    )


def _questions(clusters: Clusters, rows: int, kept: BoolArray) -> IntArray | None:
    """The question of each row that counts; None where questions cause no error of their own."""
    if clusters.question_N is None:
        return None
    question = coded(clusters.question_N, "question", rows)[1][kept]
    return question if len(np.unique(question)) >= SAMPLE else None


def _spread(
    value_N_S: FloatArray,
    group_N: IntArray,
    cluster_N: IntArray,
    weight_N: FloatArray,
    question_N: IntArray | None,
    both: bool,
) -> Spread:
    if question_N is None:
        return cluster_spread(value_N_S, group_N, cluster_N, weight_N)
    return two_way_spread(value_N_S, group_N, (cluster_N, question_N), weight_N, both)


def _largest_changes(
    bounds: Bounds, flip_N: FloatArray, group_N: IntArray, n_C: IntArray
) -> FloatArray:
    """How much one pair can change each group's mean, shape (C,); 0 without finite bounds."""
    largest = max(abs(bounds[0]), abs(bounds[1]))
    if not np.isfinite(largest):
        return np.zeros(len(n_C))
    flip_C = np.zeros(len(n_C))
    np.maximum.at(flip_C, group_N, flip_N)
    return largest / (1 - 2 * flip_C) / n_C


def _with_half_pairs(spread: Spread, pair_C: FloatArray, certain_C: BoolArray) -> Spread:
    """The spread with half a pair of the largest possible value in either direction."""
    more_C = np.where(certain_C, 0.0, pair_C**2)
    return Spread(
        spread.variance_C_S + more_C[:, None],
        spread.df_C_S,
        spread.average_S + more_C.sum() / len(more_C) ** 2,
        spread.average_df_S,
    )


def _distinct_codes(group_N: IntArray, code_N: IntArray, size: int) -> IntArray:
    """Number of different codes in each group."""
    if not len(code_N):
        return np.zeros(size, dtype=np.int64)
    # Group and code as one number: a unique over numbers is faster than one over rows.
    cells = np.unique(code_N.astype(np.int64) * size + group_N)
    return np.bincount(cells % size, minlength=size)
