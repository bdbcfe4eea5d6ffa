"""Further studies of a run: learning curves, and SCPO under other settings."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray, Reporter, rng_for
from pluralign.evaluation import (
    METRIC,
    OWN,
    Drawing,
    Row,
    TestPairs,
    fraction_needed,
    own_margins,
    subset_rows,
)
from pluralign.experiments.bench import Bench, FittedMethod
from pluralign.methods import Method, TrainingSet
from pluralign.metrics import Drawn, average_draws, draw_series_means, effective_clusters
from pluralign.rewards import EncodedPairs


@dataclass(frozen=True, slots=True)
class Part:
    """One repeat of a run.

    Attributes:
        bench: Where methods are fitted.
        test: Test pairs.
        judged: The same as columns.
    """

    bench: Bench
    test: EncodedPairs
    judged: TestPairs


@dataclass(frozen=True, slots=True)
class StudyFit:
    """One fit of a study; it depends on no other.

    Attributes:
        part: Number of its repeat in the study.
        method: Name of its method.
        changed: Settings that differ from those of the method's table.
        fraction: Part of the training data that it learns from, in (0, 1]; None: all.
        by: Unit of the fraction, ``pairs`` or ``raters``.
    """

    part: int
    method: str
    changed: tuple[tuple[str, float], ...] = ()
    fraction: float | None = None
    by: str = ""

    def bench(self, bench: Bench) -> Bench:
        """The bench of its repeat, with as much to learn from as it has."""
        return bench if self.fraction is None else _thinned(bench, self.fraction, self.by)


FitAll = Callable[[Sequence[StudyFit]], Iterable[tuple[StudyFit, FittedMethod]]]
"""Makes the fits of a study, in any order."""


def fit_here(
    benches: Mapping[int, Bench], methods: Mapping[str, Method], fits: Sequence[StudyFit]
) -> Iterator[tuple[StudyFit, FittedMethod]]:
    """Make fits in this process, one after the other.

    Args:
        benches: Number of a repeat -> its bench.
        methods: The methods by name.
        fits: The fits; they share ridges where they learn from the same data.
    """
    made: dict[tuple[int, float | None, str], Bench] = {}
    for fit in fits:
        data = fit.part, fit.fraction, fit.by
        if data not in made:
            made[data] = fit.bench(benches[fit.part])
        yield fit, made[data].fit(methods[fit.method], **dict(fit.changed))


@dataclass(frozen=True, slots=True)
class RunStudy:
    """The data of a study: one or several repeats of a run.

    Attributes:
        parts: The repeats.
        judged: Their test pairs, one repeat after the other.
        drawing: How intervals are drawn.
        reporter: Is notified of the progress.
        fit_all: Makes its fits, here or on workers.
    """

    parts: tuple[Part, ...]
    judged: TestPairs
    drawing: Drawing
    reporter: Reporter
    fit_all: FitAll

    def credit(self, series: Sequence[Sequence[StudyFit]]) -> FloatArray:
        """Credit of each test pair under the steer to its own community.

        Args:
            series: For each of S series, a fit for each repeat.

        Returns:
            Credits in {0, 0.5, 1}, shape (N, S).
        """
        columns: dict[StudyFit, list[int]] = {}
        for s, fits in enumerate(series):
            for fit in fits:
                columns.setdefault(fit, []).append(s)
        ends = np.cumsum([len(part.judged) for part in self.parts])
        credit_N_S = np.empty((len(self.judged), len(series)))
        for k, (fit, fitted) in enumerate(self.fit_all(list(columns))):
            self.reporter.progress(k, len(columns))
            part = self.parts[fit.part]
            rows = slice(ends[fit.part] - len(part.judged), ends[fit.part])
            own_N = own_margins(fitted.margins(part.test), part.judged)
            credit_N_S[rows, columns[fit]] = part.judged.credit(own_N)[:, None]
        return credit_N_S

    def rows(self, subset: str) -> BoolArray:
        """Which pairs of a subset are of communities that a repeat steers to, shape (N,)."""
        steered = {c for part in self.parts for c in part.bench.train.communities}
        return subset_rows(self.judged, subset) & np.isin(self.judged.community_N, sorted(steered))

    def averages(self, credit_N_S: FloatArray, subset: str = "all") -> list[Drawn]:
        """Mean of each series over the communities steered to, each of which counts the same."""
        rows = self.rows(subset)
        part = self.judged.take(rows)
        rng = rng_for(self.drawing.seed, "bootstrap", subset)
        draws_B_C_S = draw_series_means(
            credit_N_S[rows], part.community_N, part.cluster_N, rng, self.drawing.draws
        )
        own = credit_N_S[rows]
        communities = np.unique(part.community_N)
        value_C_S = [own[part.community_N == community].mean(axis=0) for community in communities]
        value_S = np.mean(value_C_S, axis=0)
        pairs = len(np.unique(part.pair_N))
        people, clusters = part.people(), effective_clusters(part.cluster_N)
        averages = []
        for s, value in enumerate(value_S.tolist()):
            # Contiguous, so that numpy sums in the same order for any number of series.
            draws_B_C = np.ascontiguousarray(draws_B_C_S[:, :, s])
            drawn_B = average_draws(draws_B_C)
            averages.append(Drawn(value, drawn_B, pairs, people, clusters, bounds=(0.0, 1.0)))
        return averages


def curve_rows(
    study: RunStudy, methods: Mapping[str, Method], fractions: tuple[float, ...], by: str
) -> Iterator[dict[str, Any]]:
    """Accuracy against the amount of training data, and how much of it reaches a baseline.

    The pairs of the communities steered to are thinned; the pairs of other communities and the
    reference stay as they are. Ridges are chosen anew at each size.

    Args:
        study: The repeats to work on.
        methods: The methods to draw curves for; a baseline that steers, such as ``full``, sets the
            target.
        fractions: Sizes, in (0, 1].
        by: ``pairs`` or ``raters`` (questions or stems where there are no raters).

    Yields:
        A row for each method and size (columns ``by``, ``fraction``, and the mean over repeats of
        ``train_pairs`` and ``train_units``), then a row for each target and method with the metric
        ``fraction_needed``; nothing where no community steered to has test pairs.
    """
    if not study.rows("all").any():
        return
    sizes = sorted({*fractions, 1.0})
    means = [_mean_size(study.parts, fraction, by) for fraction in sizes]
    curves = _curves(study, methods, sizes, by)
    for name, curve in curves.items():
        for fraction, (pairs, units), number in zip(sizes, means, curve, strict=True):
            yield _row(name, number).as_dict(
                by=by,
                fraction=fraction,
                train_pairs=pairs,
                train_units=units,
                repeats=len(study.parts),
            )
    for name, method in methods.items():
        if method.baseline and method.steers:
            yield from _needed_rows(curves, sizes, name, by)


def _curves(
    study: RunStudy, methods: Mapping[str, Method], sizes: Sequence[float], by: str
) -> dict[str, list[Drawn]]:
    """Method -> its accuracy at each size, all with the same draws."""
    series = [
        [StudyFit(k, name, (), fraction, by) for k in range(len(study.parts))]
        for fraction in sizes
        for name in methods
    ]
    # All sizes and methods in one call, so that their differences are paired.
    averages = study.averages(study.credit(series))
    return {name: averages[m :: len(methods)] for m, name in enumerate(methods)}


def _needed_rows(
    curves: Mapping[str, Sequence[Drawn]], sizes: Sequence[float], target: str, by: str
) -> Iterator[dict[str, Any]]:
    """The share of the training data with which each method reaches the target on all of it."""
    goal = curves[target][-1]
    for name, curve in curves.items():
        needed = fraction_needed(
            np.array(sizes),
            np.array([number.value for number in curve]),
            goal.value,
            np.stack([number.draws_B for number in curve], axis=1),
            goal.draws_B,
        )
        yield {
            "metric": "fraction_needed", "method": name, "target": target, "by": by,
            "value": needed.fraction, "low": needed.low, "high": needed.high,
        }  # fmt: skip


def sensitivity_rows(
    study: RunStudy, grid: list[tuple[str, dict[str, float]]]
) -> Iterator[dict[str, Any]]:
    """Accuracy of methods under other settings.

    Args:
        study: The repeats to work on.
        grid: Method and the settings to change, one entry for each fit.

    Yields:
        For each entry a row on all and one on contested pairs, with the settings as columns.
    """
    credit_N_S = study.credit(
        [
            [StudyFit(k, name, tuple(changed.items())) for k in range(len(study.parts))]
            for name, changed in grid
        ]
    )
    for subset in ("all", "contested"):
        if not study.rows(subset).any():
            continue
        averages = study.averages(credit_N_S, subset)
        for (name, changed), number in zip(grid, averages, strict=True):
            yield _row(name, number, subset).as_dict(**changed)


def _thinned(bench: Bench, fraction: float, by: str) -> Bench:
    """The same bench with less to learn from."""
    # The same state for each fraction, so that smaller ones keep a part of what larger ones keep.
    return bench.on(thin(bench.train, fraction, by, rng_for(bench.seed, "curve", by)))


def _size(train: TrainingSet) -> tuple[int, int]:
    """Pairs, and raters (or questions), of the communities steered to."""
    of = np.isin(train.community_N, train.communities)
    return int(of.sum()), len(np.unique(train.unit_N[of]))


def _mean_size(parts: Sequence[Part], fraction: float, by: str) -> tuple[int, int]:
    """The mean of `_size` over repeats with a fraction of their training data, rounded."""
    sizes = [_size(_thinned(part.bench, fraction, by).train) for part in parts]
    pairs, units = np.mean(sizes, axis=0).round()
    return int(pairs), int(units)


def thin(train: TrainingSet, fraction: float, by: str, rng: np.random.Generator) -> TrainingSet:
    """Keep a fraction of the pairs, or of the raters, of the communities steered to.

    Smaller fractions keep a part of what larger ones keep, given the same state of the generator;
    each community keeps at least one pair.
    """
    community_N = train.community_N
    kept = ~np.isin(community_N, train.communities)
    for community in train.communities:
        rows = np.flatnonzero(community_N == community)
        kept[rows[_first(train.unit_N[rows], fraction, by, rng)]] = True
    return train.without(~kept)


def _first(
    unit_N: np.ndarray[Any, Any], fraction: float, by: str, rng: np.random.Generator
) -> IntArray:
    if by == "pairs":
        return rng.permutation(len(unit_N))[: max(1, round(fraction * len(unit_N)))]
    units = np.unique(unit_N)
    drawn = rng.permutation(units)[: max(1, round(fraction * len(units)))]
    return np.flatnonzero(np.isin(unit_N, drawn))


def _row(method: str, number: Drawn, subset: str = "all") -> Row:
    """A row on all communities steered to, each under the steer to itself."""
    return Row.of(number.estimate, METRIC, method, OWN, None, subset)
