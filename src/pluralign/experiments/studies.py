"""Studies beside the comparison: learning curves, and SCPO under other settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray, Reporter, SteerableRewardModel, rng_for
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
from pluralign.experiments.repeats import Bench
from pluralign.experiments.transformer_bench import PartsBench
from pluralign.methods import Method, TrainingSet
from pluralign.metrics import correct, draw_series_means, percentile_interval
from pluralign.rewards import EncodedPairs

TARGET = "full"


@dataclass(frozen=True, slots=True)
class Part:
    """One repeat of a run.

    Attributes:
        bench: Where methods are fitted.
        test: Test pairs.
        judged: The same as columns.
    """

    bench: Bench | PartsBench
    test: EncodedPairs
    judged: TestPairs


@dataclass(frozen=True, slots=True)
class Study:
    """What a study works on: one or several repeats of a run.

    Attributes:
        parts: The repeats.
        judged: Their test pairs, one repeat after the other.
        drawing: How intervals are drawn.
        reporter: Hears the progress.
    """

    parts: tuple[Part, ...]
    judged: TestPairs
    drawing: Drawing
    reporter: Reporter

    def credit(self, models: Sequence[SteerableRewardModel]) -> FloatArray:
        """Credit of each test pair under the steer to its own community, shape (N,), from a model for each repeat."""
        parts = zip(models, self.parts, strict=True)
        return np.concatenate(
            [
                correct(own_margins(part.bench.margins(model, part.test), part.judged))
                for model, part in parts
            ]
        )

    def rows(self, subset: str) -> BoolArray:
        """Which test pairs of the communities steered to belong to a subset, shape (N,)."""
        return subset_rows(self.judged, subset) & np.isin(
            self.judged.community_N, self.parts[0].bench.train.communities
        )

    def averages(
        self, credit_N_S: FloatArray, subset: str = "all"
    ) -> tuple[FloatArray, FloatArray, TestPairs]:
        """Mean over the communities steered to of each series, and its draws: shapes (S,) and (B, S)."""
        rows = self.rows(subset)
        part = self.judged.take(rows)
        rng = rng_for(self.drawing.seed, "bootstrap", subset)
        draws_B_C_S = draw_series_means(
            credit_N_S[rows], part.community_N, part.cluster_N, rng, self.drawing.draws
        )
        ids = np.unique(part.community_N)
        value_S = np.mean(
            [credit_N_S[rows][part.community_N == c].mean(axis=0) for c in ids], axis=0
        )
        known_S = ~np.isnan(draws_B_C_S).all(axis=0).any(
            axis=0
        )  # no interval where a community has one rater only
        draws_B_S = np.full((len(draws_B_C_S), len(value_S)), np.nan)
        draws_B_S[:, known_S] = np.nanmean(draws_B_C_S[:, :, known_S], axis=1)
        return value_S, draws_B_S, part


def curve_rows(
    study: Study, methods: Mapping[str, Method], fractions: tuple[float, ...], by: str
) -> Iterator[dict[str, Any]]:
    """Accuracy against the amount of training data, and how much of it reaches what full fine-tuning reaches on all.

    The pairs of the communities steered to are thinned; those of other communities and the reference stay as they are.
    Ridges are chosen anew at each size.

    Args:
        study: What to work on.
        methods: The methods to draw curves for; ``full`` among them sets the target.
        fractions: Sizes, in (0, 1].
        by: ``pairs`` or ``raters`` (questions or stems where there are no raters).

    Yields:
        A row for each method and size (columns ``by``, ``fraction``, and the mean over repeats of ``train_pairs`` and
        ``train_units``), then a row for
        each method with metric ``fraction_needed``; nothing where no community steered to has test pairs.
    """
    if not study.rows("all").any():
        return
    sizes = sorted({*fractions, 1.0})
    thinned = [[_thinned(part.bench, f, by) for part in study.parts] for f in sizes]
    credit: list[FloatArray] = []
    for k, (benches, name) in enumerate((b, m) for b in thinned for m in methods):
        study.reporter.progress(k, len(sizes) * len(methods))
        credit.append(study.credit([bench.fit(methods[name]) for bench in benches]))
    value_S, draws_B_S, part = study.averages(np.stack(credit, axis=1))
    grid_K_M = value_S.reshape(len(sizes), len(methods))
    draws_B_K_M = draws_B_S.reshape(-1, len(sizes), len(methods))
    for m, name in enumerate(methods):
        for k, (fraction, benches) in enumerate(zip(sizes, thinned, strict=True)):
            pairs, units = (
                np.mean([_size(bench.train) for bench in benches], axis=0)
                .round()
                .astype(int)
                .tolist()
            )
            more = {"by": by, "fraction": fraction, "train_pairs": pairs, "train_units": units}
            yield _row(part, name, grid_K_M[k, m], draws_B_K_M[:, k, m]).as_dict(
                **more, repeats=len(study.parts)
            )
    if TARGET not in methods:
        return
    target = list(methods).index(TARGET)
    for m, name in enumerate(methods):
        needed = fraction_needed(
            np.array(sizes),
            grid_K_M[:, m],
            grid_K_M[-1, target],
            draws_B_K_M[:, :, m],
            draws_B_K_M[:, -1, target],
        )
        yield {
            "metric": "fraction_needed", "method": name, "target": TARGET, "by": by,
            "value": needed.fraction, "low": needed.low, "high": needed.high,
        }  # fmt: skip


def sensitivity_rows(
    study: Study, methods: Mapping[str, Method], grid: list[tuple[str, dict[str, float]]]
) -> Iterator[dict[str, Any]]:
    """Accuracy of methods under other settings.

    Args:
        study: What to work on.
        methods: Methods by name.
        grid: Method and the settings to change, one entry for each fit.

    Yields:
        For each entry a row on all and one on contested pairs, with the settings as columns.
    """
    credit = []
    for k, (name, changed) in enumerate(grid):
        study.reporter.progress(k, len(grid))
        credit.append(
            study.credit([part.bench.fit(methods[name], **changed) for part in study.parts])
        )
    credit_N_S = np.stack(credit, axis=1)
    for subset in ("all", "contested"):
        if not study.rows(subset).any():
            continue
        value_S, draws_B_S, part = study.averages(credit_N_S, subset)
        for s, (name, changed) in enumerate(grid):
            yield _row(part, name, value_S[s], draws_B_S[:, s], subset).as_dict(**changed)


def _thinned(bench: Bench | PartsBench, fraction: float, by: str) -> Bench | PartsBench:
    """The same bench with less to learn from."""
    return bench.on(thin(bench.train, fraction, by, rng_for(bench.seed, "curve", by)))


def _size(train: TrainingSet) -> tuple[int, int]:
    """Pairs, and raters (or questions), of the communities steered to."""
    of = np.isin(train.community_N, train.communities)
    return int(of.sum()), len(np.unique(train.unit_N[of]))


def thin(train: TrainingSet, fraction: float, by: str, rng: np.random.Generator) -> TrainingSet:
    """Keep a fraction of the pairs, or of the raters, of the communities steered to.

    Smaller fractions keep a part of what larger ones keep, given the same state of the generator; each community
    keeps at least one pair.
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


def _row(
    part: TestPairs, method: str, value: float, draws_B: FloatArray, subset: str = "all"
) -> Row:
    low, high = percentile_interval(draws_B)
    people = len(np.unique(part.cluster_N)) if part.raters else None
    return Row(
        METRIC,
        method,
        OWN,
        None,
        subset,
        float(value),
        low,
        high,
        len(np.unique(part.pair_N)),
        people,
    )
