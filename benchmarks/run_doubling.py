"""Time and memory of a whole run as pairs, people and communities double.

    OMP_NUM_THREADS=1 python benchmarks/run_doubling.py --pairs 15625 31250 62500 125000
    OMP_NUM_THREADS=1 python benchmarks/run_doubling.py --pairs 2000000 --ridge 10

There is a community for each 2,000 pairs and a person for each 20. Each run is a separate process.
``--ridge auto`` chooses every ridge by cross-validation, as `pluralign run` does by default.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import rng_for

WORDS = 3_000
COUNTRIES = ("MEX", "GBR", "KEN", "IND", "BRA", "DEU", "JPN", "FRA", "ITA", "ESP")
_RUN = """
import json, os, resource, sys, time
from pluralign.cli.main import main
sys.argv[0] = "pluralign"
sys.stdout = open(os.devnull, "w")
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
sys.__stdout__.write(json.dumps({"seconds": time.process_time(), "mb": megabytes}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, nargs="+", default=[15_625, 31_250, 62_500])
    parser.add_argument("--ridge", default="auto", help="ridge of all fits, or auto")
    args = parser.parse_args()
    print(f"{'pairs':>10}{'communities':>12}{'seconds':>9}{'exponent':>9}{'MB':>8}{'exponent':>9}")
    before: tuple[int, dict[str, float]] | None = None
    for pairs in args.pairs:
        with tempfile.TemporaryDirectory() as folder:
            found = run(Path(folder), pairs, args.ridge)
        powers = [" " * 9] * 2
        if before is not None:
            step = math.log(pairs / before[0])
            powers = [f"{math.log(found[k] / before[1][k]) / step:9.2f}" for k in ("seconds", "mb")]
        counted = f"{pairs:10,}{communities_of(pairs):12,}"
        print(
            f"{counted}{found['seconds']:9.0f}{powers[0]}{found['mb']:8.0f}{powers[1]}", flush=True
        )
        before = pairs, found


def run(folder: Path, pairs: int, ridge: str) -> dict[str, float]:
    """Processor seconds and peak megabytes of ``pluralign run`` on that many pairs."""
    with (folder / "pairs.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows(pairs))
    value = ridge if ridge != "auto" else '"auto"'
    settings = folder / "pairs.toml"
    settings.write_text(
        f'name = "doubling"\nlimit = {pairs}\nmethods = ["full", "scpo"]\n'
        '[pairs]\nsource = "jsonl"\npath = "pairs.jsonl"\n'
        f'[reference]\nfit_on = ["~world"]\nridge = {value}\n'
        f'[fit]\nridge = {value}\n[trunk]\nencoder = "hash"\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-c", _RUN, "run", str(settings), "--out", str(folder / "run")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def communities_of(pairs: int) -> int:
    """Communities to steer to; the reference has one more."""
    return max(2, pairs // 2_000)


def rows(pairs: int) -> Iterator[dict[str, Any]]:
    """Random choices between two of the five responses to a prompt."""
    rng = rng_for(0, "doubling")
    communities = ["~world"]
    communities += [f"{COUNTRIES[k % 10]}/c{k // 10}" for k in range(communities_of(pairs))]
    prompts = texts(rng, pairs // 25, 12)
    responses = texts(rng, 5 * len(prompts), 40)
    for _ in range(pairs):
        prompt, rater = int(rng.integers(len(prompts))), int(rng.integers(pairs // 20))
        chosen, rejected = (5 * prompt + rng.choice(5, 2, replace=False)).tolist()
        yield {
            "prompt": prompts[prompt],
            "chosen": responses[chosen],
            "rejected": responses[rejected],
            "community": communities[rater % len(communities)],
            "rater": f"r{rater}",
        }


def texts(rng: np.random.Generator, count: int, words: int) -> list[str]:
    """Texts of random words."""
    return [
        " ".join(f"w{w}" for w in row) for row in rng.integers(WORDS, size=(count, words)).tolist()
    ]


if __name__ == "__main__":
    main()
