"""Teach a model its own culture-aware answers: TRL's SFTTrainer on LoRA adapters, resumable."""

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.huggingface.devices import has_bfloat16
from pluralign.huggingface.training_folders import METRICS, TrainingFolder, is_over, need_trl
from pluralign.huggingface.watch import Watch
from pluralign.methods.culturespa.collecting import TuningRow
from pluralign.methods.culturespa.config import BATCHES, TuningConfig
from pluralign.respondents.local import LocalChatModel

_IGNORED = -100
_NOT_LEARNED = {"kinds", "checkpoints", "gradient_checkpointing", "report_to"}


def tune(
    chat: LocalChatModel,
    rows: Sequence[TuningRow],
    folder: Path,
    config: TuningConfig,
    kind: Literal["joint", "specific"],
    seed: int = 0,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train an adapter on the model's own answers; the model itself stays as it is.

    The words are exactly those that the model reads when it answers; the loss is on the answer
    alone. The folder, a PEFT adapter with ``metrics.jsonl`` and ``training.json``, appears whole or
    not at all; until then checkpoints are next to it, and the same call resumes the last of
    them.

    Args:
        chat: The model.
        rows: The rows to learn.
        folder: Where the adapter is put; one that is there already is kept.
        config: How.
        kind: Which of the published batches is the default.
        seed: Seed of order, adapter and dropout.
        watch: Is notified of the progress.

    Returns:
        The content of ``training.json``.

    Raises:
        MissingExtra: If TRL or PEFT is not installed.
        NotEnoughData: If there is nothing to learn, or every row is too long.
        InvalidInput: If the folder or its checkpoints belong to another training.
    """
    need_trl()
    watch = watch or Watch()
    learned, long = _tokens(chat, rows)
    if not learned:
        raise NotEnoughData(
            "there is nothing to learn", where=str(folder), hint="look at what was collected"
        )
    place = TrainingFolder(folder, _identity(chat, rows, config, kind, seed))
    if (done := place.finished(watch.note)) is not None:
        return done
    place.claim()
    since = time.perf_counter()
    facts: dict[str, Any] = {
        "kind": kind,
        "base": chat.name,
        "config": config.model_dump(mode="json"),
        "rows": len(learned),
        "rows_by_community": dict(Counter(row.community for row in rows)),
        "rows_too_long": long,
        "tokens": sum(len(row["input_ids"]) for row in learned),
    }
    facts |= _train(chat, learned, place, config, kind, seed, watch)
    facts["seconds"] = round(time.perf_counter() - since, 2)
    place.publish(facts)
    return facts


def _tokens(
    chat: LocalChatModel, rows: Sequence[TuningRow]
) -> tuple[list[dict[str, list[int]]], int]:
    """Token rows with labels on the answer alone, and the number of rows that are too long."""
    learned = []
    for row in rows:
        prompt, answer = (
            chat.tokens(row.conversation),
            chat.answer_tokens(row.conversation, row.answer),
        )
        if len(prompt) + len(answer) <= chat.longest:
            learned.append(
                {"input_ids": prompt + answer, "labels": [_IGNORED] * len(prompt) + answer}
            )
    return learned, len(rows) - len(learned)


def _train(
    chat: LocalChatModel,
    learned: list[dict[str, list[int]]],
    place: TrainingFolder,
    config: TuningConfig,
    kind: Literal["joint", "specific"],
    seed: int,
    watch: Watch,
) -> dict[str, Any]:
    from pluralign.huggingface.quieting import quiet

    last = place.last_checkpoint()
    if last is not None:
        watch.note(f"going on from {Path(last).name} in {place.partial}")
    with quiet():
        adapted = _adapted(chat.loaded.model, config, seed)
    try:
        with quiet():
            trainer = _trainer(
                chat,
                adapted,
                learned,
                _arguments(chat, place, config, kind, len(learned), seed),
                watch,
            )
            trainer.add_callback(_metrics(place, last))
            if last is not None and is_over(last):
                trainer._load_from_checkpoint(last)
                steps = int(last.rpartition("-")[2])
            else:
                trainer.train(resume_from_checkpoint=last)
                steps = int(trainer.state.global_step)
            trainer.save_model(str(place.partial))
            for leftover in ("training_args.bin", "README.md"):
                (place.partial / leftover).unlink(missing_ok=True)
    finally:
        adapted.unload()
        chat.loaded.model.eval()
    return {"steps": steps}


def _adapted(model: Any, config: TuningConfig, seed: int) -> Any:
    import torch
    from peft import LoraConfig, TaskType, get_peft_model

    settings = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=config.rank,
        lora_alpha=round(config.alpha * config.rank),
        lora_dropout=config.lora_dropout,
        target_modules="all-linear",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, settings)


def _arguments(
    chat: LocalChatModel,
    place: TrainingFolder,
    config: TuningConfig,
    kind: str,
    rows: int,
    seed: int,
) -> Any:
    from trl import SFTConfig

    batch, accumulation = config.batch or BATCHES[kind][0], config.accumulation or BATCHES[kind][1]
    steps = max(1, math.ceil(config.epochs * math.ceil(rows / (batch * accumulation))))
    on_gpu = chat.loaded.model.device.type == "cuda"
    return SFTConfig(
        output_dir=str(place.checkpoints),
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulation,
        max_steps=steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=round(config.warmup * steps),
        gradient_checkpointing=config.gradient_checkpointing,
        bf16=has_bfloat16(chat.loaded.model.device.type),
        fp16=False,
        optim="adamw_torch_fused",
        max_length=None,
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        logging_steps=max(1, steps // 50),
        save_strategy="steps",
        save_steps=max(1, steps // config.checkpoints),
        save_total_limit=2,
        restore_callback_states_from_checkpoint=True,
        report_to=list(config.report_to) or "none",
        seed=seed,
        data_seed=seed,
        dataloader_pin_memory=on_gpu,
        use_cpu=not on_gpu,
        disable_tqdm=True,
    )


def _trainer(
    chat: LocalChatModel,
    adapted: Any,
    learned: list[dict[str, list[int]]],
    arguments: Any,
    watch: Watch,
) -> Any:
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTTrainer

    from pluralign.huggingface.callbacks import Progress

    trainer = SFTTrainer(
        model=adapted,
        args=arguments,
        train_dataset=Dataset.from_list(learned),
        processing_class=chat.loaded.tokenizer,
        callbacks=[Progress(watch.progress)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _metrics(place: TrainingFolder, last: str | None) -> Any:
    from pluralign.huggingface.callbacks import MetricsFile

    return MetricsFile(place.partial / METRICS, last)


def _identity(
    chat: LocalChatModel, rows: Sequence[TuningRow], config: TuningConfig, kind: str, seed: int
) -> str:
    """SHA-256 over all that decides what is learned."""
    settings = config.model_dump(mode="json", exclude=_NOT_LEARNED)
    digest = hashlib.sha256(
        json.dumps([chat.fingerprint, settings, kind, seed], sort_keys=True).encode()
    )
    for row in rows:
        said = [(m.role, m.content) for m in row.conversation]
        digest.update(json.dumps([said, row.answer], ensure_ascii=False).encode("utf-8", "replace"))
    return digest.hexdigest()


def check_tunable(name: str, adapter: Path | None) -> None:
    """Check that a model can be tuned: an adapter on an adapter would not name what it stands on.

    Raises:
        InvalidInput: If there is an adapter already.
    """
    if adapter is not None or (Path(name) / "adapter_config.json").is_file():
        raise InvalidInput(
            "a model with an adapter cannot be tuned further",
            where="model",
            hint="merge the adapter into it first",
        )
