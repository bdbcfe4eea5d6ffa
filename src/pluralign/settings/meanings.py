"""Meaning, allowed values and unit of a setting, read from its definition."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from pluralign.settings.variants import SettingsVariant

_BOUNDS = (
    ("minimum", ">= "),
    ("exclusiveMinimum", "> "),
    ("maximum", "<= "),
    ("exclusiveMaximum", "< "),
)
_PLURALS = {"text": "texts", "path": "paths", "number": "numbers", "whole number": "whole numbers"}


class Meaning:
    """The meaning of one setting.

    Attributes:
        description: The setting in sentences.
        values: The values that it allows, where they can be listed.
        allowed: The values that it allows, in words.
        unit: Unit of its number; empty where there is none.
    """

    def __init__(self, description: str, schema: Mapping[str, Any]) -> None:
        """Read the meaning.

        Args:
            description: The setting in sentences.
            schema: JSON schema of its type.
        """
        self.description = " ".join(description.replace("``", "`").split())
        self.values = tuple(_listed(schema))
        self.allowed = _in_words(schema)
        self.unit = next(_units(schema), "")


def meanings_of_settings(kind: type[BaseModel], head: str = "") -> Iterator[tuple[str, Meaning]]:
    """Every setting of a model of settings and of the tables in it, by its dotted key.

    Args:
        kind: The model.
        head: Prefix of every key.
    """
    for name, field in kind.model_fields.items():
        tables = list(tables_in(field.annotation))
        for table in tables:
            yield from meanings_of_settings(table, f"{head}{name}.")
        if tables and issubclass(tables[0], SettingsVariant):  # the first describes all kinds
            kinds = [table.model_fields["kind"] for table in tables]
            allowed = {"enum": [kind.default for kind in kinds]}
            yield f"{head}{name}.kind", Meaning(kinds[0].description or "", allowed)
        if not tables:
            yield f"{head}{name}", _meaning_of_field(field)


def meanings_of_class(cls: type[Any]) -> Mapping[str, Meaning]:
    """Every field of a dataclass of settings, such as a source or a method's, by its name."""
    if not is_dataclass(cls):
        return {}
    hints = get_type_hints(cls, include_extras=True)
    described = _attributes(cls)
    return {f.name: Meaning(described.get(f.name, ""), _schema(hints[f.name])) for f in fields(cls)}


def tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models of settings in a type hint: itself, or the members of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from tables_in(part)


def _meaning_of_field(field: FieldInfo) -> Meaning:
    hint: Any = field.annotation
    if field.metadata:
        hint = Annotated[hint, *field.metadata]
    return Meaning(field.description or "", _schema(hint))


def _schema(hint: Any) -> Mapping[str, Any]:
    try:
        return TypeAdapter(hint).json_schema()
    except Exception:  # a type of a plug-in without a schema: the setting is explained without one
        return {}


def _attributes(cls: type[Any]) -> dict[str, str]:
    """The descriptions under ``Attributes:`` in the docstrings of a class and of its bases."""
    described: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        section = ((base.__doc__ and inspect.cleandoc(base.__doc__)) or "").partition(
            "Attributes:\n"
        )
        text = re.split(r"\n(?=\S)", section[2])[0]
        entries = re.split(r"\n(?= {4}\w+:)", f"\n{text}")
        for entry in entries:
            name, colon, words = entry.strip().partition(":")
            if colon:
                described[name] = " ".join(words.split())
    return described


def _listed(schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield from map(str, schema["enum"])
    elif "const" in schema:
        yield str(schema["const"])
    elif schema.get("type") == "boolean":
        yield from ("true", "false")
    for part in schema.get("anyOf", ()):
        yield from _listed(part)


def _in_words(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        parts = [_in_words(part) for part in schema["anyOf"] if part.get("type") != "null"]
        return " | ".join(dict.fromkeys(part for part in parts if part))
    if values := list(_listed(schema)):
        return " | ".join(values)
    kind = schema.get("type", "")
    if kind == "array":
        return _list_in_words(schema.get("items"))
    if kind in ("integer", "number"):
        return _number_in_words("whole number" if kind == "integer" else "number", schema)
    if kind == "string" and schema.get("format") == "path":
        return "path"
    return {"string": "text", "object": "table"}.get(kind, "")


def _list_in_words(items: Any) -> str:
    of = _in_words(items) if isinstance(items, Mapping) else ""
    return f"list of {_PLURALS.get(of, of) or 'values'}"


def _number_in_words(word: str, schema: Mapping[str, Any]) -> str:
    bounds = [f"{sign}{schema[key]:g}" for key, sign in _BOUNDS if key in schema]
    return f"{word} {' and '.join(bounds)}".strip()


def _units(schema: Mapping[str, Any]) -> Iterator[str]:
    if "unit" in schema:
        yield str(schema["unit"])
    items = schema.get("items")
    for part in [*schema.get("anyOf", ()), *([items] if isinstance(items, Mapping) else [])]:
        yield from _units(part)
