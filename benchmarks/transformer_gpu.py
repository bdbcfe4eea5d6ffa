"""Costs of a transformer on a GPU: an 8B decoder with LoRA, and DeBERTa-v3-base (random weights).

In one call, without the network: the ceiling of bfloat16 matrix products on this GPU; training
adapters of a decoder of Llama 3.1 8B's shape, and scoring with it, in TFLOP/s and as a share of
that ceiling; and with DeBERTa-v3-base's shape scoring and training against the published way and
TRL as it comes (as transformer_scoring.py and transformer_training.py describe them).

Floating-point operations are counted for the weights of the linear layers alone, and for real
tokens, not for padding: scoring ``2 x weights x tokens``; training adapters
``4 x weights x tokens`` (forward, and backward through the activations; nothing for attention, for
the adapters themselves or for recomputing).

Run: ``python benchmarks/transformer_gpu.py`` on a machine with a GPU, or ``--tiny`` on any: small
shapes, which check the script and measure nothing. The texts are drawn; their lengths are PRISM's.
The table comes last.
"""

import argparse
import dataclasses
import gc
import json
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from transformer_scoring import (
    LIMIT,
    drawn_model,
    drawn_prism,
    peak_gib,
    score_ours,
    score_published,
)
from transformer_training import WAYS, Learned

from pluralign.core import PreferencePair, requests_of
from pluralign.huggingface.watch import Watch
from pluralign.rewards.transformer.config import TrainingConfig
from pluralign.rewards.transformer.finetuning import METRICS, fine_tune
from pluralign.rewards.transformer.tokenized_texts import TextForm, form_for, tokenise
from pluralign.rewards.transformer.training_rows import WeightedPairs

SKIPPED = 3
COMPARED = ("ours, by length", "ours, by turn", "TRL as it comes", "published")


@dataclasses.dataclass(frozen=True)
class Size:
    """Sizes of the models and samples."""

    product: int
    decoder: dict[str, Any]
    encoder: dict[str, Any]
    batch: int
    steps: int
    texts: int
    pairs: int


DEBERTA = {
    "relative_attention": True,
    "position_buckets": 256,
    "pos_att_type": ["p2c", "c2p"],
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "max_relative_positions": -1,
    "position_biased_input": False,
    "type_vocab_size": 0,
}
FULL = Size(
    product=8192,
    decoder={
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "intermediate_size": 14336,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128_256,
    },
    encoder={
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "vocab_size": 128_100,
    },
    batch=32,
    steps=15,
    texts=2048,
    pairs=256,
)
TINY = Size(
    product=128,
    decoder={
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 256,
    },
    encoder={
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "vocab_size": 256,
    },
    batch=2,
    steps=5,
    texts=4,
    pairs=2,
)


def ceiling(device: str, size: int) -> float:
    """TFLOP/s of a bfloat16 matrix product, the median of three rounds of ten."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    rates = []
    for turn in range(4):
        began = synchronised(device)
        for _ in range(10):
            a @ b
        rates.append(10 * 2 * size**3 / (synchronised(device) - began) / 1e12)
        if turn == 0:
            rates.clear()
    return statistics.median(rates)


def synchronised(device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def linear_weights(model: Any) -> int:
    """Weights of the linear layers."""
    return sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))


def decoder(device: str, shape: dict[str, Any]) -> Any:
    from transformers import LlamaConfig

    config = LlamaConfig(rope_theta=500_000.0, max_position_embeddings=8192, **shape)
    return drawn_model(config, "LlamaForSequenceClassification", device, decoder=True)


def encoder(device: str, shape: dict[str, Any]) -> Any:
    from transformers import DebertaV2Config

    config = DebertaV2Config(max_position_embeddings=LIMIT, **DEBERTA, **shape)
    return drawn_model(config, "DebertaV2ForSequenceClassification", device)


def training_speed(backbone: Any, size: Size) -> tuple[float, float]:
    """Tokens and seconds of the training steps of adapters, without the first ones."""
    pairs = drawn_prism(size.batch * size.steps, seed=0)
    config = TrainingConfig(batch=size.batch, max_steps=size.steps, checkpoints=0)
    stamps: dict[int, float] = {}
    watch = Watch(
        progress=lambda done, total: stamps.setdefault(
            done, synchronised(backbone.model.device.type)
        ),
        note=print,
    )
    form = TextForm(form_for(backbone.tokenizer), LIMIT)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part"
        fine_tune(
            backbone,
            form,
            "lora",
            WeightedPairs(pairs, np.ones(len(pairs))),
            part,
            config,
            watch=watch,
        )
        lines = [
            json.loads(line) for line in (part / METRICS).read_text(encoding="utf-8").splitlines()
        ]
    tokens = sum(line["tokens"] for line in lines if line["step"] > SKIPPED and "tokens" in line)
    return tokens, stamps[size.steps] - stamps[SKIPPED]


def scoring_speed(backbone: Any, texts: int) -> tuple[int, int, float]:
    """Texts, tokens and seconds of scoring distinct texts."""
    pairs = drawn_prism(texts, seed=1)
    score_ours(backbone, pairs[: max(4, texts // 8)])
    requests = list(dict.fromkeys(r for side in requests_of(pairs) for r in side))
    form = TextForm(form_for(backbone.tokenizer), LIMIT)
    tokens = sum(map(len, tokenise(backbone.tokenizer, requests, form)))
    began = synchronised(backbone.model.device.type)
    score_ours(backbone, pairs)
    return len(requests), tokens, synchronised(backbone.model.device.type) - began


def published_speed(backbone: Any, pairs: Sequence[PreferencePair]) -> float:
    """Texts per second of the published procedure, in float32."""
    wide = dataclasses.replace(backbone, model=backbone.model.float())
    score_published(wide, pairs[:4])
    began = synchronised(wide.model.device.type)
    score_published(wide, pairs)
    return len({r for side in requests_of(pairs) for r in side}) / (
        synchronised(wide.model.device.type) - began
    )


def peak(device: str, work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of ``work`` and the peak memory in GiB, of the GPU or else of the process."""
    gc.collect()
    if device == "cpu":
        return work(), peak_gib()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return work(), torch.cuda.max_memory_allocated() / 2**30


def large(device: str, size: Size, top: float) -> list[str]:
    """Lines on the decoder."""
    model = decoder(device, size.decoder)
    weights = linear_weights(model.model)
    lines = [
        f"decoder: {weights / 1e9:.2f} billion weights in linear layers, batch of {size.batch} "
        "pairs"
    ]
    (tokens, seconds), gib = peak(device, lambda: training_speed(model, size))
    rate = 4 * weights * tokens / seconds / 1e12
    row = (
        f"{tokens / seconds:12,.0f} tokens/s {rate:8.1f} TFLOP/s {rate / top:6.1%} of the "
        f"ceiling {gib:6.1f} GiB"
    )
    lines.append(f"{'  LoRA training':26}{row}")
    (texts, tokens, seconds), gib = peak(device, lambda: scoring_speed(model, size.texts))
    rate = 2 * weights * tokens / seconds / 1e12
    row = (
        f"{tokens / seconds:12,.0f} tokens/s {rate:8.1f} TFLOP/s {rate / top:6.1%} of the "
        f"ceiling {gib:6.1f} GiB"
    )
    return [*lines, f"{'  scoring':26}{row}", f"{'':26}{texts / seconds:12,.1f} texts/s"]


def base(device: str, size: Size) -> list[str]:
    """Lines on the encoder."""
    model = encoder(device, size.encoder)
    lines = [f"encoder: {linear_weights(model.model) / 1e6:.0f} million weights in linear layers"]
    (texts, _, seconds), gib = peak(device, lambda: scoring_speed(model, 2 * size.texts))
    ours = texts / seconds
    lines.append(f"{'  scoring, ours':26}{ours:12,.1f} texts/s {'':24} {gib:6.1f} GiB")
    few = drawn_prism(max(8, size.texts // 8), seed=2)
    theirs, gib = peak(device, lambda: published_speed(model, few))
    lines.append(
        f"{'  scoring, published':26}{theirs:12,.1f} texts/s {ours / theirs:10.2f} times slower "
        f"{gib:6.1f} GiB"
    )
    for kind in ("full", "lora"):
        first: Learned | None = None
        for name in COMPARED:
            learned, gib = trained(device, name, kind, size)
            first = first or learned
            row = (
                f"{learned.rate:12,.1f} pairs/s {first.rate / learned.rate:10.2f} times slower "
                f"{gib:6.1f} GiB"
            )
            lines.append(f"  {kind}, {name:{24 - len(kind) - 2}}{row}")
    return lines


def trained(device: str, name: str, kind: str, size: Size) -> tuple[Learned, float]:
    """One way of training the encoder, after a short warm-up that is not counted."""
    model = encoder(device, size.encoder)
    WAYS[name](model, drawn_prism(min(8, size.pairs), seed=3), kind)
    pairs = drawn_prism(size.pairs, seed=4)
    return peak(device, lambda: WAYS[name](model, pairs, kind))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--tiny", action="store_true", help="small shapes on the CPU, to check the script"
    )
    parser.add_argument(
        "--batch", type=int, help="pairs in a step of the decoder (halved where memory is short)"
    )
    parser.add_argument("--only", choices=("decoder", "encoder"))
    options = parser.parse_args()
    if not options.tiny and not torch.cuda.is_available():
        parser.error("there is no GPU here; --tiny checks the script without one")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    datasets.disable_progress_bars()
    if options.tiny:
        torch.set_num_threads(1)
    device, size = ("cpu", TINY) if options.tiny else ("cuda", FULL)
    size = dataclasses.replace(size, batch=options.batch or size.batch)
    top = ceiling(device, size.product)
    where = (
        "CPU" if device == "cpu" else f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    )
    lines = [
        f"{where}: ceiling of bfloat16 matrix products {top:.1f} TFLOP/s ({size.product} x "
        f"{size.product})"
    ]
    if options.only != "encoder":
        lines += large(device, size, top)
    if options.only != "decoder":
        gc.collect()
        lines += base(device, size)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
