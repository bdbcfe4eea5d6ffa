"""Resolve the settings of a test of knowledge: check them, and open the test that they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidInput, InvalidSettings
from pluralign.settings.explained import (
    Explained,
    explained,
    lines_of_settings,
    lines_of_source,
    meanings_of,
    meanings_of_source,
    notes_on_kinds,
)
from pluralign.settings.knowledge import KnowledgeSettings
from pluralign.settings.name_hints import nearest
from pluralign.settings.registry import knowledge_source_named
from pluralign.settings.resolved_survey import place_paths
from pluralign.settings.toml_tables import absolute, overridden
from pluralign.settings.validation import built, community_ids, settings_at, validated
from pluralign.sources.knowledge_joined import JoinedKnowledge
from pluralign.sources.knowledge_reading import KnowledgeSource
from pluralign.sources.knowledge_recognised import recognise_knowledge

_RECOGNISED = ("path", "community", "language", "first", "skip_bad")


@dataclass(frozen=True, slots=True)
class ResolvedKnowledge:
    """A test of knowledge for a model with its objects instead of names.

    Attributes:
        settings: The settings, with communities as ids and absolute paths.
        source: The source of the questions.
        origin: Dotted key -> the origin of its value.
    """

    settings: KnowledgeSettings
    source: KnowledgeSource
    origin: Mapping[str, str]


def resolve_knowledge(
    raw: AnyPath | Mapping[str, Any],
    *,
    base: AnyPath | None = None,
    where: str | None = None,
    overrides: Sequence[str] = (),
) -> ResolvedKnowledge:
    """Check settings and open the test that they name; arguments as for `resolve_survey`.

    Raises:
        InvalidSettings: If a setting is unknown, missing or out of range, or there is no such test.
    """
    raw, base, where = settings_at(raw, base, where)
    tables, origin = overridden(raw, where, overrides)
    tables = place_paths(tables, base, (("model", "adapter"),))
    settings = validated(KnowledgeSettings, tables, where)
    if settings.communities is not None:
        ids = community_ids(settings.communities, f"{where}: communities")
        settings = settings.model_copy(update={"communities": ids})
    test = _test_table(settings, base, f"{where}: test.path")
    source = knowledge_source(test, base, f"{where}: test")
    return ResolvedKnowledge(settings.model_copy(update={"test": test}), source, origin)


def _test_table(settings: KnowledgeSettings, base: Path, where: str) -> dict[str, Any]:
    """The table of the test, with absolute paths, and with what a file may not name.

    A file that names no community or language has the one asked about, if there is only one.
    """
    found = dict(settings.test)
    if "path" in found:
        listed = isinstance(found["path"], list)
        paths = [_absolute(path, base, where) for path in paths_of(found)]
        found["path"] = paths if listed else paths[0]
    if "source" not in found:
        for key, asked in (("community", settings.communities), ("language", settings.languages)):
            if asked is not None and len(asked) == 1:
                found.setdefault(key, asked[0])
    return found


def _absolute(path: Any, base: Path, where: str) -> Any:
    placed = absolute(path, base, where)
    return str(placed) if isinstance(placed, Path) else placed


def paths_of(table: Mapping[str, Any]) -> list[Any]:
    """The paths that the table of a test names: none, one or several."""
    path = table.get("path", [])
    return path if isinstance(path, list) else [path]


def knowledge_source(table: Mapping[str, Any], base: Path, where: str) -> KnowledgeSource:
    """Make the source of the test that a table names.

    Args:
        table: ``path``, or a list of several, with ``community``, ``language`` and ``first`` where
            a file does not name them, and ``skip_bad``; or ``source`` with the settings of that
            source.
        base: Folder of relative paths.
        where: Name of the table in messages.

    Raises:
        InvalidSettings: If it names no test, a setting is wrong, or there is no such file.
    """
    if isinstance(table.get("path"), list):
        if not table["path"]:
            raise InvalidSettings("at least one path must be given", where=f"{where}.path")
        skip_bad = bool(table.get("skip_bad", False))
        parts = (knowledge_source({**table, "path": one}, base, where) for one in table["path"])
        return JoinedKnowledge(tuple(parts), skip_bad)
    values = dict(table)
    if "path" in values:
        values["path"] = absolute(values["path"], base, f"{where}.path")
        if not Path(values["path"]).exists():
            raise InvalidSettings(
                f"no such file or folder: {values['path']}",
                where=f"{where}.path",
                hint="check the path",
            )
    if "source" in values:
        named = knowledge_source_named(str(values.pop("source")))
        source: KnowledgeSource = built(named, values, base, where)
        return source
    for key in values:
        if key not in _RECOGNISED:
            raise InvalidSettings(
                "unknown key", where=f"{where}.{key}", hint=nearest(key, [*_RECOGNISED, "source"])
            )
    if "path" not in values:
        raise InvalidSettings(
            "a test must be named", where=where, hint="name its file or folder: path = ..."
        )
    skip_bad = values.pop("skip_bad", False)
    try:
        found: Any = recognise_knowledge(Path(values.pop("path")), **values)
    except InvalidInput as error:
        place = f"{where}: {error.where}" if error.where else where
        raise InvalidSettings(error.what, where=place, hint=error.hint) from error
    placed: KnowledgeSource = replace(found, skip_bad=bool(skip_bad))
    return placed


def explain_knowledge(resolved: ResolvedKnowledge) -> list[Explained]:
    """Every setting, with its value, origin and meaning."""
    lines = lines_of_settings(resolved.settings, exclude={"test"})
    meanings = meanings_of(KnowledgeSettings)
    source = resolved.source
    parts = {"test.": source}
    if isinstance(source, JoinedKnowledge):
        parts = {f"test.{k + 1}.": part for k, part in enumerate(source.sources)}
    for head, source in parts.items():
        lines += lines_of_source(source, head)
        meanings |= meanings_of_source(source, head)
    return explained(lines, meanings, resolved.origin, notes_on_kinds(resolved.settings))
