"""Speed of encoders, compared with sentence-transformers' own loop at its best batch size.

Run: python benchmarks/encoding.py FOLDER (or PLURALIGN_DATA=FOLDER), where FOLDER contains
global_dialogues/*_thoughts.csv.gz. Ours and theirs alternate, and the best round of each is used,
so that other work on the machine affects both alike. The table is printed last.
"""

import argparse
import csv
import gzip
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pluralign.core import Encoder, rng_for
from pluralign.encoders import CachedEncoder, HashEncoder, SentenceEncoder, StaticEncoder, minilm

BATCH_SIZES = (8, 16, 32, 64, 128, 256)


def thoughts(folder: Path) -> list[str]:
    """The different free-text answers of Global Dialogues."""
    texts: list[str] = []
    for path in sorted((folder / "global_dialogues").glob("*_thoughts.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            texts += [row["thought"] for row in csv.DictReader(file)]
    return list(dict.fromkeys(texts))


def long_texts(texts: list[str], n: int) -> list[str]:
    """Texts of many sentences, from a few dozen words to more than a model reads."""
    rng = rng_for(7, "long texts")
    return [" ".join(rng.choice(texts, size=int(rng.integers(2, 20)))) for _ in range(n)]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def against_library(
    encoder: SentenceEncoder, texts: list[str], rounds: int
) -> tuple[float, float, int, float]:
    """Seconds of ours, of theirs at the best batch size, that size, and the largest difference."""
    loops = {
        size: partial(encoder.model.encode, texts, batch_size=size, show_progress_bar=False)
        for size in BATCH_SIZES
    }
    ours, theirs = np.inf, dict.fromkeys(BATCH_SIZES, np.inf)
    for _ in range(rounds):
        for size, loop in loops.items():
            theirs[size] = min(theirs[size], seconds(loop))
        ours = min(ours, seconds(lambda: encoder.encode(texts)))
    best = min(theirs, key=lambda size: theirs[size])
    return ours, theirs[best], best, float(np.abs(encoder.encode(texts) - loops[best]()).max())


def speed(encoder: Encoder, texts: list[str]) -> float:
    """Texts per second, the best of three."""
    encoder.encode(texts[:100])
    return len(texts) / min(seconds(lambda: encoder.encode(texts)) for _ in range(3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("PLURALIGN_DATA"))
    parser.add_argument(
        "--texts", type=int, default=1000, help="short texts compared (a quarter as many long ones)"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--threads", type=int, help="threads of torch: 1 on a machine that is busy otherwise"
    )
    options = parser.parse_args()
    if options.folder is None:
        parser.error("name the folder of real data, or set PLURALIGN_DATA")
    if options.threads:
        torch.set_num_threads(options.threads)
    everything = thoughts(options.folder)
    short = (
        rng_for(7, "short texts")
        .choice(everything, min(options.texts, len(everything)), replace=False)
        .tolist()
    )
    encoder = minilm(device="cpu")
    encoder.encode(short[:100])
    compared = {"short": short, "long": long_texts(everything, len(short) // 4)}
    rows = [
        (name, len(texts), *against_library(encoder, texts, options.rounds))
        for name, texts in compared.items()
    ]
    many = [f"{text} ({i})" for i in range(1 + 25_000 // len(everything)) for text in everything][
        :25_000
    ]
    with tempfile.TemporaryDirectory() as cache:
        static = StaticEncoder(encoder, Path(cache))
        distil = seconds(lambda: static.encode(short[:1]))
        speeds = {
            "minilm": len(short) / rows[0][2],
            "static": speed(static, everything),
            "hash": speed(HashEncoder(), many),
        }
        CachedEncoder(HashEncoder(384), Path(cache)).encode(many)
        hit = seconds(lambda: CachedEncoder(HashEncoder(384), Path(cache)).encode(many))
    print(
        f"static: distilled in {distil:.1f} s; cache: {len(many):,} known texts x 384 in "
        f"{hit:.2f} s"
    )
    print(
        f"{'texts':8}{'n':>8}{'ours s':>10}{'theirs s':>10}{'at batch':>10}{'ratio':>8}"
        f"{'largest difference':>20}"
    )
    for name, n, ours, theirs, batch, difference in rows:
        print(
            f"{name:8}{n:8,}{ours:10.2f}{theirs:10.2f}{batch:10}{theirs / ours:8.2f}"
            f"{difference:20.1e}"
        )
    print(f"{'encoder':12}{'texts/s':>10}{'x minilm':>10}")
    for name, rate in speeds.items():
        print(f"{name:12}{rate:10,.0f}{rate / speeds['minilm']:10.1f}")


if __name__ == "__main__":
    main()
