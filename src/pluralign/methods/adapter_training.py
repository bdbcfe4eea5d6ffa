"""Train a LoRA adapter on a language model with one of TRL's trainers; a stopped one is resumed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pluralign.core import InvalidSettings
from pluralign.huggingface.devices import has_bfloat16
from pluralign.huggingface.training_folders import METRICS, TrainingFolder, is_over
from pluralign.huggingface.watch import Watch
from pluralign.respondents.local import LocalChatModel

NOT_IN_LOSS = -100
"""Label of a token that is read and not learned."""
_REFERENCE = "ref"
"""The adapter that TRL copies as the reference of a model with an adapter. Without it, the model
without any adapter is the reference: the same here, and not saved next to the policy."""
TokenRow = tuple[list[int], list[int]]
"""Tokens of a prompt, and of the answer to it."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
NOT_LEARNED = {"kinds", "checkpoints", "gradient_checkpointing", "report_to"}
"""Settings that do not affect the outcome: they may change before a training is resumed."""
_NO_WORDS = "probability tensor contains either"
"""PyTorch's error if the probabilities of the next word are not numbers."""


class AdapterConfig(BaseModel):
    """Settings that all trainings of adapters share: unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """Decay of the learning rate after the warm-up."""
    warmup: Part = 0.1
    """Part of the steps in which the learning rate rises."""
    rank: Count = 8
    """Rank of the adapters, which stand on all linear layers."""
    alpha: Positive = 2.0
    """Scale of an adapter, in units of its rank."""
    lora_dropout: Part = 0.0
    """Dropout inside an adapter."""
    checkpoints: Count = 4
    """How often a checkpoint is kept in a whole training."""
    gradient_checkpointing: bool = False
    """Trade time for memory."""
    report_to: tuple[str, ...] = ()
    """Trackers to report to, such as ``trackio``, ``wandb`` or ``tensorboard``."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed and the length of a training.

    Attributes:
        rows: Number of rows to learn.
        epochs: Passes over them.
        batch: Rows in one forward pass.
        accumulation: Forward passes in one step.
        learning_rate: Peak learning rate.
        processes: Number of processes of a launcher, each with its own rows.
    """

    rows: int
    epochs: float
    batch: int
    accumulation: int
    learning_rate: float
    processes: int = 1

    @property
    def steps(self) -> int:
        """Number of steps.

        >>> Pace(rows=100, epochs=2, batch=4, accumulation=2, learning_rate=1e-4).steps
        26
        """
        in_step = self.batch * self.accumulation * self.processes
        return max(1, math.ceil(self.epochs * math.ceil(self.rows / in_step)))


MakeTrainer = Callable[[Any, dict[str, Any]], Any]
"""A model with a fresh adapter, and TRL's shared arguments -> the trainer."""


def train_adapter(
    chat: LocalChatModel,
    place: TrainingFolder,
    config: AdapterConfig,
    pace: Pace,
    seed: int,
    watch: Watch,
    make_trainer: MakeTrainer,
) -> int:
    """Train an adapter into the unfinished folder of a training; return the number of steps.

    The model itself stays as it is. A training that was stopped goes on from its last checkpoint.
    """
    import datasets  # noqa: F401  before quiet(), which silences it too
    from transformers import PrinterCallback

    from pluralign.huggingface.callbacks import MetricsFile, Progress
    from pluralign.huggingface.quieting import quiet

    last = place.last_checkpoint()
    if last is not None:
        watch.note(f"going on from {Path(last).name} in {place.partial}")
    with quiet():
        adapted = _adapted(chat.loaded.model, config, seed)
    try:
        with quiet():
            trainer = make_trainer(adapted, _arguments(chat, place, config, pace, seed))
            if _REFERENCE in adapted.peft_config:
                adapted.delete_adapter(_REFERENCE)
            trainer.remove_callback(PrinterCallback)
            trainer.add_callback(Progress(watch.progress))
            trainer.add_callback(MetricsFile(place.partial / METRICS, last))
            if last is not None and is_over(last):
                trainer._load_from_checkpoint(last)
                steps = int(last.rpartition("-")[2])
            else:
                _trained(trainer, adapted, last, place.folder)
                steps = int(trainer.state.global_step)
            trainer.save_model(str(place.partial))
            for leftover in ("training_args.bin", "README.md"):
                (place.partial / leftover).unlink(missing_ok=True)
    finally:
        adapted.unload()
        chat.loaded.model.eval()
    return steps


def _trained(trainer: Any, adapted: Any, last: str | None, folder: Path) -> None:
    """Train, and refuse an adapter with which nothing could be written.

    Raises:
        InvalidSettings: If the training diverged.
    """
    try:
        trainer.train(resume_from_checkpoint=last)
    except RuntimeError as error:
        if _NO_WORDS not in str(error):
            raise
        raise _diverged(folder) from error
    if not _is_finite(adapted):
        raise _diverged(folder)


def _is_finite(adapted: Any) -> bool:
    return all(bool(p.isfinite().all()) for p in adapted.parameters() if p.requires_grad)


def _diverged(folder: Path) -> InvalidSettings:
    return InvalidSettings(
        "the training diverged: the model gives no finite numbers any more",
        where=str(folder),
        hint="lower tune.learning_rate, and give the same command again",
    )


def labelled(prompt: list[int], answer: list[int]) -> dict[str, list[int]]:
    """A row for a supervised trainer: all tokens are read, those of the answer are learned.

    >>> labelled([5, 6], [7])
    {'input_ids': [5, 6, 7], 'labels': [-100, -100, 7]}
    """
    return {"input_ids": prompt + answer, "labels": [NOT_IN_LOSS] * len(prompt) + answer}


def supervised_trainer(
    chat: LocalChatModel, adapted: Any, answers: Sequence[TokenRow], arguments: dict[str, Any]
) -> Any:
    """TRL's trainer on answers as the model reads them; the loss is on the answer alone.

    Args:
        chat: The model.
        adapted: The model with its adapter.
        answers: Tokens of prompts and of their answers.
        arguments: TRL's shared arguments.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [labelled(prompt, answer) for prompt, answer in answers]
    own = {"max_length": None, "packing": False, "dataset_kwargs": {"skip_prepare_dataset": True}}
    return SFTTrainer(
        model=adapted,
        args=SFTConfig(**arguments, **own),
        train_dataset=Dataset.from_list(rows),
        processing_class=chat.loaded.tokenizer,
    )


def _adapted(model: Any, config: AdapterConfig, seed: int) -> Any:
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
        adapted = get_peft_model(model, settings)
    for config_of_adapter in adapted.peft_config.values():
        # PEFT found the layers as a set, whose order in adapter_config.json would be by chance.
        config_of_adapter.target_modules = sorted(config_of_adapter.target_modules)
    return adapted


def _arguments(
    chat: LocalChatModel, place: TrainingFolder, config: AdapterConfig, pace: Pace, seed: int
) -> dict[str, Any]:
    """The arguments that all trainers share."""
    on_gpu = chat.loaded.model.device.type == "cuda"
    return {
        "output_dir": str(place.checkpoints),
        "per_device_train_batch_size": pace.batch,
        "gradient_accumulation_steps": pace.accumulation,
        "max_steps": pace.steps,
        "learning_rate": pace.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": round(config.warmup * pace.steps),
        "gradient_checkpointing": config.gradient_checkpointing,
        "bf16": has_bfloat16(chat.loaded.model.device.type),
        "fp16": False,
        "optim": "adamw_torch_fused",
        "logging_steps": max(1, pace.steps // 50),
        "save_strategy": "steps",
        "save_steps": max(1, pace.steps // config.checkpoints),
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,
        "report_to": list(config.report_to) or "none",
        "seed": seed,
        "data_seed": seed,
        "dataloader_pin_memory": on_gpu,
        "use_cpu": not on_gpu,
        "disable_tqdm": True,
    }


@dataclass(frozen=True, slots=True)
class ParameterCount:
    """Numbers of parameters of a model with an adapter.

    Attributes:
        all: Parameters of the model itself.
        trained: Parameters of the adapter.
    """

    all: int
    trained: int


def count_parameters(folder: Path, config: AdapterConfig) -> ParameterCount:
    """Count the parameters of a model and of an adapter on it, from its ``config.json`` alone.

    Args:
        folder: Folder of the model; its weights are not read and need not be there.
        config: The adapter.

    Raises:
        ValueError: If Transformers has no causal model of this kind.
        OSError: If there is no ``config.json``.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from pluralign.huggingface.quieting import quiet

    with quiet(), torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
        own = sum(p.numel() for p in model.parameters())
        adapted = _adapted(model, config, seed=0)
        trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    return ParameterCount(own, trained)
