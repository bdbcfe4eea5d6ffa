"""Fine-tune a transformer on weighted pairs: a full copy or a LoRA adapter; resumable."""

import copy
import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import (
    NotEnoughData,
    PreferencePair,
    prompt_text,
)
from pluralign.huggingface.processes import process_count, writing
from pluralign.huggingface.quieting import quiet
from pluralign.huggingface.training_folders import METRICS, TrainingFolder, is_over, need_trl
from pluralign.huggingface.watch import Watch
from pluralign.rewards.transformer.adapters import head_module, own_layers_back
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.config import PartKind, TrainingConfig
from pluralign.rewards.transformer.heads import check_length
from pluralign.rewards.transformer.tokenized_texts import TextForm
from pluralign.rewards.transformer.training_rows import WeightedPairs, blank_rows, rows_of


def fine_tune(
    backbone: Backbone,
    form: TextForm,
    kind: PartKind,
    train: WeightedPairs,
    folder: Path,
    config: TrainingConfig,
    held_out: Sequence[PreferencePair] = (),
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train one part from a model on weighted pairs, with TRL; the model itself stays as it is.

    The part appears in its folder whole or not at all: a model with its tokenizer (``full``) or a
    PEFT adapter with its head (``lora``), ``metrics.jsonl`` (every logged number by step) and
    ``training.json`` (settings, counts, outcome). Until then checkpoints are next to it, and the
    same call resumes the last of them.

    Args:
        backbone: The model that training starts from.
        form: How requests are written.
        kind: Adapter or full copy.
        train: The pairs to learn from.
        folder: Where the part is put; one that is there already is returned as it is.
        config: How to train.
        held_out: Pairs of held-out people, to stop early by; without any, training goes to its end.
        watch: Is notified of the progress.

    Returns:
        The content of ``training.json``.

    Raises:
        MissingExtra: If TRL or PEFT is not installed.
        NotEnoughData: If no pair counts, or all are too long.
        InvalidInput: If the folder or its checkpoints belong to another training, or the batch
            cannot be shared out.
        TrainingStopped: If the loss is not a number or memory is too short; the last checkpoint is
            kept.
    """
    need_trl()
    check_length(backbone.model, form)
    watch = watch or Watch()
    counted = train.counted()
    if not counted.pairs:
        raise NotEnoughData(
            "no pair counts: all weights are 0",
            where=str(folder),
            hint="raise tau, or use more pairs",
        )
    identity = _identity(backbone, form, kind, train, held_out, config)
    place = TrainingFolder(folder, identity)
    if (done := place.finished(watch.note)) is not None:
        return done
    place.claim()
    since = time.perf_counter()
    rows, told = rows_of(backbone, form, counted, watch)
    held_rows, _ = (
        rows_of(backbone, form, WeightedPairs(held_out, np.ones(len(held_out))), watch)
        if held_out
        else ([], {})
    )
    run = _Run(backbone, kind, config, place, watch)
    held_rows = [row | {"row": row["row"] + len(counted.pairs)} for row in held_rows]
    outcome = run.train(rows, held_rows, [p.id for p in (*counted.pairs, *held_out)])
    facts = {
        "part": kind,
        "config": config.model_dump(mode="json"),
        "pairs": len(rows),
        "pairs_left_out_by_weight": len(train.pairs) - len(counted.pairs),
        "sum_of_weights": float(sum(row["weight"] for row in rows)),
        "held_out_pairs": len(held_rows),
        **told,
        **outcome,
        "seconds": round(time.perf_counter() - since, 2),
    }
    place.publish(facts)
    return facts


@dataclass(slots=True)
class _Run:
    """One training."""

    backbone: Backbone
    kind: PartKind
    config: TrainingConfig
    place: TrainingFolder
    watch: Watch

    @property
    def folder(self) -> Path:
        """Where the part is written until it is whole."""
        return self.place.partial

    def train(
        self, rows: list[dict[str, Any]], held: list[dict[str, Any]], ids: list[str]
    ) -> dict[str, Any]:
        """Train, keep the best, and write the part."""
        last = self.place.last_checkpoint()
        if last is not None:
            self.watch.note(f"going on from {Path(last).name} in {self.folder}")
        own = own_layers_back(self.backbone.model) if self.kind == "lora" else nullcontext()
        with quiet(), own:
            trainer = self._trainer(self._model(), rows, held, ids, last)
            if last is not None and is_over(last):
                _take(trainer, last)
            else:
                trainer.train(resume_from_checkpoint=last)
            self._save(trainer)
            return self._outcome(trainer)

    def _model(self) -> Any:
        import torch

        if self.kind == "full":
            return copy.deepcopy(self.backbone.model).float().requires_grad_(True)
        from peft import LoraConfig, TaskType, get_peft_model

        targets = (
            self.config.targets
            if isinstance(self.config.targets, str)
            else list(self.config.targets)
        )
        settings = LoraConfig(
            task_type=TaskType.SEQ_CLS,
            r=self.config.rank,
            lora_alpha=round(self.config.alpha * self.config.rank),
            lora_dropout=self.config.lora_dropout if self.config.dropout else 0.0,
            target_modules=targets,
            modules_to_save=[head_module(self.backbone.model)],
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            return get_peft_model(self.backbone.model, settings)

    def _trainer(
        self,
        model: Any,
        rows: list[dict[str, Any]],
        held: list[dict[str, Any]],
        ids: list[str],
        last: str | None,
    ) -> Any:
        from datasets import Dataset
        from transformers import EarlyStoppingCallback, PrinterCallback

        from pluralign.huggingface.callbacks import MetricsFile, Progress
        from pluralign.rewards.transformer.arguments import arguments_for
        from pluralign.rewards.transformer.trainer import (
            GroupedSampler,
            PairCollator,
            WeightedRewardTrainer,
        )

        config = self.config
        names = sorted({row["community"] for row in (*rows, *held)})
        code = {name: k for k, name in enumerate(names)}
        rows = [row | {"community": code[row["community"]]} for row in rows]
        held = [row | {"community": code[row["community"]]} for row in held]
        groups = [row["turn"] for row in rows] if config.group_by == "turn" else None
        lengths = [0 if config.group_by == "random" else row["length"] for row in rows]
        blank, held_blank = (
            blank_rows(rows, config.batch),
            blank_rows(held, 2 * config.batch * process_count()),
        )
        on_gpu, narrow = model.device.type == "cuda", self.backbone.source.precision != "float32"
        callbacks: list[Any] = [
            MetricsFile(self.folder / METRICS, last),
            Progress(self.watch.progress),
        ]
        if held:
            callbacks.append(EarlyStoppingCallback(config.patience))
        trainer = WeightedRewardTrainer(
            model=model,
            args=arguments_for(
                config, self.kind, self.place.checkpoints, len(rows), bool(held), on_gpu, narrow
            ),
            train_dataset=Dataset.from_list(rows + blank),
            eval_dataset=Dataset.from_list(held + held_blank) if held else None,
            processing_class=self.backbone.tokenizer,
            data_collator=PairCollator(
                int(self.backbone.tokenizer.pad_token_id), 8 if on_gpu else 1
            ),
            callbacks=callbacks,
            micro_batch=config.micro_batch,
            loss_over=config.loss_over,
            sampler=GroupedSampler(lengths, groups, config.batch, config.seed, len(blank)),
            pair_ids=ids,
            communities=names,
            note=self.watch.note,
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _save(self, trainer: Any) -> None:
        trainer.save_model(str(self.folder))
        with writing() as main:
            if main:
                for leftover in ("training_args.bin", "README.md"):
                    (self.folder / leftover).unlink(missing_ok=True)
                if self.kind == "full":
                    self.backbone.tokenizer.save_pretrained(self.folder)

    def _outcome(self, trainer: Any) -> dict[str, Any]:
        state = trainer.state
        losses = {str(e["step"]): e["eval_loss"] for e in state.log_history if "eval_loss" in e}
        best = (
            int(state.best_model_checkpoint.rpartition("-")[2])
            if state.best_model_checkpoint
            else None
        )
        return {"steps": state.global_step, "best_step": best, "held_out_loss": losses}


def _take(trainer: Any, checkpoint: str) -> None:
    """Load the state with which the training would have ended."""
    from transformers import TrainerState

    trainer.state = TrainerState.load_from_json(str(Path(checkpoint) / "trainer_state.json"))
    best = trainer.state.best_model_checkpoint or checkpoint
    trainer._load_from_checkpoint(str(Path(checkpoint).parent / Path(best).name))


def _identity(
    backbone: Backbone,
    form: TextForm,
    kind: PartKind,
    train: WeightedPairs,
    held: Sequence[PreferencePair],
    config: TrainingConfig,
) -> str:
    """SHA-256 over all that decides what is learned."""
    settings = config.model_dump(
        exclude={"micro_batch", "gradient_checkpointing", "report_to", "checkpoints"}
    )
    digest = hashlib.sha256(
        json.dumps(
            [backbone.fingerprint, form.fingerprint, form.overlong, kind, settings], sort_keys=True
        ).encode()
    )
    for pair, weight in zip(train.pairs, train.weight_N.tolist(), strict=True):
        fields = [pair.id, prompt_text(pair.prompt), pair.chosen, pair.rejected, repr(weight)]
        if pair.flip:
            fields.append(repr(pair.flip))
        digest.update(("\x1f".join(fields) + "\x1e").encode("utf-8", "replace"))
    digest.update("\x1e".join(p.id for p in held).encode("utf-8", "replace"))
    return digest.hexdigest()
