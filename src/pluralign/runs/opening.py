"""Open the folder of a finished run of any kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidSettings, as_path
from pluralign.runs.audits import AuditRun, find_audit
from pluralign.runs.finished import read_record
from pluralign.runs.folder import RECORD, STATE
from pluralign.runs.knowledge import KnowledgeRun
from pluralign.runs.policies import AlignRun
from pluralign.runs.record_shapes import (
    AlignRecord,
    KnowledgeRecord,
    RewardRecord,
    SurveyRecord,
    TaskRecord,
    hold_shape,
)
from pluralign.runs.rewards import RewardRun
from pluralign.runs.surveys import PluraliseRun, SurveyRun
from pluralign.runs.tasks import TaskRun


def open_run(
    path: AnyPath,
) -> RewardRun | SurveyRun | PluraliseRun | AlignRun | TaskRun | KnowledgeRun | AuditRun:
    """Open the folder of a finished run.

    Args:
        path: A folder that ``pluralign run``, ``survey run``, ``survey evaluate``, ``knowledge
            score``, ``pluralise``, ``align`` or ``audit`` wrote.

    Returns:
        The run, of the kind of its folder. Its tables are read when they are first asked for; an
        audit in its folder is ``run.audit``.

    Raises:
        InvalidSettings: If the folder contains no finished run.
        DamagedFile: If its record is missing, damaged, or not that of a run; a damaged table is
            refused when it is read.
    """
    folder = as_path(path)
    if not folder.is_dir():
        raise InvalidSettings(
            "no such folder", where=str(folder), hint="name the folder of a run or an audit"
        )
    record = read_record(folder / RECORD)
    if record is not None:
        return _measured(folder, record)
    audit = find_audit(folder)
    if audit is not None:
        return audit
    if (folder / STATE).is_file():
        raise InvalidSettings(
            "the run in this folder is not finished",
            where=str(folder),
            hint="give its command again: it resumes where it stopped",
        )
    raise InvalidSettings(
        "the folder contains neither a finished run nor an audit",
        where=str(folder),
        hint="name a folder that `pluralign run`, `pluralign survey run`, "
        "`pluralign survey evaluate`, `pluralign knowledge score`, `pluralign pluralise`, "
        "`pluralign align` or `pluralign audit` wrote",
    )


def _measured(
    folder: Path, record: Mapping[str, Any]
) -> RewardRun | SurveyRun | PluraliseRun | AlignRun | TaskRun | KnowledgeRun:
    if _is_of_knowledge(record):
        hold_shape(record, KnowledgeRecord, folder / RECORD)
        return KnowledgeRun(folder, record)
    if _is_of_task(record):
        hold_shape(record, TaskRecord, folder / RECORD)
        return TaskRun(folder, record)
    if "communities" in record and "stages" in record:
        hold_shape(record, AlignRecord, folder / RECORD)
        return AlignRun(folder, record)
    if "communities" in record:
        hold_shape(record, RewardRecord, folder / RECORD)
        return RewardRun(folder, record)
    hold_shape(record, SurveyRecord, folder / RECORD)
    if "stages" in record:
        return PluraliseRun(folder, record)
    return SurveyRun(folder, record)


def _is_of_task(record: Mapping[str, Any]) -> bool:
    settings = record.get("settings")
    return isinstance(settings, Mapping) and settings.get("data") == "task"


def _is_of_knowledge(record: Mapping[str, Any]) -> bool:
    data = record.get("data")
    return isinstance(data, Mapping) and "test" in data
