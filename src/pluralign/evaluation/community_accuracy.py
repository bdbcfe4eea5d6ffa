"""Accuracy for each community: of every method and steer, on all and on contested pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pluralign.core import NO_STEER, REFERENCE, BoolArray, Estimate, FloatArray, rng_for
from pluralign.evaluation.reward_rows import DifferenceRow, Row, SummaryRow, strength_columns
from pluralign.evaluation.test_pairs import OWN, TestPairs, margins_on, own_margins
from pluralign.metrics import ByCommunity, GroupMeans, disaggregate, group_means

METRIC = "pairwise_accuracy"
"""Metric of the rows of results: the share of pairs ranked as their raters did."""
SUBSETS = ("all", "contested")
"""Test pairs that are measured: all, and those on which the reference disagrees with the rater."""
ENOUGH = 5
"""Raters (or questions) that a ranked community needs: with fewer, intervals are too narrow."""
_CELLS = 2**24
"""Most credits, of pairs by steers, that are measured at once: each time, the ids are sorted."""
_CREDIT = (0.0, 1.0)
_DIFFERENCE = (-1.0, 1.0)
Margins = Mapping[str, FloatArray]
"""Steer -> margin of every test pair in logits, shape (N,)."""


def enough_people(row: Mapping[str, Any]) -> bool:
    """Whether a row rests on enough raters (or pairs or questions, without raters) to be ranked."""
    return bool((row["n"] if row["n_raters"] is None else row["n_raters"]) >= ENOUGH)


@dataclass(frozen=True, slots=True)
class Drawing:
    """How intervals are drawn.

    Attributes:
        seed: The same seed gives every method the same draws, so differences are paired.
        draws: How many.
        both: Whether the split held out raters and questions, so that both cause errors.
    """

    seed: int = 0
    draws: int = 2000
    both: bool = False


def measured_subsets(judged: TestPairs) -> tuple[str, ...]:
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
        yields none. Under a community's own steer, it has the strength-weighted accuracy too.
    """
    for subset in measured_subsets(judged):
        rows = subset_rows(judged, subset)
        if not rows.any():
            continue
        own = margins_on(margins, rows)
        yield from _series_rows(judged.take(rows), own, method, subset, drawing)


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
        names the community with the lowest value. ``overall`` and ``average`` have the
        strength-weighted accuracy too, the average where every community has known strengths.
    """
    own_N = own_margins(margins, judged)
    for subset in measured_subsets(judged):
        rows = subset_rows(judged, subset) & np.isin(judged.community_N, served)
        if not rows.any():
            continue
        part = judged.take(rows)
        by = _disaggregate(part, part.credit(own_N[rows]), subset, drawing)
        found = {"overall": by.overall, "average": by.average}
        clear = _by_strength(part, own_N[rows], drawing)
        worst_community = None
        if sum(n >= ENOUGH for n in by.clusters.values()) >= 2:
            worst_community, found["worst"] = by.worst(ENOUGH)
            found["disparity"] = by.disparity(ENOUGH)
            # A worst value of 0 may mean that all are 0, and then there is no ratio.
            if found["worst"].value > 0:
                found["ratio"] = by.ratio(ENOUGH)
        for aggregate, e in found.items():
            named = worst_community if aggregate == "worst" else None
            more: dict[str, Any] = {"aggregate": aggregate, "worst_community": named}
            more |= strength_columns(clear.get(aggregate))
            yield SummaryRow.of(e, METRIC, method, OWN, None, subset, **more)


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
    for subset in measured_subsets(judged):
        rows = subset_rows(judged, subset) & np.isin(judged.community_N, served)
        if not rows.any():
            continue
        part = judged.take(rows)
        means = paired_differences(part, own_N[rows], other_N[rows], drawing)
        clear = strength_differences(part, own_N[rows], other_N[rows], drawing)
        for community, e in [(None, means.average()), *means.by_id().items()]:
            more: dict[str, Any] = {"baseline": baseline[0]}
            more |= strength_columns(clear.get(community))
            yield DifferenceRow.of(e, METRIC, method, OWN, community, subset, **more)


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
    for steer, margin_N in margins.items():
        rows = np.isin(judged.community_N, bystanders) & (judged.community_N != steer)
        if steer == NO_STEER or not rows.any():
            continue
        part = judged.take(rows)
        means = paired_differences(part, margin_N[rows], part.reference_N, drawing)
        more = {"baseline": REFERENCE, "aggregate": "bystanders"}
        yield DifferenceRow.of(means.average(), METRIC, method, steer, None, "all", **more)


def _disaggregate(
    part: TestPairs, value_N: FloatArray, purpose: str, drawing: Drawing
) -> ByCommunity:
    """Estimates by community; one purpose has the same draws for every method."""
    rng = rng_for(drawing.seed, "bootstrap", purpose)
    clusters = part.clusters(drawing.both)
    return disaggregate(
        value_N, part.community_N, clusters, rng, bounds=_CREDIT, draws=drawing.draws
    )


def paired_differences(
    part: TestPairs, margin_N: FloatArray, other_N: FloatArray, drawing: Drawing
) -> GroupMeans:
    """Means of paired differences in credit between two models, by community."""
    gain_N = part.credit(margin_N) - part.credit(other_N)
    return group_means(
        gain_N[:, None],
        part.community_N,
        part.clusters(drawing.both),
        bounds=_DIFFERENCE,
        certain=_alike(part, margin_N, other_N),
    )


def _series_rows(
    part: TestPairs, margins: Margins, method: str, subset: str, drawing: Drawing
) -> Iterator[Row]:
    """A row for each community and steer; some steers are in memory at once."""
    steers = list(margins)
    together = max(1, _CELLS // len(part))
    found: dict[tuple[str, str], Estimate] = {}
    for start in range(0, len(steers), together):
        chosen = steers[start : start + together]
        credit_N_S = np.stack([part.credit(margins[s]) for s in chosen], axis=1)
        means = group_means(
            credit_N_S, part.community_N, part.clusters(drawing.both), bounds=_CREDIT
        )
        for s, steer in enumerate(chosen):
            for community, e in means.by_id(s).items():
                found[community, steer] = e
    weighted = strength_means(part, own_margins(margins, part), drawing)
    clear = {} if weighted is None else weighted.by_id()
    for community in np.unique(part.community_N).tolist():
        for steer in steers:
            named = None if steer == NO_STEER else steer
            is_own = named is None or named == community
            more = strength_columns(clear.get(community) if is_own else None)
            yield Row.of(found[community, steer], METRIC, method, named, community, subset, **more)


def strength_means(part: TestPairs, margin_N: FloatArray, drawing: Drawing) -> GroupMeans | None:
    """Accuracy with each pair weighted by the strength of its choice, by community.

    A model that is right on clear choices and wrong on close ones scores higher here than in plain
    accuracy. Pairs of unknown strength are left out, and communities that have no others.

    Args:
        part: The test pairs.
        margin_N: Margin of each, shape (N,).
        drawing: Whether the split held out raters and questions.

    Returns:
        Means in one series; None where no strength is known.
    """
    return _weighted_by_strength(part, part.credit(margin_N), drawing, _CREDIT)


def strength_differences(
    part: TestPairs, margin_N: FloatArray, other_N: FloatArray, drawing: Drawing
) -> dict[str | None, Estimate]:
    """Paired differences with each pair weighted by the strength of its choice.

    Returns:
        Community -> difference, of those with known strengths; and None -> the average, where every
        community has them.
    """
    gain_N = part.credit(margin_N) - part.credit(other_N)
    means = _weighted_by_strength(
        part, gain_N, drawing, _DIFFERENCE, _alike(part, margin_N, other_N)
    )
    if means is None:
        return {}
    found: dict[str | None, Estimate] = {}
    found.update(means.by_id())
    if len(found) == len(np.unique(part.community_N)):
        found[None] = means.average()
    return found


def _weighted_by_strength(
    part: TestPairs,
    value_N: FloatArray,
    drawing: Drawing,
    bounds: tuple[float, float],
    certain: Sequence[str] = (),
) -> GroupMeans | None:
    """Means of values over the pairs of known strength; None where there are none."""
    if part.strength_N is None:
        return None
    counted_N = np.nan_to_num(part.strength_N) > 0
    if not counted_N.any():
        return None
    known = part.take(counted_N)
    return group_means(
        value_N[counted_N][:, None],
        known.community_N,
        known.clusters(drawing.both),
        bounds=bounds,
        weight_N=known.strength_N,
        certain=certain,
    )


def _alike(part: TestPairs, margin_N: FloatArray, other_N: FloatArray) -> list[str]:
    """Communities whose margins are the same under two models."""
    differs = np.unique(part.community_N[margin_N != other_N])
    alike: list[str] = np.setdiff1d(part.community_N, differs).tolist()
    return alike


def _by_strength(part: TestPairs, margin_N: FloatArray, drawing: Drawing) -> dict[str, Estimate]:
    """Strength-weighted accuracy by aggregate."""
    means = strength_means(part, margin_N, drawing)
    if means is None:
        return {}
    everybody = replace(part, community_N=np.zeros(len(part), dtype=np.str_))
    overall = strength_means(everybody, margin_N, drawing)
    assert overall is not None
    found = {"overall": overall.estimate(0)}
    if len(means.ids) == len(np.unique(part.community_N)):
        found["average"] = means.average()
    return found
