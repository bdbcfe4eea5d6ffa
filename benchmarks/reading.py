"""Rows per second of processor time: our reader of pairs, and loops that only parse.

    python benchmarks/reading.py --rows 200000 --rounds 5 --before FOLDER

The ways take turns, each in a process of its own, and the median of the rounds counts. A row has a
prompt (2,000 different ones), two responses of twelve words, a community and a rater. "By rules" is
our reader without its recognition of plain rows, "before" the reader of another version, whose
sources are in a folder: git worktree add FOLDER COMMIT, then FOLDER/src. Polars is measured where
it is installed.
"""

import argparse
import csv
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

COLUMNS = ("prompt", "chosen", "rejected", "community", "rater")
COMMUNITIES = ("MEX", "GBR", "KEN", "IND")
WORDS, PROMPTS, RATERS = 3_000, 2_000, 2_000


@dataclass(slots=True)
class Record:
    """A row with checked texts, and nothing else."""

    prompt: str
    chosen: str
    rejected: str
    community: str
    rater: str


def pairs(path: Path) -> int:
    """Our reader."""
    from pluralign.sources import JsonlPairs

    return sum(1 for _ in JsonlPairs(path).pairs())


def before(path: Path) -> int:
    """The reader of another version, which is first on the path of modules of its process."""
    return pairs(path)


def by_rules(path: Path) -> int:
    """Our reader, every row by the rules for cells."""
    from pluralign.sources import JsonlPairs

    class ByRules(JsonlPairs):
        by_rules = True

    return sum(1 for _ in ByRules(path).pairs())


def json_loop(path: Path) -> int:
    """The standard library, parsing only."""
    with path.open("rb") as file:
        return sum(1 for line in file if json.loads(line))


def orjson_loop(path: Path) -> int:
    """orjson, parsing only."""
    import orjson

    with path.open("rb") as file:
        return sum(1 for line in file if orjson.loads(line))


def orjson_records(path: Path) -> int:
    """orjson, and a slotted record of the five texts, each checked to be a filled text."""
    import orjson

    count = 0
    with path.open("rb") as file:
        for line in file:
            row = orjson.loads(line)
            values = [row[name] for name in COLUMNS]
            if not all(isinstance(value, str) and value.strip() for value in values):
                raise ValueError(line)
            Record(*values)
            count += 1
    return count


def polars_dicts(path: Path) -> int:
    """Polars to dictionaries."""
    import polars

    readers = {".jsonl": polars.read_ndjson, ".csv": polars.read_csv}
    reader = readers.get(path.suffix, polars.read_parquet)
    return sum(1 for _ in reader(path).iter_rows(named=True))


def csv_loop(path: Path) -> int:
    """The standard library's ``csv.DictReader``."""
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def arrow_dicts(path: Path) -> int:
    """The dictionaries of pyarrow."""
    import pyarrow.parquet

    return len(pyarrow.parquet.read_table(path).to_pylist())


WAYS: dict[str, tuple[Callable[[Path], int], ...]] = {
    ".jsonl": (pairs, before, by_rules, json_loop, orjson_loop, orjson_records, polars_dicts),
    ".csv": (pairs, before, by_rules, csv_loop, polars_dicts),
    ".parquet": (pairs, before, by_rules, arrow_dicts, polars_dicts),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="folder src of another version")
    parser.add_argument("--kinds", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows = drawn(options.rows)
        for suffix, ways in ((kind, WAYS[kind]) for kind in options.kinds):
            path = Path(temporary) / f"pairs{suffix}"
            write(path, rows)
            write(path.with_name(f"few{suffix}"), rows[:10])
            left_out = {before} if options.before is None else set()
            left_out |= set() if find_spec("polars") else {polars_dicts}
            usable = [way for way in ways if way not in left_out]
            show(suffix, path, usable, options.rounds, options.before)


def drawn(count: int) -> list[dict[str, str]]:
    """Rows of random words."""
    from pluralign.core import rng_for  # here, for the reader of another version has its own

    rng = rng_for(0, "reading")

    def texts(n: int, words: int) -> list[str]:
        drawn_N_W = rng.integers(WORDS, size=(n, words)).tolist()
        return [" ".join(f"word{w}" for w in line) for line in drawn_N_W]

    prompts, chosen, rejected = texts(PROMPTS, 8), texts(count, 12), texts(count, 12)
    return [
        {
            "prompt": prompts[k % PROMPTS],
            "chosen": chosen[k],
            "rejected": rejected[k],
            "community": COMMUNITIES[k % len(COMMUNITIES)],
            "rater": f"r{k % RATERS}",
        }
        for k in range(count)
    ]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows in the format of the file's suffix."""
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def show(
    suffix: str,
    path: Path,
    ways: list[Callable[[Path], int]],
    rounds: int,
    sources_before: Path | None,
) -> None:
    """Measure the ways in turns, and print them with ratios to our reader."""
    found = [[measured(way, path, sources_before) for way in ways] for _ in range(rounds)]
    print(f"\n{suffix:18}{'rows/s':>12}{'ours is faster by':>20}{'peak MB':>10}")
    ours = [round_[0][0] for round_ in found]
    for k, way in enumerate(ways):
        rates = [round_[k][0] for round_ in found]
        ratio = statistics.median(a / b for a, b in zip(ours, rates, strict=True))
        peak = max(round_[k][1] for round_ in found)
        print(f"{way.__name__:18}{statistics.median(rates):12,.0f}{ratio:20.2f}{peak:10.0f}")


def measured(
    way: Callable[[Path], int], path: Path, sources_before: Path | None
) -> tuple[float, float]:
    """Rows per second of processor time, and peak megabytes, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=_measure, args=(way, path, sources_before, answer))
    process.start()
    found: tuple[float, float] = answer.get(timeout=600)
    process.join()
    return found


def _measure(
    way: Callable[[Path], int],
    path: Path,
    sources_before: Path | None,
    answer: "multiprocessing.Queue[tuple[float, float]]",
) -> None:
    if way is before:
        sys.path.insert(0, str(sources_before))
    way(path.with_name(f"few{path.suffix}"))  # imports and first calls are left out
    began = time.process_time()
    rows = way(path)
    seconds = time.process_time() - began
    answer.put((rows / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000))


if __name__ == "__main__":
    main()
