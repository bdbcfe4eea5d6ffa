"""Teach a model its own culture-aware answers: TRL's SFTTrainer on LoRA adapters, resumable."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.huggingface.training_folders import TrainingFolder, need_trl
from pluralign.huggingface.watch import Watch
from pluralign.methods.adapter_training import (
    NOT_LEARNED,
    Pace,
    TokenRow,
    supervised_trainer,
    train_adapter,
)
from pluralign.methods.culturespa.collecting import TuningRow
from pluralign.methods.culturespa.config import BATCHES, TuningConfig
from pluralign.respondents.local import LocalChatModel


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
        "tokens": sum(len(prompt) + len(answer) for prompt, answer in learned),
    }
    facts["steps"] = train_adapter(
        chat,
        place,
        config,
        _pace(config, kind, len(learned)),
        seed,
        watch,
        lambda adapted, arguments: supervised_trainer(chat, adapted, learned, arguments),
    )
    facts["seconds"] = round(time.perf_counter() - since, 2)
    place.publish(facts)
    return facts


def _pace(config: TuningConfig, kind: str, rows: int) -> Pace:
    batch, accumulation = BATCHES[kind]
    return Pace(
        rows,
        config.epochs,
        config.batch or batch,
        config.accumulation or accumulation,
        config.learning_rate,
    )


def _tokens(chat: LocalChatModel, rows: Sequence[TuningRow]) -> tuple[list[TokenRow], int]:
    """Token rows, and the number of rows that are too long."""
    learned = []
    for row in rows:
        prompt, answer = (
            chat.tokens(row.conversation),
            chat.answer_tokens(row.conversation, row.answer),
        )
        if len(prompt) + len(answer) <= chat.longest:
            learned.append((prompt, answer))
    return learned, len(rows) - len(learned)


def _identity(
    chat: LocalChatModel, rows: Sequence[TuningRow], config: TuningConfig, kind: str, seed: int
) -> str:
    """SHA-256 over all that decides what is learned."""
    settings = config.model_dump(mode="json", exclude=NOT_LEARNED)
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
