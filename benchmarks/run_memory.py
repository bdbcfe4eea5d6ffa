"""Memory of a whole run for each pair, and of one fit from vectors or from all features.

    python benchmarks/run_memory.py --pairs 40000 160000

Each measurement runs in a separate process. The pairs share texts, like pairs from surveys and
rankings: 20,000 responses and 2,000 prompts of random words, hashed, so that the memory that grows
with the pairs is visible next to the vectors.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pluralign.core import FloatArray, rng_for
from pluralign.rewards import DenseFeatures, TableFeatures, fit_path

COMMUNITIES = ("~world", "MEX", "GBR", "KEN", "IND", "BRA", "DEU", "JPN")
METHODS = ("reference", "length", "full", "scpo", "pooled", "adaptive")
WORDS, RESPONSES, PROMPTS = 3_000, 20_000, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[40_000, 160_000])
    parser.add_argument("--fit", choices=("table", "matrix"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fit:
        print(json.dumps(fitted(args.fit, args.pairs[0])))
        return
    with tempfile.TemporaryDirectory() as temporary:
        runs = [run(Path(temporary), pairs) for pairs in args.pairs]
    print(f"{'whole run, pairs':24}{'seconds':>9}{'MB':>7}{'kB more a pair':>16}")
    for k, (pairs, found) in enumerate(zip(args.pairs, runs, strict=True)):
        more = (found["mb"] - runs[0]["mb"]) * 1000 / (pairs - args.pairs[0]) if k else float("nan")
        print(f"{pairs:<24,}{found['seconds']:9.1f}{found['mb']:7.0f}{more:16.2f}")
    pairs = args.pairs[-1]
    table, matrix = (
        child([__file__, "--fit", kind, "--pairs", str(pairs)]) for kind in ("table", "matrix")
    )
    print(f"\n{f'one path of fits, {pairs:,} pairs':34}{'seconds':>9}{'MB':>7}")
    for name, found in (
        ("from the table of vectors", table),
        ("from the matrix of features", matrix),
    ):
        print(f"{name:34}{found['seconds']:9.1f}{found['mb']:7.0f}")
    print(
        f"{'ratio':34}{table['seconds'] / matrix['seconds']:9.2f}{table['mb'] / matrix['mb']:7.2f}"
    )


def run(folder: Path, pairs: int) -> dict[str, float]:
    """Seconds and peak megabytes of ``pluralign run`` on that many pairs."""
    path = folder / f"{pairs}.jsonl"
    write_pairs(path, pairs)
    settings = folder / f"{pairs}.toml"
    settings.write_text(
        f'name = "m{pairs}"\nmethods = {json.dumps(METHODS)}\n[pairs]\nsource = "jsonl"\npath = '
        f'"{path.name}"\n'
        '[reference]\nfit_on = ["~world"]\n[trunk]\nencoder = "hash"\n'
    )
    code = (
        "import json, os, resource, sys; from pluralign.cli.main import main; sys.argv[0] = "
        "'pluralign'\n"
        "sys.stdout = open(os.devnull, 'w')\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "sys.__stdout__.write(json.dumps({'mb': "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}))"
    )
    return child(["-c", code, "run", str(settings), "--out", str(folder / f"run-{pairs}")])


def write_pairs(path: Path, pairs: int) -> None:
    """Pairs of eight communities with raters, each with a random choice."""
    rng = rng_for(0, "pairs")
    responses, prompts = texts(rng, RESPONSES, 60), texts(rng, PROMPTS, 12)
    raters = max(20, pairs // 800)
    with path.open("w", encoding="utf-8") as file:
        for i in range(pairs):
            community = COMMUNITIES[i % len(COMMUNITIES)]
            chosen, rejected = rng.choice(RESPONSES, 2, replace=False).tolist()
            row = {
                "id": f"p{i}",
                "prompt": prompts[int(rng.integers(PROMPTS))],
                "chosen": responses[chosen],
                "rejected": responses[rejected],
                "community": community,
                "rater": f"{community}-{int(rng.integers(raters))}",
            }
            file.write(json.dumps(row) + "\n")


def texts(rng: np.random.Generator, count: int, words: int) -> list[str]:
    """Texts of random words."""
    return [
        " ".join(f"w{w}" for w in row) for row in rng.integers(WORDS, size=(count, words)).tolist()
    ]


def fitted(kind: str, pairs: int) -> dict[str, float]:
    """Seconds and peak megabytes of a path of ridges from a table or a matrix of features."""
    rng = rng_for(0, "vectors")
    vector_T_d = rng.normal(size=(RESPONSES + PROMPTS, 256)).astype(np.float32) / 16
    responses = rng.integers(RESPONSES, size=(2, pairs), dtype=np.int32)
    prompt_N = RESPONSES + rng.integers(PROMPTS, size=(1, pairs), dtype=np.int32)
    table = TableFeatures(vector_T_d, np.concatenate([responses, prompt_N]), 8.0)
    features: TableFeatures | DenseFeatures = table
    if kind == "matrix":
        dense_N_D: FloatArray = table.dense().astype(np.float64)
        features = DenseFeatures(dense_N_D)
    since = time.perf_counter()
    fit_path(features, (30.0, 10.0, 3.0, 1.0, 0.3, 0.1))
    return {
        "seconds": time.perf_counter() - since,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def child(arguments: list[str]) -> dict[str, float]:
    """The JSON output of a separate process, with its seconds unless it contains them."""
    since = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return {"seconds": time.perf_counter() - since} | found


if __name__ == "__main__":
    main()
