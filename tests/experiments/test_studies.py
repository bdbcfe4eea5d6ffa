"""Averages of a study: over the communities steered to, with the clusters behind them."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pluralign.core import Silent
from pluralign.evaluation import Drawing, TestPairs
from pluralign.experiments.studies import Part, RunStudy, fit_here


def study(*steered: tuple[str, ...], raters: bool = True) -> RunStudy:
    """A study of repeats with ten pairs each of ~hill and ~river, which steer to ``steered``."""
    n = 20
    judged = TestPairs(
        np.arange(n).astype(np.str_),
        np.repeat(["~hill", "~river"], n // 2).astype(np.str_),
        np.repeat(np.arange(4), n // 4).astype(np.str_),
        np.ones(n),
        raters=raters,
    )
    empty: Any = None
    parts = []
    for communities in steered:
        bench: Any = SimpleNamespace(train=SimpleNamespace(communities=communities))
        parts.append(Part(bench, empty, judged))
    joined = TestPairs.join([judged] * len(parts))
    return RunStudy(tuple(parts), joined, Drawing(draws=50), Silent(), partial(fit_here, {}, {}))


def test_a_community_that_a_later_repeat_steers_to_is_averaged() -> None:
    found = study(("~hill",), ("~hill", "~river"))
    credit_N = np.where(found.judged.community_N == "~hill", 1.0, 0.0)
    (average,) = found.averages(credit_N[:, None])
    assert (average.value, average.n, average.n_raters) == (0.5, 20, 4)


@pytest.mark.parametrize("raters", [True, False])
def test_degrees_of_freedom_count_raters_or_stems_and_never_pairs(raters: bool) -> None:
    (average,) = study(("~hill", "~river"), raters=raters).averages(np.ones((20, 1)))
    assert average.clusters == 4
    assert average.n_raters == (4 if raters else None)
    assert average.estimate.high == 1.0
