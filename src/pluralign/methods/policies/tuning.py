"""Tune a policy on answers that a reward model selected: TRL's trainers on LoRA adapters.

``raft`` learns the best answers (supervised). ``dpo`` learns the best against the worst, with the
log-probabilities of the start model computed once (Rafailov et al. 2023, arXiv 2305.18290).
``orpo`` learns both without a start model in the loss (Hong et al. 2024, arXiv 2403.07691).
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import Conversation, NotEnoughData
from pluralign.huggingface.model_folders import whole_folder
from pluralign.huggingface.processes import process_count, writing
from pluralign.huggingface.training_folders import TrainingFolder, need_trl
from pluralign.huggingface.watch import Watch
from pluralign.methods.adapter_training import (
    NOT_IN_LOSS,
    NOT_LEARNED,
    Pace,
    supervised_trainer,
    train_adapter,
)
from pluralign.methods.policies.config import OfflineMethod, PolicyTuningConfig
from pluralign.respondents.local import LocalChatModel

Row = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Lesson:
    """An answer to learn, against another one where the method learns pairs.

    Attributes:
        conversation: The turns before it.
        chosen: The answer.
        rejected: The other one; empty for ``raft``.
    """

    conversation: Conversation
    chosen: str
    rejected: str = ""


def tune_policy(
    chat: LocalChatModel,
    lessons: Sequence[Lesson],
    folder: Path,
    method: OfflineMethod,
    config: PolicyTuningConfig,
    seed: int = 0,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train an adapter; the model itself stays as it is.

    The words are exactly those that the model reads when it answers. The folder, a PEFT adapter
    with ``metrics.jsonl`` and ``training.json``, appears whole or not at all; until then
    checkpoints are next to it, and the same call resumes the last of them.

    Args:
        chat: The start model.
        lessons: Answers to learn.
        folder: Where the adapter is put; one that is there already is kept.
        method: ``raft``, ``dpo`` or ``orpo``.
        config: How.
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
    rows, too_long = _rows(chat, lessons, method)
    if not rows:
        raise NotEnoughData(
            "there is nothing to learn",
            where=str(folder),
            hint="look at what was selected: --show select",
        )
    place = TrainingFolder(folder, _identity(chat, lessons, method, config, seed))
    if (done := place.finished(watch.note)) is not None:
        return done
    place.claim()
    since = time.perf_counter()
    rate = config.rate_of(method)
    pace = Pace(len(rows), config.epochs, config.batch, config.accumulation, rate, process_count())
    steps = train_adapter(
        chat, place, config, pace, seed, watch,
        lambda adapted, arguments: _TRAINERS[method](chat, adapted, rows, arguments, config),
    )  # fmt: skip
    facts = {
        "method": method,
        "base": chat.name,
        "config": config.model_dump(mode="json"),
        "rows": len(rows),
        "rows_too_long": too_long,
        "steps": steps,
        "seconds": round(time.perf_counter() - since, 2),
    }
    place.publish(facts)
    return facts


def _rows(
    chat: LocalChatModel, lessons: Sequence[Lesson], method: OfflineMethod
) -> tuple[list[Row], int]:
    """Token rows, and the number of lessons that are too long for the model."""
    rows = []
    for lesson in lessons:
        row = {"prompt_ids": chat.tokens(lesson.conversation)}
        row["chosen_ids"] = chat.answer_tokens(lesson.conversation, lesson.chosen)
        if method != "raft":
            row["rejected_ids"] = chat.answer_tokens(lesson.conversation, lesson.rejected)
        longest = max(len(ids) for name, ids in row.items() if name != "prompt_ids")
        if len(row["prompt_ids"]) + longest <= chat.longest:
            rows.append(row)
    return rows, len(lessons) - len(rows)


def _raft(
    chat: LocalChatModel, adapted: Any, rows: list[Row], arguments: Any, _: PolicyTuningConfig
) -> Any:
    answers = [(row["prompt_ids"], row["chosen_ids"]) for row in rows]
    return supervised_trainer(chat, adapted, answers, arguments)


def _dpo(
    chat: LocalChatModel, adapted: Any, rows: list[Row], arguments: Any, config: PolicyTuningConfig
) -> Any:
    from trl import DPOConfig, DPOTrainer

    class OnTokens(DPOTrainer):  # type: ignore[misc]
        """A trainer whose rows are tokens already, as the model reads them when it answers."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    return OnTokens(
        model=adapted,
        args=DPOConfig(
            **arguments, max_length=None, beta=config.beta_of("dpo"), precompute_ref_log_probs=True
        ),
        train_dataset=_rows_on_disk(rows, Path(arguments["output_dir"]) / "rows"),
        processing_class=chat.loaded.tokenizer,
    )


def _rows_on_disk(rows: list[Row], folder: Path) -> Any:
    """The rows of a training as files next to its checkpoints.

    TRL puts the start model's log-probabilities next to such files, so a training that is resumed
    reads them; of rows in memory it computes them again.
    """
    from datasets import Dataset, load_from_disk

    with writing() as main:
        if main and not folder.exists():
            with whole_folder(folder) as partial:
                Dataset.from_list(rows).save_to_disk(partial)
    return load_from_disk(str(folder))


def _orpo(
    chat: LocalChatModel, adapted: Any, rows: list[Row], arguments: Any, config: PolicyTuningConfig
) -> Any:
    from datasets import Dataset

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    class OnTokens(ORPOTrainer):  # type: ignore[misc]
        """A trainer whose rows are tokens already, as the model reads them when it answers."""

        def tokenize_row(self, feature: Any, model: Any = None) -> Any:
            prompt = feature["prompt_ids"]
            row = {"prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
            for side in ("chosen", "rejected"):
                answer = feature[f"{side}_ids"]
                row[f"{side}_input_ids"] = prompt + answer
                row[f"{side}_attention_mask"] = [1] * (len(prompt) + len(answer))
                row[f"{side}_labels"] = [NOT_IN_LOSS] * len(prompt) + answer
            return row

    own = {"max_length": chat.longest, "remove_unused_columns": False}
    return OnTokens(
        model=adapted,
        args=ORPOConfig(**arguments, **own, beta=config.beta_of("orpo")),
        train_dataset=Dataset.from_list(rows),
        processing_class=chat.loaded.tokenizer,
    )


_TRAINERS = {"raft": _raft, "dpo": _dpo, "orpo": _orpo}


def _identity(
    chat: LocalChatModel,
    lessons: Sequence[Lesson],
    method: OfflineMethod,
    config: PolicyTuningConfig,
    seed: int,
) -> str:
    """SHA-256 over all that decides the outcome."""
    settings = config.model_dump(mode="json", exclude=NOT_LEARNED)
    digest = hashlib.sha256(
        json.dumps([chat.fingerprint, settings, method, seed], sort_keys=True).encode()
    )
    for lesson in lessons:
        said = [(m.role, m.content) for m in lesson.conversation]
        words = json.dumps([said, lesson.chosen, lesson.rejected], ensure_ascii=False)
        digest.update(words.encode("utf-8", "replace"))
    return digest.hexdigest()
