"""Every method against every other: paired differences that are valid for all of them at once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
from numpy.random import Generator

from pluralign.core import Estimate, FloatArray, rng_for
from pluralign.evaluation.community_accuracy import (
    METRIC,
    Drawing,
    measured_subsets,
    paired_differences,
    strength_differences,
    subset_rows,
)
from pluralign.evaluation.reward_rows import DifferenceRow, strength_columns
from pluralign.evaluation.test_pairs import OWN, IdArray, TestPairs
from pluralign.metrics import NORMAL_95, average_draws, draw_series_means, standard_error

_BOUNDS = (-1.0, 1.0)
Differences = Mapping[tuple[str, str], dict[str | None, Estimate]]
"""(Method, baseline) -> community -> paired difference; community None is the average."""


def simultaneous_rows(
    judged: TestPairs,
    margin_N_M: FloatArray,
    methods: Sequence[str],
    served: Collection[str],
    drawing: Drawing,
    baselines: Sequence[str] = (),
) -> Iterator[DifferenceRow]:
    """Difference of the averages of every two methods, with intervals for all pairs at once.

    The best of many methods is best partly by chance. ``low_all`` and ``high_all`` contain all true
    differences of the run at the same time in 95 % of cases (the single-step max-t of Westfall and
    Young 1993): a method whose ``low_all`` is above 0 is ahead whichever two are compared.

    Args:
        judged: The test pairs.
        margin_N_M: Margin of each pair under each method, each community under its own steer, in
            logits, shape (N, M).
        methods: Names of the M methods.
        served: The communities to average over, each counting the same.
        drawing: How intervals are drawn.
        baselines: Methods with which the others are compared in each community too.

    Yields:
        For each subset a row for each ordered pair of methods (method, baseline), with community
        None; then a row for each community, method and baseline of ``baselines``. Where strengths
        are known, they have the strength-weighted difference too.
    """
    for subset in measured_subsets(judged):
        rows = subset_rows(judged, subset) & np.isin(judged.community_N, list(served))
        if not rows.any():
            continue
        part, margin = judged.take(rows), margin_N_M[rows]
        differences, clear = _differences(part, margin, methods, drawing)
        factor = _factor(part, margin, methods, differences, drawing)
        for pair in permutations(methods, 2):
            found = _directed(differences, pair)[None]
            low_all, high_all = _stretched(found, factor)
            more = strength_columns(_directed(clear, pair).get(None))
            yield _row(pair, found, None, subset, low_all=low_all, high_all=high_all, **more)
        for pair in permutations(methods, 2):
            if pair[1] not in baselines:
                continue
            by_strength = _directed(clear, pair)
            for community, found in _directed(differences, pair).items():
                if community is not None:
                    more = strength_columns(by_strength.get(community))
                    yield _row(pair, found, community, subset, **more)


def _row(
    pair: tuple[str, str], found: Estimate, community: str | None, subset: str, **more: float | None
) -> DifferenceRow:
    method, baseline = pair
    return DifferenceRow.of(
        found, METRIC, method, OWN, community, subset, baseline=baseline, **more
    )


def _differences(
    part: TestPairs, margin_N_M: FloatArray, methods: Sequence[str], drawing: Drawing
) -> tuple[Differences, Differences]:
    """Differences of every two methods, plain and weighted by strength."""
    found: dict[tuple[str, str], dict[str | None, Estimate]] = {}
    clear: dict[tuple[str, str], dict[str | None, Estimate]] = {}
    for a, b in combinations(range(len(methods)), 2):
        pair = methods[a], methods[b]
        means = paired_differences(part, margin_N_M[:, a], margin_N_M[:, b], drawing)
        found[pair] = {None: means.average()}
        found[pair].update(means.by_id())
        clear[pair] = strength_differences(part, margin_N_M[:, a], margin_N_M[:, b], drawing)
    return found, clear


def _directed(differences: Differences, pair: tuple[str, str]) -> dict[str | None, Estimate]:
    """The differences of a pair of methods, which may be known the other way round."""
    if pair in differences:
        return differences[pair]
    return {community: -found for community, found in differences[pair[::-1]].items()}


def _factor(
    part: TestPairs,
    margin_N_M: FloatArray,
    methods: Sequence[str],
    differences: Differences,
    drawing: Drawing,
) -> float:
    """How many times wider an interval must be to be valid for all pairs at once, >= 1."""
    rng = rng_for(drawing.seed, "bootstrap", "all methods")
    credit_N_M = np.stack([part.credit(margin_N) for margin_N in margin_N_M.T], axis=1)
    average_B_M = _averages(part, credit_N_M, part.cluster_N, rng, drawing.draws)
    if np.isnan(average_B_M).all() and part.stem_N is not None:
        # A community has one rater only: intervals are those over questions there.
        average_B_M = _averages(part, credit_N_M, part.stem_N, rng, drawing.draws)
    largest_B = np.zeros(len(average_B_M))
    for a, b in combinations(range(len(methods)), 2):
        deviation_B = average_B_M[:, a] - average_B_M[:, b]
        deviation_B = deviation_B - differences[methods[a], methods[b]][None].value
        error = standard_error(deviation_B)
        if 0 < error < np.inf:
            largest_B = np.fmax(largest_B, np.abs(deviation_B) / error)
    return max(1.0, float(np.quantile(largest_B, 0.95)) / NORMAL_95)


def _averages(
    part: TestPairs, credit_N_M: FloatArray, cluster_N: IdArray, rng: Generator, draws: int
) -> FloatArray:
    """Draws of each method's mean over communities, shape (B, M)."""
    draws_B_C_M = draw_series_means(credit_N_M, part.community_N, cluster_N, rng, draws)
    each = [average_draws(np.ascontiguousarray(one)) for one in np.moveaxis(draws_B_C_M, 2, 0)]
    return np.stack(each, axis=1)


def _stretched(found: Estimate, factor: float) -> tuple[float | None, float | None]:
    if found.low is None or found.high is None:
        return None, None
    low = max(_BOUNDS[0], found.value - factor * (found.value - found.low))
    high = min(_BOUNDS[1], found.value + factor * (found.high - found.value))
    # A difference that is corrected for private choices may lie past a bound.
    return min(low, found.value), max(high, found.value)
