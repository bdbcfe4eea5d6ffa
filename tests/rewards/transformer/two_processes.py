"""A launcher starts this in each process: all train and score alike, and the first one writes.

Run as ``python two_processes.py JOB OUT``; JOB is a JSON file with the folder of a model and rows
of pairs.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import PreferencePair, RewardRequest

CASES: dict[str, dict[str, Any]] = {
    "even": {"count": 24, "kind": "full"},
    "uneven": {"count": 20, "kind": "full", "group_by": "length", "loss_over": "weights"},
    "few": {"count": 3, "kind": "full"},
    "adapter": {
        "count": 21,
        "kind": "lora",
        "group_by": "turn",
        "schedule": "linear",
        "micro_batch": 2,
    },
    "held out": {"count": 20, "kind": "lora", "held": 11, "max_steps": 9, "evaluations": 3},
    "resumed": {"count": 28, "kind": "full", "max_steps": 12, "checkpoints": 2, "killed": 7},
}


def pairs_of(rows: list[dict[str, Any]]) -> list[PreferencePair]:
    return [PreferencePair(**row) for row in rows]


def work(job: dict[str, Any], out: Path) -> None:
    """Train every case, and score with two outputs; parts lie in folders of ``out``."""
    import torch

    from pluralign.huggingface.processes import is_main
    from pluralign.rewards.transformer.backbones import ModelSource, load_backbone
    from pluralign.rewards.transformer.tokenized_texts import TextForm
    from pluralign.rewards.transformer.trunk import RequestEncoder, TransformerTrunk

    torch.set_num_threads(1)
    backbone, form = load_backbone(ModelSource(job["model"], device="cpu")), TextForm("pair", 40)
    pairs = pairs_of(job["pairs"])
    for name, case in CASES.items():
        train(backbone, form, pairs, dict(case), out / name)
    requests = [RewardRequest(p.prompt, text) for p in pairs for text in (p.chosen, p.rejected)][
        :41
    ]
    found = {}
    for output in ("reward", "hidden"):
        trunk = TransformerTrunk(RequestEncoder(backbone, form, output))
        found[output] = trunk.features(requests)
        found[f"one {output}"] = trunk.features(requests[:1])
    if is_main():
        np.savez(out / "scores.npz", **found)


def train(
    backbone: Any, form: Any, pairs: list[PreferencePair], case: dict[str, Any], folder: Path
) -> None:
    from pluralign.huggingface.watch import Watch
    from pluralign.rewards.transformer.config import TrainingConfig
    from pluralign.rewards.transformer.finetuning import fine_tune
    from pluralign.rewards.transformer.training_rows import WeightedPairs

    count, kind, held, killed = (
        case.pop("count"),
        case.pop("kind"),
        case.pop("held", 0),
        case.pop("killed", None),
    )
    usual = {
        "learning_rate": 5e-3,
        "batch": 8,
        "max_steps": 7,
        "rank": 2,
        "held_out": 0,
        "checkpoints": 0,
    }
    config = TrainingConfig(
        **(usual | {"schedule": "constant", "warmup": 0, "group_by": "random"} | case)
    )
    weights = np.linspace(0.2, 1.4, count)
    call = (
        backbone,
        form,
        kind,
        WeightedPairs(pairs[:count], weights),
        folder,
        config,
        pairs[-held:] if held else (),
    )

    def kill(done: int, total: int) -> None:
        if done == killed:
            raise KeyboardInterrupt

    if killed is not None:
        try:
            fine_tune(*call, watch=Watch(progress=kill))
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("the training was not killed")
    fine_tune(*call)


if __name__ == "__main__":
    work(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
