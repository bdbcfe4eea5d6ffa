"""Resolve the settings of `pluralign align`: check them, and place their paths."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidSettings, file_digest, text_digest
from pluralign.settings.align import AlignSettings
from pluralign.settings.explained import (
    Explained,
    explained,
    lines_of_settings,
    meanings_of,
    notes_on_kinds,
)
from pluralign.settings.pass_file import PASS_PRESETS, read_pass_file
from pluralign.settings.resolved_survey import ResolvedSurvey, place_paths, resolve_survey
from pluralign.settings.survey import CHANGES_NO_ANSWER
from pluralign.settings.toml_tables import absolute, overridden, shown
from pluralign.settings.validation import community_ids, read_settings, settings_at, validated

_PATHS = (
    ("prompts", "path"),
    ("model", "adapter"),
    ("evaluate", "survey"),
    ("evaluate", "ability_path"),
)
ALIGN_STAGES = ("sample", "score", "select", "tune", "route", "evaluate")
"""Stages of `pluralign align`, in the order in which they run."""


@dataclass(frozen=True, slots=True)
class ResolvedAlign:
    """A run of `pluralign align`, checked.

    Attributes:
        settings: The settings, with communities as ids and absolute paths.
        origin: Dotted key -> the origin of its value.
        survey: The survey that models answer before and after; None without one.
    """

    settings: AlignSettings
    origin: Mapping[str, str]
    survey: ResolvedSurvey | None = None

    @property
    def fingerprint(self) -> str:
        """A digest of the settings that affect the samples; others may change before resuming."""
        of_samples = {"seed": True, "prompts": {"path", "limit", "skip_bad"}, "sample": True}
        settings = shown(self.settings, include=of_samples)
        model = shown(self.settings.model, exclude=CHANGES_NO_ANSWER)
        prompts = file_digest(self.settings.prompts.path)
        return text_digest(json.dumps([settings, model, prompts], sort_keys=True))


def resolve_align(
    raw: AnyPath | Mapping[str, Any],
    *,
    base: AnyPath | None = None,
    where: str | None = None,
    overrides: Sequence[str] = (),
) -> ResolvedAlign:
    """Check settings and place their paths.

    Args:
        raw: A TOML file, or its tables.
        base: Folder of relative paths. Default: the folder of the file, for tables the working
            directory.
        where: Name of the settings in messages. Default: the file's, for tables ``settings``.
        overrides: ``key.key=value``, values in TOML; they override the file.

    Raises:
        InvalidSettings: If a setting is unknown, missing or out of range, or a file is missing.
    """
    raw, base, where = settings_at(raw, base, where)
    tables, origin = overridden(raw, where, overrides)
    _place_rewards(tables, base)
    _place_conditions(tables, base)
    placed = place_paths(tables, base, _PATHS)
    settings = validated(AlignSettings, placed, where)
    if settings.communities is not None:
        ids = community_ids(settings.communities, f"{where}: communities")
        settings = settings.model_copy(update={"communities": ids})
    if not settings.prompts.path.is_file():
        raise InvalidSettings(
            f"no such file: {settings.prompts.path}",
            where=f"{where}: prompts.path",
            hint="check the path; a row of the file has a prompt",
        )
    if settings.evaluate.pass_file is not None:
        read_pass_file(settings.evaluate.pass_file)
    survey = _survey(settings.evaluate.survey, placed["model"], base, where)
    return ResolvedAlign(settings, origin, survey)


def explain_align(resolved: ResolvedAlign) -> list[Explained]:
    """Every setting, with its value, origin and meaning."""
    return explained(
        lines_of_settings(resolved.settings),
        meanings_of(AlignSettings),
        resolved.origin,
        notes_on_kinds(resolved.settings),
    )


def _survey(
    given: Path | dict[str, Any] | None, model: Mapping[str, Any], base: Path, where: str
) -> ResolvedSurvey | None:
    """The survey of the settings ``evaluate.survey``, asked of the run's own model."""
    if given is None:
        return None
    if isinstance(given, Path):
        tables = read_settings(given) | {"model": model}
        return resolve_survey(tables, base=given.parent, where=given.name)
    tables = {"survey": given, "strategies": ["culture_unaware"], "model": model}
    return resolve_survey(tables, base=base, where=f"{where}: evaluate")


def _place_conditions(tables: dict[str, Any], base: Path) -> None:
    """Make the path of a file of conditions absolute; names of presets stay."""
    evaluate = tables.get("evaluate")
    given = evaluate.get("pass_file") if isinstance(evaluate, dict) else None
    if isinstance(evaluate, dict) and isinstance(given, str) and given not in PASS_PRESETS:
        evaluate["pass_file"] = str(absolute(given, base, "evaluate.pass_file"))


def _place_rewards(tables: dict[str, Any], base: Path) -> None:
    """Make folders of reward models absolute; URLs stay."""
    reward = tables.get("reward")
    if not isinstance(reward, dict):
        return
    for key in ("model", "judge"):
        given = reward.get(key)
        if isinstance(given, str) and not given.startswith(("http://", "https://")):
            reward[key] = str(absolute(given, base, f"reward.{key}"))
