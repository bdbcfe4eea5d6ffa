"""Completion in the shell: settings and their values, sources, methods, strategies, communities."""

import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pluralign.settings.meanings import Meaning

Completions = list[tuple[str, str]]
_CARD = "card.json"
_SHARES = ("country_proportions.json", "proportions_group_by_country.json")
_HELP_WIDTH = 60


def complete_source(incomplete: str) -> list[str]:
    """Names of sources."""
    return _starting(incomplete, _entry_points("pluralign.sources"))


def complete_method(incomplete: str) -> list[str]:
    """Names of methods."""
    return _starting(incomplete, _entry_points("pluralign.methods"))


def complete_strategy(incomplete: str) -> list[str]:
    """Names of the strategies that a survey may use."""
    import pluralign

    folder = Path(pluralign.__path__[0]) / "asking" / "templates"
    return _starting(incomplete, sorted(path.stem for path in folder.glob("*.toml")))


def complete_community(ctx: typer.Context, incomplete: str) -> Completions:
    """Communities of the model folder, settings file or survey on the line; else all countries."""
    named = _communities_on_the_line(ctx)
    found = named if named else _countries()
    return [(id_, name) for id_, name in found.items() if id_.startswith(incomplete)]


def complete_run_setting(ctx: typer.Context, incomplete: str) -> Completions:
    """Settings of an experiment as ``KEY=``, then the values of those that are enumerations."""
    from pluralign.settings.experiment import Settings
    from pluralign.settings.explained import meanings_of
    from pluralign.settings.meanings import meanings_of_class
    from pluralign.settings.registry import method_sections

    meanings = meanings_of(Settings)
    for section, config in method_sections().items():
        for name, meaning in meanings_of_class(config).items():
            meanings[f"{section}.{name}"] = meaning
    return _settings(meanings | _of_source(ctx, "pairs"), incomplete)


def complete_survey_setting(ctx: typer.Context, incomplete: str) -> Completions:
    """Settings of a survey as ``KEY=``, then the values of those that are enumerations."""
    from pluralign.settings.explained import meanings_of
    from pluralign.settings.survey import SurveySettings

    return _settings(meanings_of(SurveySettings) | _of_source(ctx, "survey"), incomplete)


def complete_knowledge_setting(incomplete: str) -> Completions:
    """Settings of asking a test of knowledge as ``KEY=``, then the values of enumerations."""
    from pluralign.settings.explained import meanings_of
    from pluralign.settings.knowledge import KnowledgeSettings

    return _settings(meanings_of(KnowledgeSettings), incomplete)


def complete_pluralise_setting(ctx: typer.Context, incomplete: str) -> Completions:
    """Settings of CultureSPA as ``KEY=``, then the values of those that are enumerations."""
    from pluralign.settings.explained import meanings_of
    from pluralign.settings.pluralise import PluraliseSettings

    return _settings(meanings_of(PluraliseSettings) | _of_source(ctx, "survey"), incomplete)


def complete_align_setting(incomplete: str) -> Completions:
    """Settings of ``align`` as ``KEY=``, then the values of those that are enumerations."""
    from pluralign.settings.align import AlignSettings
    from pluralign.settings.explained import meanings_of

    return _settings(meanings_of(AlignSettings), incomplete)


def complete_audit_setting(incomplete: str) -> Completions:
    """Settings and thresholds of an audit as ``KEY=``."""
    from pluralign.settings.audit import AuditSettings
    from pluralign.settings.explained import meanings_of
    from pluralign.settings.meanings import Meaning
    from pluralign.settings.registry import AUDITS, audit_named, names

    meanings = meanings_of(AuditSettings)
    for audit in map(audit_named, names(AUDITS)):
        for check in audit.checks:
            for level in ("concern", "risk"):
                key = f"{audit.name}.{check.name}.{level}"
                meanings[key] = Meaning(check.asks, {"type": "number"})
    return _settings(meanings, incomplete)


def complete_source_setting(ctx: typer.Context, incomplete: str) -> Completions:
    """Settings of the source on the line as ``KEY=``."""
    source = str(_argument(ctx, "source") or "jsonl")
    return _settings(_fields_of(source.partition("=")[0], ""), incomplete)


def complete_pairs_setting(incomplete: str) -> Completions:
    """Settings of pairs in files as ``pairs.KEY=``."""
    return _settings(_fields_of("jsonl", "pairs."), incomplete)


def complete_in_bash(complete: Callable[[], None]) -> None:
    """Complete a line in bash, which splits words such as ``scpo.tau=0.6`` at their ``=``.

    Args:
        complete: Typer's own completion.
    """
    kept = rejoin_words(os.environ)
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            complete()
    finally:
        for line in printed.getvalue().splitlines():
            sys.stdout.write(f"{line.removeprefix(kept)}\n")


def rejoin_words(environment: MutableMapping[str, str]) -> str:
    r"""Put words together that bash splits at ``=``, before Typer reads them.

    Args:
        environment: Variables of the process; the variables of bash's completion are changed.

    Returns:
        The part of the last word that bash keeps as it is; completions must not repeat it.

    >>> line = {"COMP_WORDS": "pluralign\nrun\n--set\ntrunk.kind\n=\nem", "COMP_CWORD": "5"}
    >>> rejoin_words(line)
    'trunk.kind='
    >>> line["COMP_WORDS"].split()[-1], line["COMP_CWORD"]
    ('trunk.kind=em', '3')
    """
    place = int(environment.get("COMP_CWORD", "0"))
    words = environment.get("COMP_WORDS", "").split("\n")[: place + 1]
    joined: list[str] = []
    after_sign = False
    for word in words:
        if joined and (word == "=" or after_sign):
            joined[-1] += word
        else:
            joined.append(word)
        after_sign = word == "="
    environment["COMP_WORDS"] = "\n".join(joined)
    environment["COMP_CWORD"] = str(place - (len(words) - len(joined)))
    split_here = len(words) > 1 and "=" in (words[-1], words[-2])
    return joined[-1].rpartition("=")[0] + "=" if split_here else ""


def _settings(meanings: Mapping[str, "Meaning"], incomplete: str) -> Completions:
    """Keys that begin with the text, each with ``=``; the values of a key that is clear."""
    key, sign, value = incomplete.partition("=")
    keys = [k for k in meanings if k == key or (not sign and k.startswith(key))]
    if not sign and not (len(keys) == 1 and meanings[keys[0]].values):
        return [(f"{k}=", _short(meanings[k].description)) for k in keys]
    if not keys:
        return []
    meaning = meanings[keys[0]]
    help_text = _short(meaning.description)
    return [(f"{keys[0]}={v}", help_text) for v in meaning.values if v.startswith(value)]


def _short(description: str) -> str:
    """The first words of a description, in one short line."""
    first = re.split(r"[.;:](?:\s|$)", description.replace("`", ""))[0]
    return first if len(first) <= _HELP_WIDTH else first[: _HELP_WIDTH - 1].rstrip() + "…"


def _of_source(ctx: typer.Context, table: str) -> "dict[str, Meaning]":
    """The settings of the source that the settings file on the line names."""
    given = _settings_file(_argument(ctx, "config")).get(table)
    tables = given if isinstance(given, list) else [given]
    found: dict[str, Meaning] = {}
    for number, one in enumerate(tables):
        if isinstance(one, Mapping) and isinstance(one.get("source"), str):
            head = f"{table}." if len(tables) == 1 else f"{table}.{number}."
            found |= _fields_of(one["source"], head)
    return found


def _fields_of(source: str, head: str) -> "dict[str, Meaning]":
    from pluralign.core import InvalidSettings
    from pluralign.settings.meanings import meanings_of_class
    from pluralign.settings.registry import source_named

    try:
        meanings = meanings_of_class(source_named(source))
    except InvalidSettings:
        return {}
    return {f"{head}{name}": meaning for name, meaning in meanings.items()}


def _argument(ctx: typer.Context, name: str) -> Any:
    """An argument of the command; while an option lacks its value, click leaves it unprocessed."""
    return ctx.params.get(name) or (ctx.args[0] if ctx.args else None)


def _communities_on_the_line(ctx: typer.Context) -> dict[str, str]:
    """Community -> its name, for the model, settings or survey on the line; empty without one."""
    readers: tuple[tuple[Any, Callable[[Any], Iterable[str]]], ...] = (
        (_argument(ctx, "model"), _of_model),
        (_argument(ctx, "config"), _of_settings_file),
        (ctx.params.get("source"), _of_survey),
    )
    for value, read in readers:
        try:
            found = list(read(value))
        except (OSError, ValueError, TypeError, AttributeError):
            continue  # completion never fails: the command itself names what is wrong
        if found:
            return _named(found)
    return {}


def _of_model(folder: Any) -> Iterator[str]:
    import json

    card = json.loads((Path(folder) / _CARD).read_text(encoding="utf-8"))
    yield from card["communities"]
    yield "~world"


def _of_settings_file(path: Any) -> Iterator[str]:
    tables = _settings_file(path)
    yield from tables.get("communities") or ()
    survey = tables.get("survey")
    if isinstance(survey, Mapping) and "path" in survey:
        yield from _of_survey(Path(path).parent / survey["path"])


def _of_survey(source: Any) -> Iterator[str]:
    import json

    folder = Path(str(source).rpartition("=")[2])
    for name in _SHARES:
        if (folder / name).is_file():
            yield from json.loads((folder / name).read_text(encoding="utf-8"))


def _settings_file(path: Any) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, TypeError):
        return {}


def _named(labels: Iterable[str]) -> dict[str, str]:
    from pluralign.core.communities import community_name, resolve_community

    found: dict[str, str] = {}
    for label in labels:
        community = resolve_community(str(label))
        id_ = community.id if community is not None else str(label)
        found[id_] = community_name(id_)
    return found


def _countries() -> dict[str, str]:
    import pycountry

    return {"~world": "World"} | {c.alpha_3: c.name for c in pycountry.countries}


def _entry_points(group: str) -> list[str]:
    from importlib.metadata import entry_points

    return [entry.name for entry in entry_points(group=group)]


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
