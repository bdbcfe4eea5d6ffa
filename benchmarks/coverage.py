"""How often intervals that promise 95 % cover the truth, with few and uneven clusters.

Run: ``python benchmarks/coverage.py [--societies 1000] [--real FOLDER]``. For each kind of number
(accuracy, paired differences that are common or rare) and each number of raters (5, 10, 20, 50;
equally busy or not) many societies are drawn whose truth is known. Question stems, which take the
place of raters in surveys, are as uneven as those of GlobalOpinionQA: one has 24 % of the pairs.
``--real`` takes the folder of a finished run (``pluralign run configs/global_dialogues.toml``): its
raters are the population there, and raters are drawn from them. Printed: the share of intervals
that contain the truth, and the median width, for our interval, the percentile bootstrap that it
replaced, and its competitors. `coverage_questions.py` has averages over communities, raters who
share few questions, human agreement and rank correlations; `coverage_adapt.py` has `adapt`.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import norm
from scipy.stats import t as student

from pluralign.core import FloatArray, rng_for
from pluralign.evaluation import own_margins
from pluralign.metrics import Clusters, correct, group_means
from pluralign.runs import RewardRun, open_run

RATERS = (5, 10, 20, 50)
STEMS = (20, 50, 150)
PAIRS = 15
LARGEST = 0.24
"""Share of the pairs that the largest stem of GlobalOpinionQA has."""
DRAWS = 400
Shape = Literal["even", "uneven", "one has 24 %"]
SHAPES: dict[Shape, tuple[int, ...]] = {"even": RATERS, "uneven": RATERS, "one has 24 %": STEMS}
EARLIER = {"even": "True", "uneven": "False"}
Society = tuple[FloatArray, FloatArray]
"""Sum of the credits of each rater, and number of their pairs, each of shape (G,)."""
Interval = Callable[[FloatArray, FloatArray, np.random.Generator], tuple[float, float]]


def sizes(raters: int, shape: Shape, rng: np.random.Generator) -> FloatArray:
    """Pairs of each rater: all the same, or spread as in real data (lognormal), or one has many."""
    if shape == "even":
        return np.full(raters, float(PAIRS))
    size_G = np.maximum(1, np.round(rng.lognormal(np.log(PAIRS) - 0.5, 1.0, raters)))
    if shape != "uneven":
        size_G[0] = np.round(LARGEST / (1 - LARGEST) * size_G[1:].sum())
    return size_G


def accuracy(mean: float, alike: float) -> Callable[[FloatArray, np.random.Generator], FloatArray]:
    """Raters' credits, whose own accuracies have a mean and a correlation within raters."""
    spread = 1 / alike - 1

    def draw(size_G: FloatArray, rng: np.random.Generator) -> FloatArray:
        own_G = rng.beta(mean * spread, (1 - mean) * spread, len(size_G))
        return rng.binomial(size_G.astype(int), own_G).astype(float)

    return draw


def difference(rate: float, gain: float) -> Callable[[FloatArray, np.random.Generator], FloatArray]:
    """Differences in credit: two models differ on a share of the pairs, and one gains a little."""

    def draw(size_G: FloatArray, rng: np.random.Generator) -> FloatArray:
        differ_G = rng.binomial(
            size_G.astype(int), rng.beta(19 * rate, 19 * (1 - rate), len(size_G))
        )
        better = 0.5 + gain / (2 * rate)
        won_G = rng.binomial(differ_G, rng.beta(10 * better, 10 * (1 - better), len(size_G)))
        return (2.0 * won_G - differ_G).astype(float)

    return draw


PLANTED = {
    "accuracy 0.62": (accuracy(0.62, 0.08), 0.62, (0.0, 1.0)),
    "accuracy 0.95": (accuracy(0.95, 0.08), 0.95, (0.0, 1.0)),
    "accuracy 0.99": (accuracy(0.99, 0.08), 0.99, (0.0, 1.0)),
    "difference on 30 %": (difference(0.30, 0.02), 0.02, (-1.0, 1.0)),
    "difference on 2 %": (difference(0.02, 0.005), 0.005, (-1.0, 1.0)),
}


def ours(bounds: tuple[float, float]) -> Interval:
    """The interval of the package."""

    def interval(
        sum_G: FloatArray, size_G: FloatArray, rng: np.random.Generator
    ) -> tuple[float, float]:
        # One row for each rater with the weight of its pairs; n counts pairs as a run does.
        pairs = np.arange(int(size_G.sum()))
        rater = np.repeat(np.arange(len(size_G)), size_G.astype(int))
        values = (sum_G / size_G)[rater][:, None]
        clusters = Clusters(cluster_N=rater, pair_N=pairs)
        found = group_means(values, np.zeros(len(rater), int), clusters, bounds=bounds).estimate(0)
        assert found.low is not None and found.high is not None
        return found.low, found.high

    return interval


def percentile(
    sum_G: FloatArray, size_G: FloatArray, rng: np.random.Generator
) -> tuple[float, float]:
    """The middle 95 % of bootstrap means."""
    low, high = np.quantile(_bootstrap(sum_G, size_G, rng)[0], [0.025, 0.975])
    return float(low), float(high)


def bca(sum_G: FloatArray, size_G: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """Bias-corrected and accelerated (Efron 1987)."""
    mean_B, _ = _bootstrap(sum_G, size_G, rng)
    mean = sum_G.sum() / size_G.sum()
    below = np.mean(mean_B < mean) + np.mean(mean_B == mean) / 2
    bias = norm.ppf(np.clip(below, 0.001, 0.999))
    left_G = (sum_G.sum() - sum_G) / (size_G.sum() - size_G)
    pull_G = left_G.mean() - left_G
    speed = (pull_G**3).sum() / (6 * (pull_G**2).sum() ** 1.5 + 1e-300)
    ends = bias + norm.ppf([0.025, 0.975])
    low, high = np.quantile(mean_B, norm.cdf(bias + ends / (1 - speed * ends)))
    return float(low), float(high)


def studentised(
    sum_G: FloatArray, size_G: FloatArray, rng: np.random.Generator
) -> tuple[float, float]:
    """The bootstrap of the t statistic."""
    mean_B, error_B = _bootstrap(sum_G, size_G, rng)
    mean, error = sum_G.sum() / size_G.sum(), _sandwich(sum_G, size_G)
    with np.errstate(divide="ignore", invalid="ignore"):
        t_B = (mean_B - mean) / error_B
    t_B = t_B[np.isfinite(t_B)]
    if len(t_B) < 20:
        return mean, mean
    low, high = np.quantile(t_B, [0.025, 0.975])
    return float(mean - high * error), float(mean - low * error)


def wild(sum_G: FloatArray, size_G: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """The wild cluster bootstrap of the t statistic (Cameron, Gelbach and Miller 2008)."""
    mean, error = sum_G.sum() / size_G.sum(), _sandwich(sum_G, size_G)
    residual_G = sum_G - mean * size_G
    flipped_B_G = rng.choice([-1.0, 1.0], size=(DRAWS, len(sum_G))) * residual_G
    mean_B = flipped_B_G.sum(axis=1) / size_G.sum()
    rest_B_G = (flipped_B_G - mean_B[:, None] * size_G) / size_G.sum()
    error_B = np.sqrt(len(sum_G) / (len(sum_G) - 1) * (rest_B_G**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t_B = np.abs(mean_B / error_B)
    reach = float(np.quantile(t_B[np.isfinite(t_B)], 0.95)) * error if error else 0.0
    return mean - reach, mean + reach


def sandwich_t(
    sum_G: FloatArray, size_G: FloatArray, rng: np.random.Generator
) -> tuple[float, float]:
    """The usual cluster-robust error, and Student's t with as many df as raters less one."""
    mean = float(sum_G.sum() / size_G.sum())
    reach = float(student.ppf(0.975, len(sum_G) - 1)) * _sandwich(sum_G, size_G)
    return mean - reach, mean + reach


def _sandwich(sum_G: FloatArray, size_G: FloatArray) -> float:
    mean, raters = sum_G.sum() / size_G.sum(), len(sum_G)
    residual_G = (sum_G - mean * size_G) / size_G.sum()
    return float(np.sqrt(raters / (raters - 1) * (residual_G**2).sum()))


def _bootstrap(
    sum_G: FloatArray, size_G: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Means and sandwich errors of resampled raters, each of shape (B,)."""
    raters = len(sum_G)
    count_B_G = rng.multinomial(raters, np.full(raters, 1 / raters), size=DRAWS).astype(float)
    size_B = count_B_G @ size_G
    mean_B = (count_B_G @ sum_G) / size_B
    residual_B_G = (sum_G - mean_B[:, None] * size_G) / size_B[:, None]
    error_B = np.sqrt(raters / (raters - 1) * (count_B_G * residual_B_G**2).sum(axis=1))
    return mean_B, error_B


def covered(
    societies: Iterator[Society], truth: float, interval: Interval, seed: int
) -> tuple[float, float]:
    """Share of the intervals that contain the truth, and their median width."""
    rng = rng_for(seed, "coverage")
    ends = np.array([interval(*society, rng) for society in societies])
    inside = (ends[:, 0] <= truth + 1e-12) & (truth - 1e-12 <= ends[:, 1])
    return float(inside.mean()), float(np.median(ends[:, 1] - ends[:, 0]))


def planted(kind: str, raters: int, shape: Shape, societies: int) -> list[Society]:
    """Societies with a truth that was written down."""
    draw, _, _ = PLANTED[kind]
    # The first two shapes have the draws of earlier versions.
    rng = rng_for(0, "society", kind, str(raters), EARLIER.get(shape, shape))
    found = []
    for _ in range(societies):
        size_G = sizes(raters, shape, rng)
        found.append((draw(size_G, rng), size_G))
    return found


def real(run: RewardRun, methods: tuple[str, ...], community: str) -> tuple[FloatArray, FloatArray]:
    """Sum of credits (or of differences in credit) and pairs of each rater of a run."""
    judged, margins = run.margins(methods[0], run.seeds[0])
    credit_N = correct(own_margins(margins, judged))
    if len(methods) == 2:
        credit_N = credit_N - correct(own_margins(run.margins(methods[1], run.seeds[0])[1], judged))
    rows = judged.community_N == community
    _, rater_n = np.unique(judged.cluster_N[rows], return_inverse=True)
    sum_G = np.bincount(rater_n, credit_N[rows]).astype(np.float64)
    return sum_G, np.bincount(rater_n).astype(np.float64)


def drawn(population: Society, raters: int, societies: int) -> list[Society]:
    """Societies of raters drawn from a population with replacement."""
    rng = rng_for(0, "society", str(raters))
    rows = rng.integers(len(population[0]), size=(societies, raters))
    return [(population[0][r], population[1][r]) for r in rows]


def main() -> None:
    """Print the table of coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--societies", type=int, default=1000)
    parser.add_argument("--real", type=Path, default=None)
    options = parser.parse_args()
    table = Table(title="Coverage of intervals that promise 95 % (median width)")
    for column in ("number", "raters", "pairs", "ours", "sandwich, t", "percentile", "BCa"):
        table.add_column(column)
    table.add_column("studentised")
    table.add_column("wild")
    cells: list[tuple[str, int, str, list[Society], float, tuple[float, float]]] = []
    for kind, (_, truth, bounds) in PLANTED.items():
        for shape, counts in SHAPES.items():
            for raters in counts:
                found = planted(kind, raters, shape, options.societies)
                cells.append((kind, raters, shape, found, truth, bounds))
    if options.real is not None:
        run = open_run(options.real)
        assert isinstance(run, RewardRun)
        community = run.settings["communities"][0]
        for methods in (("full",), ("scpo", "full"), ("adaptive", "full")):
            population = real(run, methods, community)
            truth = float(population[0].sum() / population[1].sum())
            bounds = (0.0, 1.0) if len(methods) == 1 else (-1.0, 1.0)
            for raters in RATERS:
                found = drawn(population, raters, options.societies)
                cells.append((" - ".join(methods), raters, "real", found, truth, bounds))
    for kind, raters, pairs, found, truth, bounds in cells:
        line = [kind, str(raters), pairs]
        for interval in (ours(bounds), sandwich_t, percentile, bca, studentised, wild):
            share, width = covered(iter(found), truth, interval, seed=raters)
            line.append(f"{100 * share:.1f} ({width:.3f})")
        table.add_row(*line)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
