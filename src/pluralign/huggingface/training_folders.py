"""The folder of a training: unfinished next to it, then whole in it, with its identity."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import (
    DamagedFile,
    MissingExtra,
    OtherWork,
    describe_faults,
    folder_faults,
    list_folder,
    read_json_object,
)
from pluralign.huggingface.model_folders import TRAINING
from pluralign.huggingface.processes import process_count, wait_for_all, writing

METRICS = "metrics.jsonl"
_IDENTITY = "identity"
_TRAINER_STATE = "trainer_state.json"
_AGAIN = "delete its folder and train again"


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """The folder of one training.

    Attributes:
        folder: The folder in which its outcome appears, whole or not at all.
        identity: A text that changes with everything that affects the outcome.
    """

    folder: Path
    identity: str

    @property
    def partial(self) -> Path:
        """The folder of the unfinished training."""
        return self.folder.with_name(f".{self.folder.name}.partial")

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return self.partial / "checkpoints"

    def finished(self, note: Callable[[str], None]) -> dict[str, Any] | None:
        """The content of ``training.json`` if the training is finished and undamaged, else None.

        Args:
            note: Called with the files that are missing or damaged; the training is then repeated,
                and replaces the folder.

        Raises:
            OtherWork: If the folder has another training.
        """
        if faults := folder_faults(self.folder):
            note(f"{self.folder} is damaged and is trained again: {describe_faults(faults)}")
            return None
        if not (self.folder / TRAINING).is_file():
            return None
        facts = read_json_object(self.folder / TRAINING, _AGAIN)
        if facts.get("identity") != self.identity:
            raise OtherWork(
                "the folder has another training: other data, weights, settings or another model",
                where=str(self.folder),
                hint="name another folder, or delete this one",
            )
        return facts

    def claim(self) -> None:
        """Claim the folder of the unfinished training for this training.

        Raises:
            OtherWork: If it has checkpoints of another training.
        """
        state = self.partial / _IDENTITY
        if state.is_file() and state.read_text(encoding="utf-8") != self.identity:
            raise OtherWork(
                "the checkpoints here belong to another training: other data, weights, settings or "
                "another model",
                where=str(self.partial),
                hint="delete the folder to start again",
            )
        if process_count() > 1:
            wait_for_all()
        with writing() as main:
            if main:
                self.partial.mkdir(parents=True, exist_ok=True)
                state.write_text(self.identity, encoding="utf-8", newline="\n")

    def last_checkpoint(self) -> str | None:
        """The last whole checkpoint, from which to resume; None where there is none.

        The state is the last file that a trainer writes into a checkpoint, so a process that was
        killed while it wrote one left it without a state, or with half of it.
        """
        from transformers.trainer_utils import get_last_checkpoint

        while self.checkpoints.is_dir():
            found: str | None = get_last_checkpoint(str(self.checkpoints))
            if found is None or _has_state(Path(found)):
                return found
            shutil.rmtree(found)
        return None

    def publish(self, facts: dict[str, Any]) -> None:
        """Write ``training.json`` with the identity, delete checkpoints, and move the outcome."""
        facts |= {"identity": self.identity}
        with writing() as main:
            if main:
                (self.partial / TRAINING).write_text(
                    json.dumps(facts, indent=2), encoding="utf-8", newline="\n"
                )
                shutil.rmtree(self.checkpoints, ignore_errors=True)
                (self.partial / _IDENTITY).unlink()
                list_folder(self.partial)
                shutil.rmtree(self.folder, ignore_errors=True)
                self.partial.replace(self.folder)


def _has_state(checkpoint: Path) -> bool:
    try:
        read_json_object(checkpoint / _TRAINER_STATE, _AGAIN)
    except (FileNotFoundError, DamagedFile):
        return False
    return True


def is_over(checkpoint: str) -> bool:
    """Whether a training was stopped after its last step, before its outcome was written."""
    state = read_json_object(Path(checkpoint) / _TRAINER_STATE, _AGAIN)
    return bool(state["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"])


def need_trl() -> None:
    """Check that the libraries for training are installed.

    Raises:
        MissingExtra: If TRL, PEFT, Accelerate or Datasets is not installed.
    """
    from importlib.util import find_spec

    for module in ("trl", "peft", "accelerate", "datasets"):
        if find_spec(module) is None:
            raise MissingExtra.named("train", module)
