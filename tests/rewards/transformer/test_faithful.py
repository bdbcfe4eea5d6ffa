"""The published training of SCPO on a tiny model, against plain torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("trl")

from transformers import AutoModelForSequenceClassification, AutoTokenizer

from pluralign.core import PreferencePair, rng_for
from pluralign.rewards.transformer.backbones import ModelSource, load_backbone
from pluralign.rewards.transformer.config import TrainingConfig
from pluralign.rewards.transformer.finetuning import fine_tune
from pluralign.rewards.transformer.tokenized_texts import TextForm
from pluralign.rewards.transformer.trainer import GroupedSampler
from pluralign.rewards.transformer.training_rows import WeightedPairs

MAX_LENGTH, BATCH, STEPS, RATE = 24, 8, 7, 1e-3


def order_of(count: int, seed: int) -> list[int]:
    """The order that a training draws, epoch after epoch."""
    sampler, order = GroupedSampler([0] * count, None, BATCH, seed), []
    for epoch in range(STEPS):
        sampler.set_epoch(epoch)
        drawn = list(sampler)
        order += [drawn[k : k + BATCH] for k in range(0, count, BATCH)]
    return order[:STEPS]


def reference(
    folder: Path, pairs: list[PreferencePair], weight_N: Any, seed: int
) -> tuple[Any, list[float]]:
    """The published loop, but for the defects that are switched off: dropout is off."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    losses = []
    for batch in order_of(len(pairs), seed):
        rewards = []
        for side in ("chosen", "rejected"):
            texts = [
                f"{pairs[i].prompt} {tokenizer.sep_token} {getattr(pairs[i], side)}" for i in batch
            ]
            inputs = tokenizer(
                texts,
                truncation=True,
                padding="max_length",
                max_length=MAX_LENGTH,
                return_tensors="pt",
            )
            rewards.append(model(**inputs).logits[:, 0])
        margin = rewards[0] - rewards[1]
        weight = torch.tensor(weight_N[batch], dtype=torch.float32)
        loss = (weight * -torch.nn.functional.logsigmoid(margin)).sum() / len(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


@pytest.mark.parametrize("count", [24, 20])
def test_the_faithful_mode_is_the_published_loop(tiny: Any, tmp_path: Path, count: int) -> None:
    backbone, pairs = tiny.load("encoder"), tiny.pairs(count)
    weight_N = np.minimum(np.exp(rng_for(0, "margins").normal(size=count) / 1.1), 1)
    config = TrainingConfig(
        learning_rate=RATE,
        batch=BATCH,
        max_steps=STEPS,
        schedule="constant",
        warmup=0,
        clip=0,
        loss_over="pairs",
        dropout=False,
        group_by="random",
        held_out=0,
        checkpoints=0,
        seed=5,
    )
    form = TextForm("joined", MAX_LENGTH)
    fine_tune(backbone, form, "full", WeightedPairs(pairs, weight_N), tmp_path / "part", config)
    model, losses = reference(tiny.folder("encoder"), pairs, weight_N, seed=5)
    logged = [
        json.loads(line) for line in (tmp_path / "part" / "metrics.jsonl").read_text().splitlines()
    ]
    assert np.allclose([line["loss"] for line in logged], losses, atol=1e-5)
    assert losses[-1] < losses[0] - 0.02
    ours = load_backbone(ModelSource(str(tmp_path / "part"), device="cpu")).model
    start = AutoModelForSequenceClassification.from_pretrained(tiny.folder("encoder"))
    moved = 0.0
    for (name, a), b, c in zip(
        ours.named_parameters(), model.parameters(), start.parameters(), strict=True
    ):
        if name.endswith("key.bias") or name == "classifier.bias":
            continue  # no loss depends on these: Adam makes steps of their rounding errors
        assert torch.allclose(a, b, atol=1e-5), name
        moved = max(moved, float((a - c).detach().abs().max()))
    assert moved > 3 * RATE


def test_the_published_settings_cut_some_of_these_texts(tiny: Any) -> None:
    tokenizer = tiny.load("encoder").tokenizer
    lengths = [len(tokenizer(f"{p.prompt} [SEP] {p.chosen}")["input_ids"]) for p in tiny.pairs(24)]
    assert 0 < sum(n > MAX_LENGTH for n in lengths) < 24
