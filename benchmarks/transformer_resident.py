"""Many small calls to a LoRA model of 20 communities, with adapters in memory or read each time.

Each call asks for 8 requests. "One community" and "a blend" steer all of them alike; the community
is drawn for each call, the blend is one of four. "Each its own" steers every request to a community
drawn for it, as callers of a server do together: one call where parts stay, one call a request
where they do not.

Run: ``python benchmarks/transformer_resident.py``. Two backbones of the same random weights take
turns in one process. The table comes last.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformer_scoring import LIMIT, WORDS, drawn_model

from pluralign.core import RewardRequest, Steer, rng_for
from pluralign.rewards.transformer.model import TransformerRewardModel
from pluralign.rewards.transformer.resident import ResidentRewardModel

REQUESTS = 8
WARM = 4
IDS = tuple(f"~c{k}" for k in range(20))
BLENDS = [Steer({IDS[k]: 0.5, IDS[k + 1]: 0.5}) for k in range(4)]


def small_bert(threads: int) -> Any:
    """A BERT of 2 layers and 64 dimensions with random weights, always the same."""
    import torch
    from transformers import BertConfig

    torch.set_num_threads(threads)
    shape = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 256,
    }
    return drawn_model(
        BertConfig(max_position_embeddings=LIMIT, **shape), "BertForSequenceClassification", "cpu"
    )


def write_adapters(root: Path) -> dict[str, Path]:
    """An adapter of random weights for each community, as PEFT saves it."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model

    settings = LoraConfig(
        task_type=TaskType.SEQ_CLS, r=8, target_modules="all-linear", modules_to_save=["classifier"]
    )
    model = get_peft_model(small_bert(1).model, settings)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for seed, id_ in enumerate(IDS):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in learned:
                parameter.normal_(std=0.1, generator=generator)
        model.save_pretrained(root / id_)
    return {id_: root / id_ for id_ in IDS}


def drawn_requests(rng: np.random.Generator) -> list[RewardRequest]:
    """Prompts and responses of a few words."""
    texts = [" ".join(rng.choice(WORDS, rng.integers(5, 40))) for _ in range(2 * REQUESTS)]
    return [RewardRequest(a, b) for a, b in zip(texts[::2], texts[1::2], strict=True)]


def one_by_one(
    model: TransformerRewardModel, requests: Sequence[RewardRequest], steers: Sequence[Steer | None]
) -> Any:
    """Each request under its own steer; one call if the steer is the same for all."""
    if len(set(steers)) == 1:
        return model.score(requests, steers[0])
    return np.concatenate(
        [model.score([r], steer) for r, steer in zip(requests, steers, strict=True)]
    )


def together(
    model: ResidentRewardModel, requests: Sequence[RewardRequest], steers: Sequence[Steer | None]
) -> Any:
    """The same, in one call."""
    return np.concatenate(model.rewards_each(requests, [[steer] for steer in steers]))


Draw = Callable[[np.random.Generator], list[Steer | None]]
CASES: dict[str, Draw] = {
    "the reference": lambda rng: [None] * REQUESTS,
    "one community": lambda rng: [Steer.to(str(rng.choice(IDS)))] * REQUESTS,
    "a blend": lambda rng: [BLENDS[rng.integers(len(BLENDS))]] * REQUESTS,
    "each its own": lambda rng: [Steer.to(str(id_)) for id_ in rng.choice(IDS, REQUESTS)],
}


def measured(read: TransformerRewardModel, kept: ResidentRewardModel, name: str, calls: int) -> str:
    """A line of the table: both alternate, after a few warm-up calls."""
    rng, times, apart = rng_for(0, name), [], 0.0
    for call in range(WARM + calls):
        requests, steers = drawn_requests(rng), CASES[name](rng)
        began = time.perf_counter()
        first_N = one_by_one(read, requests, steers)
        middle = time.perf_counter()
        second_N = together(kept, requests, steers)
        if call >= WARM:
            times.append((1000 * (middle - began), 1000 * (time.perf_counter() - middle)))
        apart = max(apart, float(np.abs(first_N - second_N).max()))
    one, other = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    return f"{name:14} {one:8.1f} {other:8.1f} {ratio:6.1f} {apart:8.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    options = parser.parse_args()
    from pluralign.rewards.transformer.tokenized_texts import TextForm

    with tempfile.TemporaryDirectory() as root:
        folders = write_adapters(Path(root))
        read, other = (
            TransformerRewardModel(
                small_bert(options.threads), TextForm("pair", LIMIT), "lora", folders
            )
            for _ in range(2)
        )
        began = time.perf_counter()
        with ResidentRewardModel(other) as kept:
            opened = time.perf_counter() - began
            lines = [measured(read, kept, name, options.calls) for name in CASES]
    print(
        f"{options.calls} calls of {REQUESTS} requests, {len(IDS)} communities; opened in "
        f"{opened:.2f} s"
    )
    print(f"{'steered to':14} {'read ms':>8} {'kept ms':>8} {'ratio':>6} {'apart':>8}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
