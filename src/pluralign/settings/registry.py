"""The registry of sources, methods and audits: entry points of this package and of plug-ins."""

from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pluralign.audits import Audit
from pluralign.core import InvalidSettings
from pluralign.methods import Method, ranked
from pluralign.settings.name_hints import nearest

SOURCES = "pluralign.sources"
"""Entry points of sources of pairs and of surveys."""
METHODS = "pluralign.methods"
"""Entry points of methods."""
AUDITS = "pluralign.audits"
"""Entry points of audits."""
KNOWLEDGE = "pluralign.knowledge"
"""Sources of knowledge questions; a source of pairs may have the same name."""


def names(group: str) -> list[str]:
    """Names in a group of entry points, in order of definition."""
    return list(_found(group))


def source_named(name: str) -> type[Any]:
    """The class of a source; its fields are its settings.

    Raises:
        InvalidSettings: If no source has that name, or its package does not load.
    """
    found: type[Any] = _load(SOURCES, name, "source")
    return found


def knowledge_source_named(name: str) -> type[Any]:
    """The class of a source of knowledge questions.

    Raises:
        InvalidSettings: If no source has that name, or its package does not load.
    """
    found: type[Any] = _load(KNOWLEDGE, name, "source of knowledge questions")
    return found


def method_named(name: str) -> Method:
    """Find a method by its name.

    Raises:
        InvalidSettings: If no method has that name, or its package does not load.
    """
    found = _load(METHODS, name, "method")
    if not isinstance(found, Method):
        raise InvalidSettings(
            f"the entry point of method {name!r} is not a pluralign.methods.Method"
        )
    return found


def audit_named(name: str) -> Audit:
    """Find an audit by its name.

    Raises:
        InvalidSettings: If no audit has that name, or its package does not load.
    """
    found = _load(AUDITS, name, "audit")
    if not isinstance(found, Audit):
        raise InvalidSettings(f"the entry point of audit {name!r} is not a pluralign.audits.Audit")
    return found


def method_sections() -> dict[str, type[Any]]:
    """Table of the settings file -> settings class, for every method that has one."""
    found = [method_named(name) for name in names(METHODS)]
    return {m.section: m.config for m in found if m.section is not None}


@cache
def ranked_methods() -> tuple[str, ...]:
    """Names of the installed methods that short tables show, from the simplest to the one to ship.

    A method whose package does not load is left out: a table of results needs no code of it.

    >>> ranked_methods()[0], ranked_methods()[-1]
    ('reference', 'adaptive')
    """
    found = []
    for name in names(METHODS):
        with suppress(InvalidSettings):
            found.append(method_named(name))
    return tuple(method.name for method in ranked(found))


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    return {e.name: e for e in entry_points(group=group)}


def _load(group: str, name: str, kind: str) -> Any:
    found = _found(group)
    if name not in found:
        raise InvalidSettings(f"there is no {kind} {name!r}", hint=nearest(name, list(found)))
    try:
        return found[name].load()
    except (ImportError, AttributeError) as error:
        raise InvalidSettings(
            f"the {kind} {name!r} does not load: {error}",
            hint=f"repair or remove the package that provides {found[name].value}",
        ) from error
