"""A folder of lm-eval tasks: a settings file and a file of questions for each."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput

_OURS = '"""Called by the tasks of this folder; needs pluralign."""'
_HELPERS = f"""{_OURS}

from pathlib import Path

from pluralign.interop.lm_eval_scoring import (
    alignment,
    questions_in,
    score_answer,
    score_options,
    score_words,
)

__all__ = ["alignment", "load", "score_answer", "score_options", "score_words"]


def load(file, **model):
    return questions_in(Path(__file__).with_name(file), model)
"""


@dataclass(frozen=True, slots=True)
class LmEvalTask:
    """One task.

    Attributes:
        name: Its name, as `task_name` gives it.
        settings: Its YAML.
        rows: Its questions.
    """

    name: str
    settings: str
    rows: Sequence[Mapping[str, Any]]


def checked_tag(tag: str) -> str:
    """The tag of all tasks, if lm-eval accepts it.

    Raises:
        InvalidInput: If it has characters other than letters, digits and ``_``.
    """
    if not re.fullmatch(r"\w+", tag):
        raise InvalidInput(f"{tag!r} is not a name of a task", hint="use letters, digits and _")
    return tag


def task_name(*parts: str) -> str:
    """The name of a task from its parts.

    >>> task_name("wvs", "culture_aware", "~hill")
    'wvs_culture_aware_hill'
    """
    return re.sub(r"[\W_]+", "_", "_".join(parts)).strip("_")


def write_tasks(folder: Path, tag: str, tasks: Sequence[LmEvalTask]) -> list[str]:
    """Write tasks; existing ones with the same tag are replaced.

    Args:
        folder: Folder to write to; created if it is missing.
        tag: Tag of all tasks.
        tasks: The tasks.

    Returns:
        Their names.

    Raises:
        InvalidInput: If the folder has other files, or two tasks have one name.
    """
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise InvalidInput("two tasks would have one name", hint="write them to separate folders")
    _make_room(folder, tag)
    (folder / "utils.py").write_text(_HELPERS, encoding="utf-8", newline="\n")
    for task in tasks:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in task.rows)
        (folder / f"{task.name}.jsonl").write_text(text, encoding="utf-8", newline="\n")
        (folder / f"{task.name}.yaml").write_text(task.settings, encoding="utf-8", newline="\n")
    return names


def _make_room(folder: Path, tag: str) -> None:
    """Prepare a folder: an empty one, or one of ours without the tasks of this tag."""
    helpers = folder / "utils.py"
    ours = helpers.is_file() and helpers.read_text(encoding="utf-8").startswith(_OURS)
    if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            "the folder is not empty and has no tasks",
            where=str(folder),
            hint="name another folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for task in folder.glob("*.yaml"):
        if f"tag: {tag}" in task.read_text(encoding="utf-8").splitlines():
            task.with_suffix(".jsonl").unlink(missing_ok=True)
            task.unlink()
