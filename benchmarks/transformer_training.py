"""Training MiniLM on PRISM-length pairs, compared with the published procedure and with TRL.

Ours: `fine_tune`, pairs of like length together (or a rater's turn), each distinct response once,
padded to the batch. Published (SCPO): a plain loop, one forward pass for the chosen and one for the
rejected, all padded to 512 tokens, dropout on. TRL as it comes: `RewardTrainer` with its own
settings (gradient checkpointing, bfloat16, random order, padded to the batch). TRL made equal: the
same without checkpointing and bfloat16. "Ours, random" is ours in random order. Same model, pairs,
batch of 8, AdamW, adapters; all learn for one epoch, but the published way, whose steps all cost
the same, for two steps. Seconds are those of the steps: loading and tokenising are left out for
all.

Run: ``python benchmarks/transformer_training.py [FOLDER]`` (or PLURALIGN_DATA=FOLDER); see
transformer_scoring.py for the texts. Each way has a process of its own and they take turns, one at
a time. The table comes last.
"""

import contextlib
import copy
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from transformer_scoring import (
    LIMIT,
    Sample,
    minilm,
    options_of,
    padded_to_limit,
    peak_gib,
    prism_pairs,
    process_each,
)

from pluralign.core import PreferencePair, requests_of

BATCH, RANK = 8, 16
PUBLISHED_STEPS = 2


@dataclass(frozen=True)
class Stamp:
    """A point in time: clock and processor."""

    clock: float
    worked: float


@dataclass(frozen=True)
class Learned:
    """The time of one way in one round: clock and processor."""

    pairs: int
    seconds: float
    worked: float
    peak_gib: float = 0.0

    @classmethod
    def between(cls, pairs: int, began: "Stamp", ended: "Stamp") -> "Learned":
        """Between two points in time."""
        return cls(pairs, ended.clock - began.clock, ended.worked - began.worked)

    @property
    def rate(self) -> float:
        """Pairs per second."""
        return self.pairs / self.seconds

    @property
    def work(self) -> float:
        """Processor seconds for each pair."""
        return self.worked / self.pairs


Way = Callable[[Any, Sequence[PreferencePair], str], Learned]


def train_ours(
    backbone: Any, pairs: Sequence[PreferencePair], kind: str, **settings: Any
) -> Learned:
    """`fine_tune` for one epoch."""
    from pluralign.huggingface.watch import Watch
    from pluralign.rewards.transformer.config import TrainingConfig
    from pluralign.rewards.transformer.finetuning import fine_tune
    from pluralign.rewards.transformer.tokenized_texts import TextForm, form_for
    from pluralign.rewards.transformer.training_rows import WeightedPairs

    config = TrainingConfig(
        **{"batch": BATCH, "epochs": 1, "checkpoints": 0, "rank": RANK} | settings
    )
    form = TextForm(form_for(backbone.tokenizer), LIMIT)
    stamps: list[Stamp] = []
    watch = Watch(progress=lambda done, total: stamps.append(now(backbone)))
    with tempfile.TemporaryDirectory() as folder:
        train = WeightedPairs(pairs, np.ones(len(pairs)))
        fine_tune(backbone, form, kind, train, Path(folder) / "part", config, watch=watch)  # type: ignore[arg-type]
    return Learned.between(len(pairs), stamps[0], stamps[-1])


def train_published(
    backbone: Any, pairs: Sequence[PreferencePair], kind: str, steps: int = PUBLISHED_STEPS
) -> Learned:
    """A plain loop, everything padded to 512 tokens."""
    import torch

    model = with_adapters(copied(backbone), kind).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-6)
    batches = [pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH)][:steps]
    began = now(backbone)
    for batch in batches:
        chosen, rejected = (
            model(**padded_to_limit(backbone, side)).logits for side in requests_of(batch)
        )
        torch.nn.functional.softplus(rejected - chosen).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return Learned.between(sum(map(len, batches)), began, now(backbone))


def train_trl(
    backbone: Any, pairs: Sequence[PreferencePair], kind: str, **settings: Any
) -> Learned:
    """TRL's own trainer for one epoch, on the tokens that ours reads."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import RewardConfig, RewardTrainer

    from pluralign.rewards.transformer.tokenized_texts import TextForm, form_for, tokenise

    form = TextForm(form_for(backbone.tokenizer), LIMIT)
    sides = [
        [t.ids for t in tokenise(backbone.tokenizer, side, form)] for side in requests_of(pairs)
    ]
    rows = [{"chosen_ids": a, "rejected_ids": b} for a, b in zip(*sides, strict=True)]
    stamps: list[Stamp] = []

    class Stamps(TrainerCallback):
        def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
            stamps.append(now(backbone))

        on_step_end = on_train_begin

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        quiet = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True}
        own = {"per_device_train_batch_size": BATCH, "num_train_epochs": 1, "max_length": LIMIT}
        own |= {"use_cpu": backbone.model.device.type == "cpu"}
        trainer = RewardTrainer(
            model=copied(backbone),
            args=RewardConfig(output_dir=folder, **quiet | own | settings),
            train_dataset=Dataset.from_list(rows),
            processing_class=backbone.tokenizer,
            peft_config=lora() if kind == "lora" else None,
            callbacks=[Stamps()],
        )
        trainer.train()
    return Learned.between(len(rows), stamps[0], stamps[-1])


def copied(backbone: Any) -> Any:
    """A copy to train, in float32."""
    return copy.deepcopy(backbone.model).float().requires_grad_(True)


def with_adapters(model: Any, kind: str) -> Any:
    """The model, or adapters on it."""
    from peft import get_peft_model

    return get_peft_model(model, lora()) if kind == "lora" else model


def lora() -> Any:
    """The same adapters as ours."""
    from peft import LoraConfig, TaskType

    return LoraConfig(
        task_type=TaskType.SEQ_CLS, r=RANK, lora_alpha=2 * RANK, target_modules="all-linear"
    )


def now(backbone: Any) -> Stamp:
    """The time, after the device has finished its work."""
    import torch

    if backbone.model.device.type == "cuda":
        torch.cuda.synchronize()
    return Stamp(time.perf_counter(), time.process_time())


WAYS: dict[str, Way] = {
    "ours, by length": train_ours,
    "ours, by turn": partial(train_ours, group_by="turn"),
    "ours, random": partial(train_ours, group_by="random"),
    "TRL as it comes": train_trl,
    "TRL made equal": partial(train_trl, gradient_checkpointing=False, bf16=False),
    "published": train_published,
}
FIRST = "ours, by length"


def take_turn(way: str, kind: str, sample: Sample, threads: int) -> Learned:
    """Train once, in this process."""
    import logging
    import warnings

    import datasets

    warnings.simplefilter("ignore")
    datasets.disable_progress_bars()
    logging.disable(logging.WARNING)
    learned = WAYS[way](minilm(threads), prism_pairs(sample), kind)
    return replace(learned, peak_gib=peak_gib())


def measure(kind: str, sample: Sample, rounds: int, threads: int) -> list[dict[str, Learned]]:
    """Rounds of every way, after a short warm-up that is not counted."""
    processes = process_each(list(WAYS))
    few = Sample(sample.folder, BATCH, seed=1)
    for name, process in processes.items():
        process.submit(take_turn, name, kind, few, threads).result()
    found = [
        {
            name: process.submit(take_turn, name, kind, sample, threads).result()
            for name, process in processes.items()
        }
        for _ in range(rounds)
    ]
    for process in processes.values():
        process.shutdown()
    return found


def main() -> None:
    parser = options_of(__doc__, pairs=40, rounds=1)
    parser.add_argument("--kinds", nargs="+", choices=("lora", "full"), default=["lora"])
    options = parser.parse_args()
    sample = Sample(options.folder, options.pairs)
    where = "drawn texts" if options.folder is None else "PRISM hard panel"
    found = {kind: measure(kind, sample, options.rounds, options.threads) for kind in options.kinds}
    pairs, batch = len(prism_pairs(sample)), f"batch {BATCH}"
    print(f"{where}: {pairs} pairs, {batch}; {options.rounds} rounds, threads: {options.threads}")
    print(
        f"{'kind':6} {'way':18} {'pairs/s':>8} {'ours is faster by':>18} "
        f"{'in processor time':>18} {'peak GiB':>9}"
    )
    for kind, rounds in found.items():
        for name in WAYS:
            rate = statistics.median(r[name].rate for r in rounds)
            ratio = statistics.median(r[FIRST].rate / r[name].rate for r in rounds)
            worked = statistics.median(r[name].work / r[FIRST].work for r in rounds)
            most = max(r[name].peak_gib for r in rounds)
            print(f"{kind:6} {name:18} {rate:8.2f} {ratio:18.2f} {worked:18.2f} {most:9.2f}")


if __name__ == "__main__":
    main()
