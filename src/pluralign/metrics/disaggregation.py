"""One answer shape for every measure: overall, on average, and for each community."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from pluralign.core import Estimate, FloatArray, InvalidInput, NotEnoughData
from pluralign.metrics.clustered import NORMAL_95, Bounds
from pluralign.metrics.group_means import UNBOUNDED, Clusters, GroupMeans, group_means
from pluralign.metrics.input_checks import checked_values
from pluralign.metrics.intervals import draw_group_means


@dataclass(frozen=True, slots=True)
class ByCommunity:
    """A measure over everybody and for each community; all intervals are 95 %.

    Attributes:
        overall: Mean over all pairs, so large communities count more.
        average: Mean over communities, each counting the same. Its interval is None where a
            community has only one cluster, since that one's error is unknown.
        by_community: Community id -> its estimate, sorted by id; small ones are reported too, with
            their ``n``.
        clusters: Community id -> number of raters (or questions, without raters).
        draws_B_C: Joint draws, shape (B, C), columns as in ``by_community``; see `draw_group_means`
            for nan.
        bounds: The least and the largest possible value.
    """

    overall: Estimate
    average: Estimate
    by_community: Mapping[str, Estimate]
    clusters: Mapping[str, int]
    draws_B_C: FloatArray = field(repr=False, compare=False)
    bounds: Bounds = UNBOUNDED

    def worst(self, min_clusters: int = 2) -> tuple[str, Estimate]:
        """The community with the lowest value, and its estimate.

        Being picked for its low value, it is on average less badly off than measured.

        Args:
            min_clusters: Leave out communities with fewer raters (or questions).

        Raises:
            NotEnoughData: If no community has that many.
        """
        return min(self._compared(min_clusters, at_least=1).items(), key=lambda item: item[1].value)

    def disparity(self, min_clusters: int = 2) -> Estimate:
        """The largest gap between two communities.

        The gap between the highest and the lowest of several noisy values is larger than the true
        gap, more so the more and the smaller the communities. So read the lower end: it is above 0
        only if the communities' values differ by more than chance, by a range test in the manner of
        Tukey. The interval is the gap plus or minus the 95th percentile of the range of the draws'
        deviations, cut at 0 and at the largest possible gap: it covers all communities at once, and
        covers the true gap at least 95 % of the time, being wide where communities are many.

        Args:
            min_clusters: Leave out communities with fewer raters (or questions).

        Returns:
            The gap, >= 0, in the unit of the values.

        Raises:
            NotEnoughData: If fewer than two communities have that many.
        """
        compared = self._compared(min_clusters, at_least=2)
        values = np.array([e.value for e in compared.values()])
        gap = float(np.ptp(values))
        reach = _reach(values, self._draws(compared))
        if reach is None:
            return self._summary(gap, None, None, compared)
        # Where choices are private, values and their gap may lie past the bounds.
        largest = max(gap, self.bounds[1] - self.bounds[0])
        low, high = max(0.0, gap - reach), min(largest, gap + reach)
        return self._summary(gap, low, high, compared)

    def ratio(self, min_clusters: int = 2) -> Estimate:
        """The lowest community's value over the highest one's; 1 is parity.

        Biased away from 1 as `disparity` is from 0; the interval is built the same way, on
        logarithms.

        Args:
            min_clusters: Leave out communities with fewer raters (or questions).

        Returns:
            The ratio in [0, 1]; no interval where a value is 0.

        Raises:
            NotEnoughData: If fewer than two communities have that many, or all values are 0.
            InvalidInput: If a value is negative.
        """
        compared = self._compared(min_clusters, at_least=2)
        values = np.array([e.value for e in compared.values()])
        if (values < 0).any():
            raise InvalidInput(
                "a ratio needs values >= 0", hint="use disparity() for values that can be negative"
            )
        if not values.any():
            raise NotEnoughData("every community's value is 0: no ratio exists")
        share = float(values.min() / values.max())
        with np.errstate(divide="ignore"):
            draws_B_C = np.maximum(self._draws(compared), 0)  # a stretched draw may pass 0
            reach = _reach(np.log(values), np.log(draws_B_C)) if share > 0 else None
        if reach is None:
            return self._summary(share, None, None, compared)
        low, high = share * np.exp(-reach), min(1.0, share * np.exp(reach))
        return self._summary(share, low, high, compared)

    def _compared(self, min_clusters: int, at_least: int) -> dict[str, Estimate]:
        compared = {c: e for c, e in self.by_community.items() if self.clusters[c] >= min_clusters}
        if len(compared) < at_least:
            known = f"{len(compared)} of {len(self.by_community)} communities"
            raise NotEnoughData(
                f"{known} have {min_clusters} raters or questions",
                hint="lower min_clusters, or gather more",
            )
        return compared

    def _draws(self, compared: Mapping[str, Estimate]) -> FloatArray:
        return self.draws_B_C[:, [i for i, c in enumerate(self.by_community) if c in compared]]

    def _summary(
        self, value: float, low: float | None, high: float | None, of: Mapping[str, Estimate]
    ) -> Estimate:
        n_raters = sum(e.n_raters or 0 for e in of.values()) or None
        return Estimate(value, low, high, n=sum(e.n for e in of.values()), n_raters=n_raters)


def disaggregate(
    value_N: npt.ArrayLike,
    community_N: npt.ArrayLike,
    clusters: Clusters,
    rng: np.random.Generator,
    *,
    bounds: Bounds = UNBOUNDED,
    draws: int = 2000,
    weight_N: npt.ArrayLike | None = None,
) -> ByCommunity:
    """Average a measure over everybody and by community; errors are those of clusters, not of rows.

    Args:
        value_N: One number for each row (credit, similarity, a difference between two models),
            shape (N,).
        community_N: Id of the community of each, shape (N,).
        clusters: The raters, questions and pairs of the rows.
        rng: Source of randomness of the draws behind `ByCommunity.disparity` and its ratio.
        bounds: The least and the largest possible value; see `group_means`.
        draws: How many times to resample.
        weight_N: How much each row counts, as in `group_means`.

    Raises:
        NotEnoughData: If there is nothing to average, or a community's weights are all 0.
        InvalidInput: If shapes differ, a number is not finite, or an id is missing.

    >>> from pluralign.core import rng_for
    >>> people = ["GBR", "GBR", "MEX", "MEX"]
    >>> raters = Clusters(cluster_N=["a", "b", "c", "d"])
    >>> by = disaggregate([1, 0, 1, 1], people, raters, rng_for(0), bounds=(0, 1))
    >>> by.overall.value, by.worst()[0], by.disparity().value, by.ratio().value
    (0.75, 'GBR', 0.5, 0.5)
    """
    values, weights = checked_values(value_N, weight_N)
    column = values[:, None]
    means = group_means(column, community_N, clusters, bounds=bounds, weight_N=weights)
    one_group = np.zeros(len(values), dtype=np.int64)
    overall = group_means(column, one_group, clusters, bounds=bounds, weight_N=weights)
    kept = weights > 0
    communities, cluster = np.asarray(community_N)[kept], np.asarray(clusters.cluster_N)[kept]
    draws_B_C = draw_group_means(
        values[kept], communities, cluster, rng, draws, weight_N=weights[kept]
    )
    return ByCommunity(
        overall=overall.estimate(0),
        average=means.average(),
        by_community=means.by_id(),
        clusters=dict(zip(means.ids, means.clusters_C.tolist(), strict=True)),
        draws_B_C=_as_wide_as_intervals(draws_B_C, means, rng),
        bounds=bounds,
    )


def _as_wide_as_intervals(
    draws_B_C: FloatArray, means: GroupMeans, rng: np.random.Generator
) -> FloatArray:
    """The draws, stretched until the middle 95 % of each community are as wide as by Student's t.

    Draws resample one kind of cluster, and are too narrow where clusters are few. Where all rows of
    a community are equal, its draws are too, and normal deviations take their place.
    """
    variance_C, df_C = means.spread.variance_C_S[:, 0], means.spread.df_C_S[:, 0]
    reach_C = stdtrit(np.maximum(df_C, 1), 0.975) * np.sqrt(variance_C) / NORMAL_95
    deviation_B_C = draws_B_C - means.value_C_S[:, 0]
    flat_C = (deviation_B_C == 0).any(axis=0) & ~np.nan_to_num(deviation_B_C).any(axis=0)
    deviation_B_C[:, flat_C] += rng.normal(size=(len(draws_B_C), int(flat_C.sum())))
    # A column of nan, of a community with one cluster, stays as it is.
    squared_B_C = np.nan_to_num(deviation_B_C**2)
    drawn_C = np.maximum((~np.isnan(deviation_B_C)).sum(axis=0), 1)
    seen_C = np.sqrt(squared_B_C.sum(axis=0) / drawn_C)
    stretch_C = np.divide(reach_C, seen_C, out=np.ones_like(reach_C), where=seen_C > 0)
    stretched: FloatArray = means.value_C_S[:, 0] + deviation_B_C * stretch_C
    return stretched


def _reach(value_C: FloatArray, draws_B_C: FloatArray) -> float | None:
    """95th percentile of the range of the draws' deviations; None where one has no draws."""
    if np.isnan(draws_B_C).all(axis=0).any():
        return None
    # A draw that lacks a community has no deviation for it, so it counts as 0. On logarithms a draw
    # of 0 is -inf, and its range counts as infinite.
    with np.errstate(invalid="ignore"):
        deviation_B_C = np.where(np.isnan(draws_B_C), 0, draws_B_C - value_C)
        range_B = np.nan_to_num(np.ptp(deviation_B_C, axis=1), nan=np.inf, posinf=np.inf)
    # Without interpolation, which makes nan of infinite ranges.
    return float(np.quantile(range_B, 0.95, method="higher"))
