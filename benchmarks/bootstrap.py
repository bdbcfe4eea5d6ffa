"""Speed of the bootstrap over raters, compared with two plain implementations.

All run in one process on the same data, so that the ratios are valid on any machine:

    python benchmarks/bootstrap.py

`rows of raters` joins the rows of the drawn raters and averages them: the way it is usually
written. `scipy` resamples per-rater sums with scipy.stats.bootstrap (paired, percentile method, in
batches).
"""

import resource
import time
from collections.abc import Callable

import numpy as np
from scipy.stats import bootstrap

from pluralign.core import FloatArray, IntArray, rng_for
from pluralign.metrics import draw_means

PAIRS, DRAWS = 100_000, 2000


def rows_of_raters(
    value_N: FloatArray, rater_N: IntArray, rng: np.random.Generator, draws: int
) -> FloatArray:
    order = np.argsort(rater_N, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(rater_N))[:-1])
    means = np.empty(draws)
    for b in range(draws):
        drawn = rng.integers(len(rows), size=len(rows))
        means[b] = value_N[np.concatenate([rows[r] for r in drawn])].mean()
    return means


def scipy_on_sums(
    value_N: FloatArray, rater_N: IntArray, rng: np.random.Generator, draws: int
) -> FloatArray:
    sums, counts = np.bincount(rater_N, value_N), np.bincount(rater_N)

    def ratio(sums: FloatArray, counts: FloatArray, axis: int = -1) -> FloatArray:
        return sums.sum(axis=axis) / counts.sum(axis=axis)

    result = bootstrap(
        (sums, counts),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=draws,
        batch=20,
        method="percentile",
        rng=rng,
    )
    return np.asarray(result.bootstrap_distribution)


def seconds_per_draw(
    way: Callable[..., FloatArray], raters: int, draws: int
) -> tuple[float, FloatArray]:
    rng = rng_for(0, "benchmark", raters)
    value, rater = rng.random(PAIRS), rng.permutation(PAIRS) % raters
    start = time.perf_counter()
    means = way(value, rater, rng, draws)
    return (time.perf_counter() - start) / draws, means


def main() -> None:
    ways = {
        "pluralign": (draw_means, DRAWS),
        "scipy": (scipy_on_sums, 200),
        "rows of raters": (rows_of_raters, 60),
    }
    lines = []
    for raters in (60, 1_000, 100_000):
        timed = {name: seconds_per_draw(way, raters, draws) for name, (way, draws) in ways.items()}
        ours = timed["pluralign"][0]
        lines += [
            (raters, name, each * DRAWS, each / ours, means.std())
            for name, (each, means) in timed.items()
        ]
    print(f"{PAIRS:,} pairs, {DRAWS:,} draws; slower ways are timed on fewer draws and scaled up")
    print(f"{'raters':>8}  {'way':<15} {'seconds':>9} {'ratio':>8} {'standard error':>15}")
    for raters, name, seconds, ratio, error in lines:
        print(f"{raters:>8,}  {name:<15} {seconds:>9.2f} {ratio:>7.1f}x {error:>15.5f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
