"""Comparisons that are not in the tables of a run, from its predictions with the same draws."""

import numpy as np
from scipy.stats import spearmanr

from pages.reading import tested
from pluralign.core import Estimate, FloatArray, rng_for
from pluralign.evaluation import TestPairs, own_margins
from pluralign.metrics import correct, group_means, percentile_interval
from pluralign.runs import RewardRun


def against(run: RewardRun, method: str, baseline: str) -> Estimate:
    """Paired difference in average accuracy of two methods, each community under its own steer."""
    judged, credit_N = _own_credit(run, method)
    _, other_N = _own_credit(run, baseline)
    return _average(run, judged, credit_N - other_N)


def own_against_others(run: RewardRun, method: str) -> Estimate:
    """Average gain of a community from its own steer over the steers to the others."""
    judged, parts = _steers(run, method)
    credit_N = [_own_minus_others(j, credit) for j, credit in parts]
    return _average(run, judged, np.concatenate(credit_N))


def rank_correlation(x_C: FloatArray, y_C: FloatArray, seed: int, draws: int = 2000) -> Estimate:
    """Spearman's rank correlation over communities; the interval resamples communities."""
    rng = rng_for(seed, "rank correlation")
    rows_B_C = rng.integers(0, len(x_C), (draws, len(x_C)))
    kept = [r for r in rows_B_C if np.ptp(x_C[r]) > 0 and np.ptp(y_C[r]) > 0]
    drawn_B = np.array([spearmanr(x_C[r], y_C[r]).statistic for r in kept])
    low, high = percentile_interval(drawn_B)
    return Estimate(float(spearmanr(x_C, y_C).statistic), low, high, n=len(x_C))


def _own_credit(run: RewardRun, method: str) -> tuple[TestPairs, FloatArray]:
    parts = [run.margins(method, seed) for seed in run.seeds]
    return TestPairs.join([j for j, _ in parts]), np.concatenate(
        [correct(own_margins(m, j)) for j, m in parts]
    )


def _steers(
    run: RewardRun, method: str
) -> tuple[TestPairs, list[tuple[TestPairs, dict[str, FloatArray]]]]:
    parts = [run.margins(method, seed) for seed in run.seeds]
    found = [
        (judged, {steer: correct(m) for steer, m in margins.items()}) for judged, margins in parts
    ]
    return TestPairs.join([j for j, _ in parts]), found


def _own_minus_others(judged: TestPairs, credit: dict[str, FloatArray]) -> FloatArray:
    total_N = np.sum(list(credit.values()), axis=0)
    gap_N = np.zeros(len(judged))
    for steer, credit_N in credit.items():
        own = judged.community_N == steer
        gap_N[own] = credit_N[own] - (total_N - credit_N)[own] / (len(credit) - 1)
    return gap_N


def _average(run: RewardRun, judged: TestPairs, credit_N: FloatArray) -> Estimate:
    rows = np.isin(judged.community_N, tested(run))
    part = judged.take(rows)
    both = run.settings["split"]["by"] == "both"
    means = group_means(
        credit_N[rows, None], part.community_N, part.clusters(both), bounds=(-1.0, 1.0)
    )
    return means.average()
