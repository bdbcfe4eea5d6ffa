"""Where a training lies: unfinished beside its folder, then in it, whole; and whose it is."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import (
    InvalidInput,
    MissingExtra,
    describe_faults,
    folder_faults,
    list_folder,
    read_json_object,
)
from pluralign.huggingface.folders import TRAINING
from pluralign.huggingface.processes import process_count, wait_for_all, writing

METRICS = "metrics.jsonl"
_IDENTITY = "identity"
_AGAIN = "delete its folder and train again"


@dataclass(frozen=True, slots=True)
class TrainingPlace:
    """The folder of one training.

    Attributes:
        folder: Where its outcome appears, whole or not at all.
        identity: Changes with all that decides what is learned.
    """

    folder: Path
    identity: str

    @property
    def partial(self) -> Path:
        """Where it is written until it is whole."""
        return self.folder.with_name(f".{self.folder.name}.partial")

    @property
    def checkpoints(self) -> Path:
        """Where its checkpoints lie."""
        return self.partial / "checkpoints"

    def finished(self, note: Callable[[str], None]) -> dict[str, Any] | None:
        """What ``training.json`` holds, where the training was finished before and lies there as it was written.

        Args:
            note: Hears which files are missing or damaged: the training is done again, and replaces
                the folder.

        Raises:
            InvalidInput: If another training lies there.
        """
        if faults := folder_faults(self.folder):
            note(
                f"{self.folder} is trained again, not as it was written: {describe_faults(faults)}"
            )
            return None
        if not (self.folder / TRAINING).is_file():
            return None
        facts = read_json_object(self.folder / TRAINING, _AGAIN)
        if facts.get("identity") != self.identity:
            raise InvalidInput(
                "another training lies here: other data, weights, settings or another model",
                where=str(self.folder),
                hint="name another folder, or delete this one",
            )
        return facts

    def claim(self) -> None:
        """Make the folder of an unfinished training this one's own.

        Raises:
            InvalidInput: If it holds checkpoints of another training.
        """
        state = self.partial / _IDENTITY
        if state.is_file() and state.read_text(encoding="utf-8") != self.identity:
            raise InvalidInput(
                "the checkpoints here belong to another training: other data, weights, settings or "
                "another model",
                where=str(self.partial),
                hint="delete the folder to begin anew",
            )
        if process_count() > 1:
            wait_for_all()
        with writing() as main:
            if main:
                self.partial.mkdir(parents=True, exist_ok=True)
                state.write_text(self.identity, encoding="utf-8")

    def last_checkpoint(self) -> str | None:
        """The checkpoint to go on from."""
        from transformers.trainer_utils import get_last_checkpoint

        found: str | None = (
            get_last_checkpoint(str(self.checkpoints)) if self.checkpoints.is_dir() else None
        )
        return found

    def publish(self, facts: dict[str, Any]) -> None:
        """Write ``training.json``, drop the checkpoints, and put the outcome in its place; adds the identity."""
        facts |= {"identity": self.identity}
        with writing() as main:
            if main:
                (self.partial / TRAINING).write_text(json.dumps(facts, indent=2), encoding="utf-8")
                shutil.rmtree(self.checkpoints, ignore_errors=True)
                (self.partial / _IDENTITY).unlink()
                list_folder(self.partial)
                shutil.rmtree(self.folder, ignore_errors=True)
                self.partial.replace(self.folder)


def is_over(checkpoint: str) -> bool:
    """Whether a training was stopped after its last step, before its outcome was written."""
    state = read_json_object(Path(checkpoint) / "trainer_state.json", _AGAIN)
    return bool(state["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"])


def need_trl() -> None:
    """Hold that what trains is installed.

    Raises:
        MissingExtra: If TRL, PEFT, Accelerate or Datasets is not installed.
    """
    from importlib.util import find_spec

    for module in ("trl", "peft", "accelerate", "datasets"):
        if find_spec(module) is None:
            raise MissingExtra.named("train", module)
