"""Resolve the settings of CultureSPA: check them, and make the objects that they name."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.asking import Strategy, load_strategy
from pluralign.core import AnyPath, InvalidSettings, SurveySource, text_digest
from pluralign.settings.explained import (
    Explained,
    explained,
    lines_of_settings,
    lines_of_source,
    meanings_of,
    meanings_of_source,
    notes_on_kinds,
)
from pluralign.settings.pluralise import PluraliseSettings
from pluralign.settings.resolved_survey import place_paths, survey_source
from pluralign.settings.survey import CHANGES_NO_ANSWER
from pluralign.settings.toml_tables import (
    overridden,
    shown,
    shown_fields,
)
from pluralign.settings.validation import community_ids, settings_at, validated

STAGES = ("questions", "filter", "answer", "collect", "tune", "evaluate")
"""Stages of `pluralign pluralise`, in the order in which they run."""
_PATHS = (
    ("questions", "topics"),
    ("questions", "file"),
    ("answer", "similarity"),
    ("evaluate", "include_path"),
)


@dataclass(frozen=True, slots=True)
class ResolvedPluralise:
    """A run of CultureSPA with its objects instead of names.

    Attributes:
        settings: The settings, with communities as ids and absolute paths.
        source: The survey.
        origin: Dotted key -> the origin of its value.
    """

    settings: PluraliseSettings
    source: SurveySource
    origin: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """A digest of the settings that affect answers; others may change before resuming."""
        settings = shown(self.settings, include={"seed", "communities", "questions", "answer"})
        model = shown(self.settings.model, exclude=CHANGES_NO_ANSWER)
        source = [self.source.name, *(value for _, value in shown_fields(self.source))]
        return text_digest(json.dumps([settings, model, source], sort_keys=True))


def resolve_pluralise(
    raw: AnyPath | Mapping[str, Any],
    *,
    base: AnyPath | None = None,
    where: str | None = None,
    overrides: Sequence[str] = (),
) -> ResolvedPluralise:
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
    _locate_strategies(tables, base)
    settings = validated(PluraliseSettings, place_paths(tables, base, _PATHS), where)
    if settings.communities is not None:
        ids = community_ids(settings.communities, f"{where}: communities")
        settings = settings.model_copy(update={"communities": ids})
    for table, key in _PATHS:
        path = getattr(getattr(settings, table), key, None)
        if path is not None and not path.exists():
            raise InvalidSettings(
                f"no such file or folder: {path}",
                where=f"{where}: {table}.{key}",
                hint="check the path",
            )
    _check_strategies(settings, where)
    return ResolvedPluralise(
        settings, survey_source(settings.survey, base, f"{where}: survey"), origin
    )


def explain_pluralise(resolved: ResolvedPluralise) -> list[Explained]:
    """Every setting, with its value, origin and meaning."""
    lines = lines_of_settings(resolved.settings, exclude={"survey"})
    lines += lines_of_source(resolved.source, "survey.")
    meanings = meanings_of(PluraliseSettings) | meanings_of_source(resolved.source, "survey.")
    return explained(lines, meanings, resolved.origin, notes_on_kinds(resolved.settings))


def _locate_strategies(tables: dict[str, Any], base: Path) -> None:
    """Make the paths of the user's own templates relative to ``base``."""
    for table, keys in (("answer", ("unaware", "aware")), ("evaluate", ("strategies",))):
        own = tables.get(table)
        if not isinstance(own, dict):
            continue
        for key in keys:
            value = own.get(key)
            if isinstance(value, list):
                own[key] = [_located_template(name, base) for name in value]
            elif value is not None:
                own[key] = _located_template(value, base)


def _located_template(name: Any, base: Path) -> Any:
    return str(base / name) if isinstance(name, str) and name.endswith(".toml") else name


def _check_strategies(settings: PluraliseSettings, where: str) -> None:
    loaded: dict[str, Strategy] = {}
    for key, name in (
        ("answer.unaware", settings.answer.unaware),
        ("answer.aware", settings.answer.aware),
        *(("evaluate.strategies", name) for name in settings.evaluate.strategies),
    ):
        loaded[key] = load_strategy(name)
        if key != "evaluate.strategies" and loaded[key].names_community != (key == "answer.aware"):
            what = "names no culture" if key == "answer.aware" else "names a culture"
            raise InvalidSettings(f"the strategy {name!r} {what}", where=f"{where}: {key}")
        if key.startswith("answer") and loaded[key].shows_gold:
            raise InvalidSettings(
                f"the strategy {name!r} shows people's real answers, and the written questions "
                "have none",
                where=f"{where}: {key}",
                hint="use culture_aware or cross_culture_thinking",
            )
