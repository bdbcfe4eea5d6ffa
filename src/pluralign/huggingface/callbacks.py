"""Callbacks of a training: they write its numbers to a file and report its steps."""

import json
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from pluralign.core import parse_json, whole_file


class MetricsFile(TrainerCallback):  # type: ignore[misc]
    """Writes every logged number to a JSONL file.

    A resumed training deletes the lines after its checkpoint.

    Args:
        path: The file.
        checkpoint: The checkpoint from which the training is resumed; None starts an empty file.
    """

    def __init__(self, path: Path, checkpoint: str | None) -> None:
        self._path = path
        step = int(checkpoint.rpartition("-")[2]) if checkpoint else -1
        known = path.read_text(encoding="utf-8") if checkpoint and path.is_file() else ""
        self._kept = [line for line in known.splitlines() if _step(line) <= step]

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the lines up to the checkpoint."""
        if state.is_world_process_zero:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path) as partial:
                partial.write_text(
                    "".join(f"{line}\n" for line in self._kept), encoding="utf-8", newline="\n"
                )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Add a line; leave out the trainer's final summary, which only covers the last start."""
        if state.is_world_process_zero and logs and "train_runtime" not in logs:
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps({"step": state.global_step, **logs}, default=float) + "\n")


class Progress(TrainerCallback):  # type: ignore[misc]
    """Reports the progress of a training.

    Args:
        report: Called with (steps done, steps in all).
    """

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report the first step."""
        self._report(state.global_step, state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report a step."""
        self._report(state.global_step, state.max_steps)


class DrawsEpochs(TrainerCallback):  # type: ignore[misc]
    """Sets the epoch of a sampler, also if several processes resume in the middle of an epoch.

    Args:
        sampler: A sampler with ``set_epoch``.
    """

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Set the epoch."""
        self._sampler.set_epoch(int(state.epoch or 0))


def _step(line: str) -> float:
    """The step of a line; infinity for an unfinished line, so that it is never kept."""
    try:
        return float(parse_json(line)["step"])
    except (ValueError, KeyError, TypeError):
        return inf
