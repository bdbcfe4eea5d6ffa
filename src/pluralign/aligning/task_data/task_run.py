"""Run `pluralign align --data task` stage by stage; a run that was stopped is resumed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.aligning.task_data.evaluating import evaluate_on_test
from pluralign.aligning.task_data.keeping import keep_written, tune_on_task
from pluralign.aligning.task_data.routing import fit_task_routers, need_task_router
from pluralign.aligning.task_data.searching import find_passages
from pluralign.aligning.task_data.task_items import read_items
from pluralign.aligning.task_data.task_record import task_record
from pluralign.aligning.task_data.task_work import TaskWork
from pluralign.aligning.task_data.writing import write_examples
from pluralign.core import (
    AnyPath,
    ChatModel,
    Reporter,
    as_path,
)
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.folder import RECORD, RunFolder, read_rows
from pluralign.runs.measured import RESULTS
from pluralign.runs.progress_bars import reporting
from pluralign.runs.stages import (
    SUMMARY,
    read_summary,
    redone_stages,
    run_stage,
    stage_number,
    summaries_from,
)
from pluralign.settings import TASK_STAGES, ResolvedAlignTask, resolve_align_task
from pluralign.settings.survey import AnyModelSettings
from pluralign.surveying.respondents import open_chat_model

if TYPE_CHECKING:
    from pluralign.respondents.local import LocalChatModel


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """The results of a run.

    Attributes:
        stages: Stage -> its summary, as in its ``summary.json``.
        record: Content of ``record.json``; empty if the run stopped before the last stage.
        results: Rows of ``results.jsonl``; empty if the run stopped before the last stage, or there
            are no test items.
    """

    stages: Mapping[str, Mapping[str, Any]]
    record: Mapping[str, Any] = field(default_factory=dict)
    results: Sequence[Mapping[str, Any]] = ()


def run_align_task(
    resolved: ResolvedAlignTask | AnyPath | Mapping[str, Any],
    out: AnyPath,
    reporter: Reporter | None = None,
    *,
    until: str = TASK_STAGES[-1],
    again: str | None = None,
    fresh: bool = False,
) -> TaskOutcome:
    """Write training data in the format of a task, train adapters on it, and measure them.

    Every stage has a folder in ``out`` with its files and a ``summary.json``; ``results.jsonl`` and
    ``record.json`` are written at the end.

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
    last = stage_number(TASK_STAGES, until, "until")
    redone = redone_stages(TASK_STAGES, again, fresh)
    folder = RunFolder(as_path(out))
    claim = claimed(folder, resolved.fingerprint, fresh, partial(summaries_from, TASK_STAGES))
    with reporting(reporter) as drawn, claim as faults:
        note_earlier(drawn, folder.path, faults)
        folder.remove(*redone)
        work = _work(resolved, folder, drawn)
        need_task_router(work)
        stages = {name: _stage(work, name) for name in TASK_STAGES[: last + 1]}
        if last < len(TASK_STAGES) - 1:
            return TaskOutcome(stages)
        record = task_record(work, stages)
        folder.write_json(RECORD, record)
        results = read_rows(folder.path / RESULTS) if folder.has(RESULTS) else []
        return TaskOutcome(stages, record, results)


def read_task_stage(out: AnyPath, stage: str) -> dict[str, Any]:
    """Read the summary of a finished stage.

    Raises:
        InvalidSettings: If there is no such stage, or it did not run yet.
    """
    return read_summary(out, TASK_STAGES, stage)


_RUN: Mapping[str, Callable[[TaskWork], dict[str, Any]]] = {
    "search": find_passages,
    "write": write_examples,
    "keep": keep_written,
    "tune": tune_on_task,
    "route": fit_task_routers,
    "evaluate": evaluate_on_test,
}


def _stage(work: TaskWork, name: str) -> dict[str, Any]:
    """Run one stage, or read the summary of a search or of writing that is complete."""
    done = work.folder.read_json(f"{name}/{SUMMARY}")
    if done is not None and (name == "search" or (name == "write" and not done["failed"])):
        return done
    return run_stage(work.folder, name, partial(_RUN[name], work), work.reporter)


def _work(resolved: ResolvedAlignTask, folder: RunFolder, reporter: Reporter) -> TaskWork:
    settings = resolved.settings
    examples, test = read_items(settings.task)

    @cache
    def open_model() -> ChatModel:
        return _opened(settings.model, reporter)

    def open_learner() -> "LocalChatModel":
        return _local(open_model())

    @cache
    def open_writer() -> ChatModel:
        return _opened(settings.writer, reporter) if settings.writer else open_model()

    def open_adapter(adapter: Path) -> "LocalChatModel":
        return _local(_opened(settings.model.model_copy(update={"adapter": adapter}), reporter))

    models = (open_writer, open_learner, open_adapter)
    return TaskWork(settings, examples, test, folder, reporter, *models)


def _local(chat: ChatModel) -> "LocalChatModel":
    from pluralign.respondents.local import LocalChatModel

    assert isinstance(chat, LocalChatModel)
    return chat


def _opened(settings: AnyModelSettings, reporter: Reporter) -> ChatModel:
    reporter.stage(f"opening {settings.name}")
    chat = open_chat_model(settings, reporter.note)
    for note in getattr(chat, "notes", ()):
        reporter.note(note)
    return chat
