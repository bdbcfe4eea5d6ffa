"""Resolve the settings of `pluralign align --data task`: check them, and place their paths."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidSettings, file_digest, files_in, text_digest
from pluralign.settings.align_task import AlignTaskSettings
from pluralign.settings.explained import (
    Explained,
    explained,
    lines_of_settings,
    meanings_of,
    notes_on_kinds,
)
from pluralign.settings.resolved_survey import place_paths
from pluralign.settings.survey import CHANGES_NO_ANSWER
from pluralign.settings.toml_tables import absolute, overridden, shown
from pluralign.settings.validation import community_ids, settings_at, validated

TASK_STAGES = ("search", "write", "keep", "tune", "route", "evaluate")
"""Stages of `pluralign align --data task`, in the order in which they run."""


@dataclass(frozen=True, slots=True)
class ResolvedAlignTask:
    """A run of `pluralign align --data task`, checked.

    Attributes:
        settings: The settings, with communities as ids and absolute paths.
        origin: Dotted key -> the origin of its value.
    """

    settings: AlignTaskSettings
    origin: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """A digest of all that affects what is written; the rest may change before resuming."""
        own = self.settings
        settings = shown(own, include={"data", "seed", "task", "documents", "search", "write"})
        model = shown(own.writer or own.model, exclude=CHANGES_NO_ANSWER)
        files = [file_digest(own.task.examples)]
        for one in own.documents:
            if one.path is not None:
                files += [file_digest(path) for path in files_in(one.path)]
        return text_digest(json.dumps([settings, model, files], sort_keys=True))


def resolve_align_task(
    raw: AnyPath | Mapping[str, Any],
    *,
    base: AnyPath | None = None,
    where: str | None = None,
    overrides: Sequence[str] = (),
) -> ResolvedAlignTask:
    """Check settings and place their paths; arguments as of `resolve_align`.

    Raises:
        InvalidSettings: If a setting is unknown, missing or out of range, or a file is missing.
    """
    raw, base, where = settings_at(raw, base, where)
    tables, origin = overridden(raw, where, overrides)
    placed = _placed(tables, base)
    settings = validated(AlignTaskSettings, placed, where)
    ids = community_ids([one.community for one in settings.documents], f"{where}: documents")
    documents = tuple(
        one.model_copy(update={"community": own})
        for one, own in zip(settings.documents, ids, strict=True)
    )
    settings = settings.model_copy(update={"documents": documents})
    _check_files(settings, where)
    return ResolvedAlignTask(settings, origin)


def explain_align_task(resolved: ResolvedAlignTask) -> list[Explained]:
    """Every setting, with its value, origin and meaning."""
    return explained(
        lines_of_settings(resolved.settings),
        meanings_of(AlignTaskSettings),
        resolved.origin,
        notes_on_kinds(resolved.settings),
    )


def _placed(tables: dict[str, Any], base: Path) -> dict[str, Any]:
    placed = place_paths(tables, base, (("task", "examples"), ("task", "test")))
    for table in placed.get("documents") or []:
        if isinstance(table, dict) and "path" in table:
            table["path"] = absolute(table["path"], base, "documents.path")
    writer = placed.get("writer")
    if isinstance(writer, dict):
        placed["writer"] = place_paths({"model": writer}, base, (("model", "adapter"),))["model"]
    return placed


def _check_files(settings: AlignTaskSettings, where: str) -> None:
    for key, path in (("examples", settings.task.examples), ("test", settings.task.test)):
        if path is not None and not path.is_file():
            raise InvalidSettings(f"no such file: {path}", where=f"{where}: task.{key}")
    for one in settings.documents:
        if one.path is not None and not one.path.is_dir():
            raise InvalidSettings(
                f"no such folder: {one.path}",
                where=f"{where}: documents of {one.community}",
                hint="save texts or web pages there",
            )
