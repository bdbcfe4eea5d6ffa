"""Accuracy for each community: of every method and steer, on all and on contested pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pluralign.core import NO_STEER, REFERENCE, BoolArray, Estimate, FloatArray, rng_for
from pluralign.evaluation.reward_rows import DifferenceRow, Row, SummaryRow
from pluralign.evaluation.test_pairs import OWN, TestPairs, own_margins
from pluralign.metrics import ByCommunity, disaggregate, draw_series_means

METRIC = "pairwise_accuracy"
SUBSETS = ("all", "contested")
ENOUGH = 5
"""Raters (or questions) that a ranked community needs: with fewer, intervals are too narrow."""
_TOGETHER = 16
Margins = Mapping[str, FloatArray]


def enough_people(row: Mapping[str, Any]) -> bool:
    """Whether a row rests on enough raters (or pairs or questions, without raters) to be ranked."""
    return bool((row["n"] if row["n_raters"] is None else row["n_raters"]) >= ENOUGH)


@dataclass(frozen=True, slots=True)
class Drawing:
    """How intervals are drawn.

    Attributes:
        seed: The same seed gives every method the same draws, so differences are paired.
        draws: How many.
    """

    seed: int = 0
    draws: int = 2000


def _subsets(judged: TestPairs) -> tuple[str, ...]:
    """The subsets to measure; which pairs are contested is not known where choices are private."""
    return SUBSETS if judged.flip_N is None else ("all",)


def subset_rows(judged: TestPairs, subset: str) -> BoolArray:
    """Pairs of a subset, shape (N,); contested: the reference prefers what the rater rejected."""
    if subset == "contested":
        return judged.reference_N < 0
    return np.ones(len(judged), dtype=np.bool_)


def steer_rows(judged: TestPairs, method: str, margins: Margins, drawing: Drawing) -> Iterator[Row]:
    """Accuracy of one method for every steer x community x subset.

    Args:
        judged: The test pairs.
        method: Name of the method.
        margins: Its margins by steer, as `margins_by_steer` gives them.
        drawing: How intervals are drawn.

    Yields:
        One row for each steer, community and subset that has pairs; a community without test pairs
        yields none.
    """
    steers = list(margins)
    for subset in _subsets(judged):
        rows = subset_rows(judged, subset)
        if not rows.any():
            continue
        part, own = judged.take(rows), {s: margins[s][rows] for s in steers}
        yield from _series_rows(part, own, method, subset, drawing)


def summary_rows(
    judged: TestPairs, method: str, margins: Margins, served: Sequence[str], drawing: Drawing
) -> Iterator[SummaryRow]:
    """One method over all the communities it is to serve, each under the steer to itself.

    Args:
        judged: The test pairs.
        method: Name of the method.
        margins: Its margins by steer.
        served: The communities to serve.
        drawing: How intervals are drawn.

    Yields:
        For each subset the ``overall``, ``average``, ``worst``, ``disparity`` and ``ratio`` (column
        ``aggregate``), as `pluralign.metrics.ByCommunity` defines them, the last three among
        communities with at least five raters (or questions) in the subset. ``worst_community``
        names the community with the lowest value.
    """
    own_N = own_margins(margins, judged)
    for subset in _subsets(judged):
        rows = subset_rows(judged, subset) & np.isin(judged.community_N, served)
        if not rows.any():
            continue
        part = judged.take(rows)
        by = _disaggregate(part, part.credit(own_N[rows]), subset, drawing)
        found = {"overall": by.overall, "average": by.average}
        worst_community = None
        if sum(n >= ENOUGH for n in by.clusters.values()) >= 2:
            worst_community, found["worst"] = by.worst(ENOUGH)
            found["disparity"] = by.disparity(ENOUGH)
            # A worst value of 0 may mean that all are 0, and then there is no ratio.
            if found["worst"].value > 0:
                found["ratio"] = by.ratio(ENOUGH)
        for aggregate, e in found.items():
            of = worst_community if aggregate == "worst" else None
            more = {"aggregate": aggregate, "worst_community": of}
            yield SummaryRow.of(_counted(part, e, of), METRIC, method, OWN, None, subset, **more)


def difference_rows(
    judged: TestPairs,
    method: str,
    margins: Margins,
    baseline: tuple[str, Margins],
    served: Sequence[str],
    drawing: Drawing,
) -> Iterator[DifferenceRow]:
    """Paired difference in accuracy between a method and a baseline, each under the own steer.

    Args:
        judged: The test pairs.
        method: Name of the method.
        margins: Its margins by steer.
        baseline: Name and margins of the baseline.
        served: The communities to serve.
        drawing: How intervals are drawn.

    Yields:
        For each subset the difference on average (community None) and for each community; above 0
        the method is better.
    """
    own_N, other_N = own_margins(margins, judged), own_margins(baseline[1], judged)
    for subset in _subsets(judged):
        rows = subset_rows(judged, subset) & np.isin(judged.community_N, served)
        if not rows.any():
            continue
        part = judged.take(rows)
        gain_N = part.credit(own_N[rows]) - part.credit(other_N[rows])
        by = _disaggregate(part, gain_N, subset, drawing)
        for community, e in [(None, by.average), *by.by_community.items()]:
            counted = _counted(part, e, community)
            more = {"baseline": baseline[0]}
            yield DifferenceRow.of(counted, METRIC, method, OWN, community, subset, **more)


def harm_rows(
    judged: TestPairs, method: str, margins: Margins, bystanders: Sequence[str], drawing: Drawing
) -> Iterator[DifferenceRow]:
    """The cost of a steer to a community for all other communities.

    Args:
        judged: The test pairs.
        method: Name of the method.
        margins: Its margins by steer.
        bystanders: Communities whose pairs count, such as those the reference was fitted on.
        drawing: How intervals are drawn.

    Yields:
        For each steer the paired difference to the reference on the pairs of all bystanders but the
        one steered to; below 0 they are worse off.
    """
    baseline_N = judged.credit(judged.reference_N)
    for steer, margin_N in margins.items():
        rows = np.isin(judged.community_N, bystanders) & (judged.community_N != steer)
        if steer == NO_STEER or not rows.any():
            continue
        part = judged.take(rows)
        by = _disaggregate(part, part.credit(margin_N[rows]) - baseline_N[rows], "harm", drawing)
        counted = _counted(part, by.average, None)
        more = {"baseline": REFERENCE, "aggregate": "bystanders"}
        yield DifferenceRow.of(counted, METRIC, method, steer, None, "all", **more)


def _disaggregate(
    part: TestPairs, value_N: FloatArray, purpose: str, drawing: Drawing
) -> ByCommunity:
    """Estimates by community; one purpose has the same draws for every method."""
    rng = rng_for(drawing.seed, "bootstrap", purpose)
    return disaggregate(
        value_N, part.community_N, part.cluster_N, rng, raters=part.raters, draws=drawing.draws
    )


def _counted(part: TestPairs, e: Estimate, community: str | None) -> Estimate:
    """An estimate whose n counts different pairs, of one community or of all."""
    pairs = part.pair_N if community is None else part.pair_N[part.community_N == community]
    return replace(e, n=len(np.unique(pairs)))


def _series_rows(
    part: TestPairs, margins: Margins, method: str, subset: str, drawing: Drawing
) -> Iterator[Row]:
    communities = np.unique(part.community_N).tolist()
    of_C = [part.community_N == community for community in communities]
    means = _means(part, margins, of_C, subset, drawing)
    steers = list(margins)
    for c, community in enumerate(communities):
        n = len(np.unique(part.pair_N[of_C[c]]))
        people = len(np.unique(part.cluster_N[of_C[c]]))
        for s, steer in enumerate(steers):
            value, low, high = means[:, c, s].tolist()
            # One rater (or question) shows no spread, even where questions are drawn jointly.
            if people < 2 or np.isnan(low):
                low = high = None
            n_raters = people if part.raters else None
            yield Row(
                metric=METRIC,
                method=method,
                steer=None if steer == NO_STEER else steer,
                community=community,
                subset=subset,
                value=value,
                low=low,
                high=high,
                n=n,
                n_raters=n_raters,
            )


def _means(
    part: TestPairs, margins: Margins, of_C: Sequence[BoolArray], subset: str, drawing: Drawing
) -> FloatArray:
    """Accuracy of each community under each steer, and the ends of its interval, shape (3, C, S).

    All steers have the same draws; the numbers of `_TOGETHER` steers are in memory at once.
    """
    steers = list(margins)
    lots = []
    for start in range(0, len(steers), _TOGETHER):
        credit_N_S = np.stack(
            [part.credit(margins[s]) for s in steers[start : start + _TOGETHER]], axis=1
        )
        # Made anew for each lot of steers, so that all have the same draws.
        rng = rng_for(drawing.seed, "bootstrap", subset)
        draws_B_C_S = draw_series_means(
            credit_N_S, part.community_N, part.cluster_N, rng, drawing.draws
        )
        value_C_S = np.stack([credit_N_S[own].mean(axis=0) for own in of_C])
        ends_2_C_S = np.stack([_ends(draws_B_C_S[:, c]) for c in range(len(of_C))], axis=1)
        lots.append(np.concatenate([value_C_S[None], ends_2_C_S]))
    means: FloatArray = np.concatenate(lots, axis=2)
    return means


def _ends(draws_B_S: FloatArray) -> FloatArray:
    """The middle 95 % of the draws of each series, shape (2, S); nan where there are none."""
    if np.isnan(draws_B_S).all():
        return np.full((2, draws_B_S.shape[1]), np.nan)
    ends: FloatArray = np.nanquantile(draws_B_S, [0.025, 0.975], axis=0)
    return ends
