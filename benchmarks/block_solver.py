"""A large fit whose sums over pairs are computed here, or by two processes; time and memory.

    OMP_NUM_THREADS=1 python benchmarks/block_solver.py --pairs 200000 --rounds 3

Each measurement runs in a separate process, in turns. Pairs are three rows of a table of vectors,
from which D = 384 features are computed. The named alternative is scikit-learn's logistic
regression (newton-cholesky, no intercept) on the matrix of all features in double precision.
All times are of processes that run already, and have fitted something.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from pluralign.core import FloatArray, rng_for
from pluralign.rewards import TableFeatures, fit_bradley_terry
from pluralign.scaling import process_pool

WAYS = ("here", "two processes", "scikit-learn")
RESPONSES, PROMPTS, LENGTH = 20_000, 2_000, 192
SCALE = 7.0
STARTING = 50_000  # pairs of a first fit, at which workers start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(measured(args.way, args.pairs)))
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way in WAYS:
            found[way].append(child(way, args.pairs))
    heads = {way: {row["head"] for row in rows} for way, rows in found.items()}
    assert len(heads["here"] | heads["two processes"]) == 1, "heads of the same bits"
    here = {key: statistics.median(row[key] for row in found["here"]) for key in found["here"][0]}
    print(f"{args.pairs:,} pairs x {2 * LENGTH}, medians of {args.rounds} turns")
    print(
        f"{'':16}{'seconds':>9}{'ratio':>7}{'cpu s':>8}{'ratio':>7}{'MB here':>9}{'MB worker':>11}"
    )
    for way, rows in found.items():
        row = {key: statistics.median(r[key] for r in rows) for key in here}
        print(
            f"{way:16}{row['seconds']:9.2f}{row['seconds'] / here['seconds']:7.2f}"
            f"{row['cpu']:8.2f}{row['cpu'] / here['cpu']:7.2f}{row['mb']:9.0f}{row['worker']:11.0f}"
        )


def child(way: str, pairs: int) -> dict[str, float]:
    """What a separate process measured."""
    line = [sys.executable, __file__, "--way", way, "--pairs", str(pairs)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(way: str, pairs: int) -> dict[str, float]:
    """Seconds, processor seconds of all processes, and peaks of memory of one fit."""
    features = table(pairs)
    since = clocks()
    if way == "two processes":
        with process_pool(2) as pool:
            fit_bradley_terry(features.take(np.arange(STARTING)), 1.0, pool=pool)
            since = clocks()
            head_D = fit_bradley_terry(features, 1.0, pool=pool)
            ended = clocks()
    else:
        head_D = fit_bradley_terry(features, 1.0) if way == "here" else of_sklearn(features)
        ended = clocks()
    return {
        "seconds": ended[0] - since[0],
        "cpu": ended[1] - since[1],
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000,
        "head": float(head_D @ np.arange(1, len(head_D) + 1)),
    }


def clocks() -> tuple[float, float]:
    """Seconds by the clock, and processor seconds of this process and of its workers, on Linux."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = time.process_time()
    for worker in multiprocessing.active_children():
        state = Path(f"/proc/{worker.pid}/stat").read_text(encoding="utf-8").rsplit(")")[-1].split()
        used += (int(state[11]) + int(state[12])) / ticks
    return time.perf_counter(), used


def table(pairs: int) -> TableFeatures:
    """Pairs of random vectors, whose responses and prompts are each in many pairs."""
    rng = rng_for(0, "vectors")
    vector_T_d = rng.normal(size=(RESPONSES + PROMPTS, LENGTH)).astype(np.float32)
    vector_T_d /= np.linalg.norm(vector_T_d, axis=1, keepdims=True)
    responses = rng.integers(RESPONSES, size=(2, pairs), dtype=np.int32)
    prompt_N = RESPONSES + rng.integers(PROMPTS, size=(1, pairs), dtype=np.int32)
    return TableFeatures(vector_T_d, np.concatenate([responses, prompt_N]), SCALE)


def of_sklearn(features: TableFeatures) -> FloatArray:
    """The head of scikit-learn: every second pair is turned, for it needs two classes."""
    from sklearn.linear_model import LogisticRegression

    difference_N_D = features.dense().astype(np.float64)
    sign_N = np.where(np.arange(len(difference_N_D)) % 2, 1, -1)
    difference_N_D *= sign_N[:, None]
    model = LogisticRegression(
        C=1.0, fit_intercept=False, solver="newton-cholesky", tol=1e-8, max_iter=100
    )
    head_D: FloatArray = model.fit(difference_N_D, sign_N).coef_[0]
    return head_D


if __name__ == "__main__":
    main()
