"""Rows per second of processor time, and peak memory, of reading a long file; pandas likewise."""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path


def write(path: Path, rows: int) -> None:
    """Write a file of our own format."""
    with path.open("w", encoding="utf-8") as file:
        for k in range(rows):
            row = {
                "id": f"p{k}",
                "prompt": f"Question {k % 5000}?",
                "chosen": f"An answer, number {k}.",
                "rejected": f"Another answer to it, {k}.",
                "community": "MEX",
                "rater": f"r{k % 2000}",
            }
            file.write(json.dumps(row) + "\n")


def ours(path: Path) -> int:
    """Stream the file and keep a seeded sample of 10,000 pairs."""
    from pluralign.sources import JsonlPairs, load_pairs

    return sum(t.read for t in load_pairs([JsonlPairs(path)], limit=10_000, seed=0).tallies)


def pandas(path: Path) -> int:
    """Read the file whole."""
    import pandas as pd

    return len(pd.read_json(path, lines=True))


def _measured(
    function: str, path: Path, answer: "multiprocessing.Queue[tuple[int, float, float]]"
) -> None:
    began = time.process_time()
    rows = {"ours": ours, "pandas": pandas}[function](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.put((rows, time.process_time() - began, peak))


def main() -> None:
    """Measure each in a separate process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        write(path, options.rows)
        lines = []
        for name in ("ours", "pandas"):
            answer = context.Queue()
            process = context.Process(target=_measured, args=(name, path, answer))
            process.start()
            rows, seconds, peak = answer.get()
            process.join()
            lines.append(
                f"{name:8} {rows:>12,} {seconds:8.1f} {rows / seconds:12,.0f} {peak:12.0f}"
            )
    print(f"{'reader':8} {'rows':>12} {'s':>8} {'rows/s':>12} {'peak MiB':>12}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
