"""Our settings in the words of Transformers' trainer."""

import math
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput
from pluralign.huggingface.devices import has_bfloat16
from pluralign.huggingface.processes import process_count
from pluralign.rewards.transformer.config import LEARNING_RATES, PartKind, TrainingConfig


def steps_of(config: TrainingConfig, pairs: int) -> int:
    """Steps of a whole training."""
    by_epochs = math.ceil(config.epochs * math.ceil(pairs / config.batch))
    return by_epochs if config.max_steps is None else config.max_steps


def arguments_for(
    config: TrainingConfig,
    kind: PartKind,
    folder: Path,
    pairs: int,
    early: bool,
    on_gpu: bool,
    narrow: bool = True,
) -> Any:
    """Arguments of TRL's reward trainer.

    Args:
        config: Our settings.
        kind: Adapter or full copy.
        folder: Folder of the checkpoints.
        pairs: Training pairs.
        early: Whether to stop early.
        on_gpu: Whether there is a GPU.
        narrow: Whether to compute in bfloat16 where the GPU has it.

    Raises:
        InvalidInput: If the batch cannot be shared out evenly between the processes.
    """
    from trl import RewardConfig

    processes = process_count()
    if config.batch % processes:
        raise InvalidInput(
            f"a batch of {config.batch} pairs cannot be shared out between {processes} processes",
            where="training.batch",
            hint=f"use a multiple of {processes}",
        )
    steps = steps_of(config, pairs)
    logging, every = _intervals(config, steps, early)
    kept = early or config.checkpoints
    old, new = "gradient_checkpointing", "activation_checkpointing"
    checkpointing = new if new in RewardConfig.__dataclass_fields__ else old
    return RewardConfig(
        output_dir=str(folder),
        per_device_train_batch_size=config.batch // processes,
        per_device_eval_batch_size=2 * config.batch,
        max_steps=steps,
        learning_rate=config.learning_rate or LEARNING_RATES[kind],
        lr_scheduler_type=_schedule(config),
        warmup_steps=round(config.warmup * steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.clip,
        optim="adamw_torch_fused",
        bf16=narrow and has_bfloat16("cuda" if on_gpu else "cpu"),
        fp16=False,
        tf32=True if on_gpu else None,
        **{checkpointing: config.gradient_checkpointing},
        disable_dropout=not config.dropout,
        max_length=None,
        logging_steps=logging,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if early else "no",
        eval_steps=every if early else None,
        save_strategy="steps" if kept else "no",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=early,
        metric_for_best_model="eval_loss" if early else None,
        greater_is_better=False if early else None,
        prediction_loss_only=True,
        restore_callback_states_from_checkpoint=True,
        report_to=list(config.report_to) or "none",
        seed=config.seed,
        data_seed=config.seed,
        dataloader_pin_memory=on_gpu,
        use_cpu=not on_gpu,
        disable_tqdm=True,
    )


def _intervals(config: TrainingConfig, steps: int, early: bool) -> tuple[int, int]:
    """Steps between two logged numbers, and between two checkpoints."""
    logging = max(1, min(10, steps // 20))
    checkpoints = config.evaluations if early else max(1, config.checkpoints)
    every = max(1, steps // checkpoints)
    # A multiple, so that a resumed training logs at the steps of one that was never stopped.
    return logging, max(1, every // logging) * logging


def _schedule(config: TrainingConfig) -> str:
    """The schedule by Transformers' name."""
    if config.schedule == "constant" and config.warmup:
        return "constant_with_warmup"
    return config.schedule
