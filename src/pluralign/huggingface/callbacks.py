"""What a training tells while it goes: numbers to a file, steps to whoever listens."""

import json
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from pluralign.core import parse_json, whole_file


class MetricsFile(TrainerCallback):  # type: ignore[misc]
    """Writes every logged number to a JSONL file; a training that goes on forgets what came after its checkpoint.

    Args:
        path: The file.
        checkpoint: The checkpoint the training goes on from; None begins the file anew.
    """

    def __init__(self, path: Path, checkpoint: str | None) -> None:
        self._path = path
        step = int(checkpoint.rpartition("-")[2]) if checkpoint else -1
        lines = (
            path.read_text(encoding="utf-8").splitlines() if path.is_file() and checkpoint else []
        )
        self._kept = [line for line in lines if _step(line) <= step]

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep what came before the checkpoint."""
        if state.is_world_process_zero:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path) as partial:
                partial.write_text("".join(f"{line}\n" for line in self._kept), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Add a line; the trainer's closing summary, which counts only since the last start, is left out."""
        if state.is_world_process_zero and logs and "train_runtime" not in logs:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": state.global_step, **logs}, default=float) + "\n")


class Progress(TrainerCallback):  # type: ignore[misc]
    """Tells how far a training is.

    Args:
        tell: Called with (steps done, steps in all).
    """

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Tell where it begins."""
        self._tell(state.global_step, state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Tell of a step."""
        self._tell(state.global_step, state.max_steps)


class DrawsEpochs(TrainerCallback):  # type: ignore[misc]
    """Tells a sampler which epoch to draw, also where several processes go on in the middle of one.

    Args:
        sampler: Has ``set_epoch``.
    """

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Tell."""
        self._sampler.set_epoch(int(state.epoch or 0))


def _step(line: str) -> float:
    """The step that a line tells of; of one that was cut off by a kill, a step to come."""
    try:
        return float(parse_json(line)["step"])
    except (ValueError, KeyError, TypeError):
        return inf
