"""The rows of a run, measured from the margins in its folder."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.evaluation import (
    Drawing,
    LazyMargins,
    TestPairs,
    harm_rows,
    own_margins,
    simultaneous_rows,
    steer_rows,
    summary_rows,
)
from pluralign.experiments.reward_record import RewardWork, seeds_of
from pluralign.runs.matrix import MATRIX, SMALL, is_apart, joined, table_of

_ROWS_TOGETHER = 65_536


def measure(
    work: RewardWork, drawing: Drawing
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of results, summary and comparisons; one method's margins at a time are in memory."""
    steered = work.plan.steered
    methods = [m.name for m in work.resolved.methods]
    apart = len(steered) > SMALL and not work.resolved.settings.matrix
    results: list[dict[str, Any]] = []
    summary: list[dict[str, Any]] = []
    comparisons: list[dict[str, Any]] = []
    tables = []
    margin_N_M = []
    for k, name in enumerate(methods):
        work.reporter.progress(k, len(methods))
        judged, margins = _joined(work, name)
        rows = steer_rows(judged, name, margins, drawing)
        while some := list(islice(rows, _ROWS_TOGETHER)):
            if apart:
                tables.append(table_of(row for row in some if is_apart(row)))
                some = [row for row in some if not is_apart(row)]
            results += [row.as_line() for row in some]
        of_all = summary_rows(judged, name, margins, steered, drawing)
        summary += [row.as_line() for row in of_all]
        harm = harm_rows(judged, name, margins, work.plan.spoken_for, drawing)
        comparisons += [row.as_line() for row in harm]
        margin_N_M.append(own_margins(margins, judged))
    margins_of_all = np.stack(margin_N_M, axis=1)
    pairs = simultaneous_rows(judged, margins_of_all, methods, steered, drawing, _baselines(work))
    comparisons = [row.as_line() for row in pairs] + comparisons
    if apart:
        work.folder.write_table(MATRIX, joined(tables))
    else:
        work.folder.remove(MATRIX)
    return results, summary, comparisons


def _baselines(work: RewardWork) -> Sequence[str]:
    """Names of the baselines; by default those with a rank come first, from the lowest."""
    if work.resolved.settings.baselines is not None:
        return work.resolved.settings.baselines
    found = [m for m in work.resolved.methods if m.baseline]
    found.sort(key=lambda m: (m.rank is None, m.rank or 0))
    return [m.name for m in found]


def rows_of_repeats(work: RewardWork, drawing: Drawing) -> list[dict[str, Any]]:
    """Rows of the summary of each repeat alone, with its seed."""
    rows = []
    for seed in seeds_of(work):
        for method in work.resolved.methods:
            judged, margins = work.folder.read_predictions(seed, method.name)
            found = summary_rows(
                judged.numbered(), method.name, margins, work.plan.steered, drawing
            )
            rows += [row.as_line(seed=seed) for row in found]
    return rows


def _joined(work: RewardWork, name: str) -> tuple[TestPairs, Mapping[str, FloatArray]]:
    """A method's margins in all repeats; a steer that a repeat lacks is the reference there."""
    parts = [work.folder.read_predictions(seed, name) for seed in seeds_of(work)]
    steers = dict.fromkeys(steer for _, margins in parts for steer in margins)

    def of_all(steer: str) -> FloatArray:
        each = [margins.get(steer, judged.reference_N) for judged, margins in parts]
        return np.concatenate(each).astype(np.float64, copy=False)

    judged = TestPairs.join([judged for judged, _ in parts]).numbered()
    return judged, LazyMargins(steers, of_all).in_memory(len(judged))
