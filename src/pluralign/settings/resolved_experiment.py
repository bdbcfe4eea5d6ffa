"""Resolve the settings of an experiment: check them, and make the objects that they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidSettings, PairSource, count_of, listed
from pluralign.methods import Method
from pluralign.settings.experiment import Settings
from pluralign.settings.explained import (
    Explained,
    explained,
    lines_of_settings,
    lines_of_source,
    meanings_of,
    meanings_of_source,
    notes_on_kinds,
)
from pluralign.settings.meanings import meanings_of_class
from pluralign.settings.published import with_published
from pluralign.settings.registry import method_named, method_sections
from pluralign.settings.toml_tables import (
    located,
    overridden,
)
from pluralign.settings.validation import (
    built,
    community_ids,
    settings_at,
    source_from,
    validated,
)
from pluralign.sources import JsonlPairs, PrismPairs, PrivatePairs, unwrapped

_ONLY_TRAINED: dict[str, Any] = {
    "training": True,
    "method": True,
    "reference": {"part", "training"},
}
"""Settings without effect unless parts of a transformer are trained."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """An experiment with its objects instead of names.

    Attributes:
        settings: The settings, with communities as ids.
        sources: The sources of pairs; with ``split.by = "files"`` the training file, then the test
            file.
        methods: The methods to compare.
        given: Method -> the settings in its table.
        origin: Dotted key -> the origin of its value: the file, ``--set`` or the default.
    """

    settings: Settings
    sources: tuple[PairSource, ...]
    methods: tuple[Method, ...]
    given: Mapping[str, Mapping[str, Any]]
    origin: Mapping[str, str]

    def __repr__(self) -> str:
        methods, sources = self.settings.methods, [source.name for source in self.sources]
        return (
            f"Resolved({self.settings.name}: {count_of(len(methods), 'method')} "
            f"({listed(methods)}) on {count_of(len(sources), 'source')} ({listed(sources)}), "
            f"seed {self.settings.seed})"
        )


def resolve(
    raw: AnyPath | Mapping[str, Any],
    *,
    base: AnyPath | None = None,
    where: str | None = None,
    overrides: Sequence[str] = (),
    skip_bad: bool = False,
) -> Resolved:
    """Check settings and make the objects that they name.

    Args:
        raw: A TOML file, or its tables; ``pairs`` of tables may also be a source, or several, as
            `pluralign.pairs_from` makes them.
        base: Folder of relative paths. Default: the folder of the file, for tables the working
            directory.
        where: Name of the settings in messages. Default: the file's, for tables ``settings``.
        overrides: ``key.key=value``, values in TOML; they override the file.
        skip_bad: Whether sources that support it drop and count rows that they cannot read.

    Raises:
        InvalidSettings: If a setting is unknown, missing or out of range; the hint names near
            matches.

    >>> resolve({"pairs": {"source": "society"}, "methods": ["reference", "scpo"]})
    Resolved(experiment: 2 methods (reference, scpo) on 1 source (society), seed 0)
    """
    raw, base, where = settings_at(raw, base, where)
    given_sources = _given_sources(raw.get("pairs"))
    if given_sources:
        raw = {**raw, "pairs": [{"source": source.name} for source in given_sources]}
    tables, origin = overridden(raw, where, overrides)
    if isinstance(tables.get("pairs"), dict):
        tables["pairs"] = [tables["pairs"]]
    sections = method_sections()
    given = {name: tables.pop(name) for name in list(tables) if name in sections}
    tables = with_published(located(tables, base), origin)
    settings = validated(Settings, tables, where, tuple(sections))
    settings = settings.model_copy(update=_with_ids(settings, where))
    methods = _methods(settings, where)
    settings = settings.model_copy(update={"methods": tuple(m.name for m in methods)})
    for section, values in given.items():
        _configured(sections[section], values, f"{where}: {section}")
    sources = given_sources or _sources(settings, base, where)
    if skip_bad:
        sources = tuple(map(_with_skip_bad, sources))
    _check_files(settings, () if given_sources else sources, where)
    return Resolved(
        settings=settings,
        sources=tuple(map(settings.privacy.around, sources)),
        methods=methods,
        given={m.name: _method_values(m, given, where) for m in methods},
        origin=origin,
    )


def explain(resolved: Resolved) -> list[Explained]:
    """Every setting of the chosen kind of trunk, with its value, origin and meaning."""
    trunk = resolved.settings.trunk
    left_out = {} if trunk.tuned else dict(_ONLY_TRAINED)
    if trunk.kind == "embedding" and trunk.endpoint is None:
        left_out["trunk"] = {"endpoint"}
    lines = lines_of_settings(resolved.settings, exclude={"pairs": True, **left_out})
    meanings = meanings_of(Settings)
    for k, source in enumerate(resolved.sources):
        lines += lines_of_source(unwrapped(source), f"pairs.{k}.")
        meanings |= meanings_of_source(unwrapped(source), f"pairs.{k}.")
    for method in resolved.methods:
        if method.section is not None and method.section == method.name:
            lines += _lines_of_method(method, resolved)
            for name, meaning in meanings_of_class(method.config).items():
                meanings[f"{method.section}.{name}"] = meaning
    notes = notes_on_kinds(resolved.settings)
    return explained(lines, meanings, resolved.origin, notes)


def _lines_of_method(method: Method, resolved: Resolved) -> list[tuple[str, str]]:
    given = resolved.given[method.name]
    config = method.configure(**given)
    values = {f.name: str(getattr(config, f.name)) for f in fields(config)}
    if method.has_chosen_ridge and "ridge" not in given:
        values["ridge"] = f"{resolved.settings.fit.ridge} (fit.ridge)"
    return [(f"{method.section}.{name}", value) for name, value in values.items()]


def _with_ids(settings: Settings, where: str) -> dict[str, Any]:
    update: dict[str, Any] = {}
    if settings.communities is not None:
        if not settings.communities:
            raise InvalidSettings("must name at least one community", where=f"{where}: communities")
        update["communities"] = community_ids(settings.communities, f"{where}: communities")
    if isinstance(settings.reference.fit_on, tuple):
        ids = community_ids(settings.reference.fit_on, f"{where}: reference.fit_on")
        update["reference"] = settings.reference.model_copy(update={"fit_on": ids})
    return update


def _with_skip_bad(source: Any) -> Any:
    """The source with ``skip_bad``, if it has that setting."""
    if isinstance(source, PrivatePairs):
        return replace(source, source=_with_skip_bad(source.source))
    return replace(source, skip_bad=True) if hasattr(source, "skip_bad") else source


def _given_sources(pairs: object) -> tuple[PairSource, ...]:
    """The sources, if the settings have only objects instead of tables."""
    found = pairs if isinstance(pairs, list | tuple) else [pairs]
    sources = tuple(source for source in found if isinstance(source, PairSource))
    return sources if len(sources) == len(found) else ()


def _sources(settings: Settings, base: Path, where: str) -> tuple[PairSource, ...]:
    if settings.split.by == "files":
        assert settings.split.train is not None and isinstance(settings.split.test, Path)
        return JsonlPairs(settings.split.train), JsonlPairs(settings.split.test)
    found = []
    for k, table in enumerate(settings.pairs):
        key = "pairs" if len(settings.pairs) == 1 else f"pairs.{k}"
        found.append(source_from(table, base, f"{where}: {key}"))
    return tuple(found)


def _check_files(settings: Settings, sources: Sequence[PairSource], where: str) -> None:
    named: list[tuple[str, Any]] = []
    for source in map(unwrapped, sources):
        values: Any = source
        named += [(f"pairs.{f.name}", getattr(source, f.name)) for f in fields(values)]
    if settings.split.by == "files":
        named = [("split.train", settings.split.train), ("split.test", settings.split.test)]
    for key, value in [*named, ("reference.model", settings.reference.model)]:
        if isinstance(value, Path) and not value.exists():
            raise InvalidSettings(
                f"no such file or folder: {value}",
                where=f"{where}: {key}",
                hint="check the path and its spelling",
            )
    if settings.split.by == "prism" and [type(unwrapped(s)) for s in sources] != [PrismPairs]:
        raise InvalidSettings(
            "the published split is for PRISM only",
            where=f"{where}: split.by",
            hint="use rater",
        )


def _method_values(
    method: Method, given: Mapping[str, Mapping[str, Any]], where: str
) -> Mapping[str, Any]:
    if method.section is None:
        return {}
    values = given.get(method.section, {})
    config = _configured(method.config, values, f"{where}: {method.section}")
    return {key: getattr(config, key) for key in values}


def _configured(config: type[Any], values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise InvalidSettings(f"must be a table, got {type(values).__name__}", where=where)
    return built(config, values, Path(), where)


def _methods(settings: Settings, where: str) -> tuple[Method, ...]:
    """The methods that settings name; by default, the methods that the trunk allows."""
    found = tuple(_method(name, where) for name in settings.methods)
    if not settings.trunk.tuned:
        return found
    needs_heads = [m.name for m in found if m.steers and m.weights is None]
    if needs_heads and "methods" in settings.model_fields_set:
        raise InvalidSettings(
            f"{', '.join(needs_heads)} works on linear heads, not on trained parts of a "
            "transformer",
            where=f"{where}: methods",
            hint='set trunk.community = "head", or leave the method out',
        )
    return tuple(m for m in found if m.name not in needs_heads)


def _method(name: str, where: str) -> Method:
    try:
        return method_named(name)
    except InvalidSettings as error:
        raise InvalidSettings(error.what, where=f"{where}: methods", hint=error.hint) from error
