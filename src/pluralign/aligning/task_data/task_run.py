"""Run `pluralign align --data task` stage by stage; a run that was stopped is resumed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pluralign.aligning.task_data.keeping import keep_written, tune_on_task
from pluralign.aligning.task_data.searching import find_passages
from pluralign.aligning.task_data.task_work import TaskWork, examples_of
from pluralign.aligning.task_data.writing import write_examples
from pluralign.aligning.work import SUMMARY
from pluralign.core import (
    AnyPath,
    ChatModel,
    InvalidInput,
    InvalidSettings,
    Reporter,
    as_path,
    check_written,
)
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.finished import AGAIN, read_object
from pluralign.runs.folder import RECORD, RunFolder
from pluralign.runs.progress_bars import reporting
from pluralign.settings import TASK_STAGES, ResolvedAlignTask, resolve_align_task
from pluralign.settings.survey import AnyModelSettings
from pluralign.settings.toml_tables import shown
from pluralign.sources.task_files import read_task_rows
from pluralign.surveying.respondents import open_chat_model


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """The results of a run.

    Attributes:
        stages: Stage -> its summary, as in its ``summary.json``.
        record: Content of ``record.json``; empty if the run stopped before the last stage.
    """

    stages: Mapping[str, Mapping[str, Any]]
    record: Mapping[str, Any] = field(default_factory=dict)


def run_align_task(
    resolved: ResolvedAlignTask | AnyPath | Mapping[str, Any],
    out: AnyPath,
    reporter: Reporter | None = None,
    *,
    until: str = TASK_STAGES[-1],
    again: str | None = None,
    fresh: bool = False,
) -> TaskOutcome:
    """Write training data in the format of a task from documents, and train adapters on it.

    Every stage has a folder in ``out`` with its files and a ``summary.json``; ``record.json`` is
    written at the end.

    Args:
        resolved: The run: a TOML file, its tables, or what `resolve_align_task` made of them.
        out: The folder.
        reporter: Receives the progress. Default: a bar in a notebook and on a terminal.
        until: The last stage to run.
        again: Redo this stage and the later ones.
        fresh: Whether to start again instead of resuming.

    Raises:
        PluralignError: If the settings, the files or a model do not allow the run; finished stages,
            and everything that a model wrote, are kept.
    """
    if not isinstance(resolved, ResolvedAlignTask):
        resolved = resolve_align_task(resolved)
    last = _index_of(until, "until")
    redone = TASK_STAGES if fresh else TASK_STAGES[_index_of(again, "again") :] if again else ()
    folder = RunFolder(as_path(out))
    claim = claimed(folder, resolved.fingerprint, fresh, _made_again_with)
    with reporting(reporter) as drawn, claim as faults:
        note_earlier(drawn, folder.path, faults)
        folder.remove(*redone)
        work = _work(resolved, folder, drawn)
        stages = {name: _stage(work, name) for name in TASK_STAGES[: last + 1]}
        if last < len(TASK_STAGES) - 1:
            return TaskOutcome(stages)
        record = {"settings": shown(work.settings), "stages": stages}
        folder.write_json(RECORD, record)
        return TaskOutcome(stages, record)


def read_task_stage(out: AnyPath, stage: str) -> dict[str, Any]:
    """Read the summary of a finished stage.

    Raises:
        InvalidSettings: If there is no such stage, or it did not run yet.
    """
    out = as_path(out)
    _index_of(stage, "show")
    check_written(out, f"{stage}/{SUMMARY}", hint=AGAIN)
    found = read_object(out / stage / SUMMARY)
    if found is None:
        raise InvalidSettings(f"the stage {stage!r} did not run yet", where=str(out))
    return found


_RUN: Mapping[str, Callable[[TaskWork], dict[str, Any]]] = {
    "search": find_passages,
    "write": write_examples,
    "keep": keep_written,
    "tune": tune_on_task,
}


def _stage(work: TaskWork, name: str) -> dict[str, Any]:
    """Run one stage, or read the summary of a search or of writing that is complete."""
    done = work.folder.read_json(f"{name}/{SUMMARY}")
    if done is not None and (name == "search" or (name == "write" and not done["failed"])):
        return done
    work.reporter.stage(name)
    since = time.perf_counter()
    found = _RUN[name](work) | {"seconds": round(time.perf_counter() - since, 2)}
    work.folder.write_json(f"{name}/{SUMMARY}", found)
    return found


def _work(resolved: ResolvedAlignTask, folder: RunFolder, reporter: Reporter) -> TaskWork:
    settings = resolved.settings
    examples = examples_of(read_task_rows(settings.task.examples))
    test = examples_of(read_task_rows(settings.task.test)) if settings.task.test else []
    if test and bool(test[0].options) != bool(examples[0].options):
        raise InvalidInput(
            "the test items and the examples have different columns",
            where=str(settings.task.test),
            hint="both need question, options and answer, or prompt and answer",
        )

    @cache
    def open_learner() -> ChatModel:
        return _opened(settings.model, reporter)

    @cache
    def open_writer() -> ChatModel:
        return _opened(settings.writer, reporter) if settings.writer else open_learner()

    return TaskWork(settings, examples, test, folder, reporter, open_writer, open_learner)


def _opened(settings: AnyModelSettings, reporter: Reporter) -> ChatModel:
    reporter.stage(f"opening {settings.name}")
    chat = open_chat_model(settings, reporter.note)
    for note in getattr(chat, "notes", ()):
        reporter.note(note)
    return chat


def _index_of(stage: str, option: str) -> int:
    if stage not in TASK_STAGES:
        raise InvalidSettings(
            f"the stage must be one of {', '.join(TASK_STAGES)}, got {stage!r}",
            where=f"--{option}",
        )
    return TASK_STAGES.index(stage)


def _made_again_with(name: str) -> list[str]:
    """The summaries to make again with a file of a stage: its own, and those of later stages.

    >>> _made_again_with("keep/MEX.jsonl")
    ['keep/summary.json', 'tune/summary.json']
    """
    stage = name.split("/", maxsplit=1)[0]
    if stage not in TASK_STAGES:
        return []
    return [f"{later}/{SUMMARY}" for later in TASK_STAGES[TASK_STAGES.index(stage) :]]
