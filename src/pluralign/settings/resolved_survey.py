"""Resolve the settings of a survey: check them, and make the objects that they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidSettings, SurveySource
from pluralign.settings.explained import (
    Explained,
    explained,
    lines_of_settings,
    lines_of_source,
    meanings_of,
    meanings_of_source,
    notes_on_kinds,
)
from pluralign.settings.registry import SOURCES, names, source_named
from pluralign.settings.survey import SurveySettings
from pluralign.settings.toml_tables import (
    absolute,
    overridden,
)
from pluralign.settings.validation import community_ids, settings_at, source_from, validated

_PATHS = (("model", "adapter"), ("asking", "similarity"), ("asking", "neighbours"))


@dataclass(frozen=True, slots=True)
class ResolvedSurvey:
    """A survey of a model with its objects instead of names.

    Attributes:
        settings: The settings, with communities as ids and absolute paths.
        source: The source of questions and of the people's answers.
        origin: Dotted key -> the origin of its value.
    """

    settings: SurveySettings
    source: SurveySource
    origin: Mapping[str, str]


def resolve_survey(
    raw: AnyPath | Mapping[str, Any],
    *,
    base: AnyPath | None = None,
    where: str | None = None,
    overrides: Sequence[str] = (),
) -> ResolvedSurvey:
    """Check settings and make the objects that they name.

    Args:
        raw: A TOML file, or its tables.
        base: Folder of relative paths. Default: the folder of the file, for tables the working
            directory.
        where: Name of the settings in messages. Default: the file's, for tables ``settings``.
        overrides: ``key.key=value``, values in TOML; they override the file.

    Raises:
        InvalidSettings: If a setting is unknown, missing or out of range; the hint names near
            matches.
    """
    raw, base, where = settings_at(raw, base, where)
    tables, origin = overridden(raw, where, overrides)
    settings = validated(SurveySettings, place_paths(tables, base, _PATHS), where)
    if settings.communities is not None:
        ids = community_ids(settings.communities, f"{where}: communities")
        settings = settings.model_copy(update={"communities": ids})
    return ResolvedSurvey(
        settings, survey_source(settings.survey, base, f"{where}: survey"), origin
    )


def survey_source(table: Mapping[str, Any], base: Path, where: str) -> SurveySource:
    """Make the source of the survey that a table names.

    Raises:
        InvalidSettings: If it names no source, a source without a survey, or a missing file.
    """
    source = source_from(table, base, where)
    if not isinstance(source, SurveySource):
        known = [name for name in names(SOURCES) if hasattr(source_named(name), "survey")]
        raise InvalidSettings(
            f"the source must have a survey, got {table['source']!r}, which has only pairs",
            where=where,
            hint=f"surveys: {', '.join(known)}",
        )
    for f in fields(source):  # type: ignore[arg-type]
        value = getattr(source, f.name)
        if isinstance(value, Path) and not value.exists():
            raise InvalidSettings(
                f"no such file or folder: {value}", where=f"{where}.{f.name}", hint="check the path"
            )
    return source


def place_paths(
    tables: dict[str, Any], base: Path, paths: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Make paths relative to ``base``.

    The name of a model is a path if there is such a folder, and a strategy if it ends in .toml.
    """
    for table, key in paths:
        if isinstance(tables.get(table), dict) and key in tables[table]:
            tables[table][key] = absolute(tables[table][key], base, f"{table}.{key}")
    model = tables.get("model")
    if isinstance(model, dict) and isinstance(model.get("name"), str):
        placed = absolute(model["name"], base, "model.name")
        model["name"] = str(placed) if placed.is_dir() else model["name"]
    if isinstance(tables.get("strategies"), list):
        tables["strategies"] = [
            str(base / name) if isinstance(name, str) and name.endswith(".toml") else name
            for name in tables["strategies"]
        ]
    return tables


def explain_survey(resolved: ResolvedSurvey) -> list[Explained]:
    """Every setting, with its value, origin and meaning."""
    lines = lines_of_settings(resolved.settings, exclude={"survey"})
    lines += lines_of_source(resolved.source, "survey.")
    meanings = meanings_of(SurveySettings) | meanings_of_source(resolved.source, "survey.")
    return explained(lines, meanings, resolved.origin, notes_on_kinds(resolved.settings))
