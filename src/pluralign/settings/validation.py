"""Settings files: TOML is read, keys and values are checked, names of sources become objects."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from pluralign.core import (
    AnyPath,
    InvalidSettings,
    PluralignError,
    as_path,
    community_hint,
    parse_toml,
    resolve_community,
    without_secrets,
)
from pluralign.settings.hints import nearest
from pluralign.settings.meanings import tables_in
from pluralign.settings.registry import SOURCES, names, source_named
from pluralign.settings.toml_tables import absolute, is_path
from pluralign.settings.variants import WRONG_KIND, SettingsVariant

Model = TypeVar("Model", bound=BaseModel)


def read_settings(path: AnyPath) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InvalidSettings: If it is not there, or not TOML; the line is named.
    """
    path = as_path(path)
    try:
        return parse_toml(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InvalidSettings("no such file", where=str(path)) from error
    except (IsADirectoryError, PermissionError) as error:
        raise InvalidSettings(
            f"the file cannot be read: {error.strerror}", where=str(path)
        ) from error
    except ValueError as error:
        hint = (
            "save the file as UTF-8"
            if isinstance(error, UnicodeError)
            else "mend the file: text in quotes, tables as [name]"
        )
        raise InvalidSettings(f"not valid TOML: {error}", where=str(path), hint=hint) from error


def settings_at(
    given: AnyPath | Mapping[str, Any], base: AnyPath | None, where: str | None
) -> tuple[Mapping[str, Any], Path, str]:
    """Tables of settings, the folder that their paths start from, and their name in messages.

    Args:
        given: A TOML file, or its tables.
        base: The folder; None for that of the file, and for tables the working directory.
        where: The name; None for that of the file, and for tables ``settings``.

    Raises:
        InvalidSettings: If the file is not there, or not TOML; the line is named.
    """
    if isinstance(given, Mapping):
        return given, Path() if base is None else as_path(base), where or "settings"
    path = as_path(given)
    folder = path.parent.resolve() if base is None else as_path(base)
    return read_settings(path), folder, where or path.name


def validated(
    model: type[Model], tables: Mapping[str, Any], where: str, sections: Sequence[str] = ()
) -> Model:
    """Check tables against a model of settings.

    Args:
        model: The model.
        tables: The tables.
        where: Name of the file, for messages.
        sections: Further keys that a file may have, for hints.

    Raises:
        InvalidSettings: The first thing wrong; the others are counted.
    """
    known = list(model.model_fields)
    for key in tables:
        if key not in known:
            raise InvalidSettings(
                "unknown key", where=f"{where}: {key}", hint=nearest(key, [*known, *sections])
            )
    try:
        return model.model_validate(dict(tables))
    except ValidationError as error:
        raise _readable(error, f"{where}: ", [], model) from error


def built(cls: type[Any], values: Mapping[str, Any], base: Path, where: str) -> Any:
    """Make a dataclass of settings, such as a source, from a table.

    Raises:
        InvalidSettings: If a key is unknown or missing, or a value does not fit.
    """
    known = [f.name for f in fields(cls)] if is_dataclass(cls) else []
    for key in values:
        if key not in known:
            raise InvalidSettings("unknown key", where=f"{where}.{key}", hint=nearest(key, known))
    hints = get_type_hints(cls)
    placed = {
        k: absolute(v, base, f"{where}.{k}") if is_path(hints[k]) else v for k, v in values.items()
    }
    try:
        made = TypeAdapter(cls).validate_python(placed)
    except ValidationError as error:
        raise _readable(error, f"{where}.", known, obtain=getattr(cls, "obtain", None)) from error
    except PluralignError as error:
        raise InvalidSettings(
            error.what, where=f"{where}: {error.where}" if error.where else where, hint=error.hint
        ) from error
    _hold_finite(made, known, where)
    return made


def _hold_finite(made: Any, names: Sequence[str], where: str) -> None:
    """Refuse ``nan`` and infinities, as the settings of our own tables do."""
    for name in names:
        value = getattr(made, name)
        for one in value if isinstance(value, tuple | list) else [value]:
            if isinstance(one, float) and not isfinite(one):
                raise InvalidSettings(
                    f"must be a finite number, got {one}", where=f"{where}.{name}"
                )


def source_from(table: Mapping[str, Any], base: Path, where: str) -> Any:
    """The source that a table names, with its settings.

    Raises:
        InvalidSettings: If none is named or known, or a setting of it does not fit.
    """
    values = dict(table)
    if "source" not in values:
        raise InvalidSettings(
            "no source is named",
            where=where,
            hint=f'add source = "...": {", ".join(names(SOURCES))}',
        )
    try:
        cls = source_named(str(values.pop("source")))
    except InvalidSettings as error:
        raise InvalidSettings(error.what, where=f"{where}.source", hint=error.hint) from error
    return built(cls, values, base, where)


def community_ids(labels: Sequence[str], where: str) -> tuple[str, ...]:
    """Ids of the communities that settings name.

    Raises:
        InvalidSettings: If a label names none, or two name the same; near matches are named.
    """
    ids = tuple(_id(label, where) for label in labels)
    twice = [id_ for id_ in dict.fromkeys(ids) if ids.count(id_) > 1]
    if twice:
        raise InvalidSettings(
            f"{twice[0]!r} is named twice", where=where, hint="name each community once"
        )
    return ids


def _id(label: str, where: str) -> str:
    found = resolve_community(label)
    if found is None:
        import pycountry

        hint = community_hint(label, [c.alpha_3 for c in pycountry.countries])
        raise InvalidSettings(
            f"no community is known as {label!r}",
            where=where,
            hint=hint or "write MEX, MEX/oaxaca or ~yoruba",
        )
    return found.id


def _readable(
    error: ValidationError,
    where: str,
    known: Sequence[str],
    model: type[BaseModel] | None = None,
    obtain: str | None = None,
) -> InvalidSettings:
    """The first fault in words, its place written after ``where``; the others are counted."""
    first = error.errors()[0]
    place, table = _located(first["loc"], model)
    if first["type"] == WRONG_KIND:
        place.append("kind")
    what, hint = _fault(first, place, table, known, obtain)
    tables = {e["loc"][0] for e in error.errors() if e["loc"]}
    more = f" (and {error.error_count() - 1} more)" if len(tables) > 1 else ""
    return InvalidSettings(what + more, where=(where + ".".join(place)).rstrip(".: "), hint=hint)


def _fault(
    first: Any,
    place: Sequence[str],
    table: type[BaseModel] | None,
    known: Sequence[str],
    obtain: str | None,
) -> tuple[str, str | None]:
    """The fault of one setting, and how to mend it.

    Args:
        first: An error of pydantic.
        place: The keys that lead to the setting.
        table: The table in which it lies; None where it is not one of ours.
        known: The keys of a table that is not one of ours.
        obtain: How to obtain what is missing.
    """
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, PluralignError) and first["type"] != "extra_forbidden":
        return cause.what, cause.hint
    given = _given(first["input"], place)
    match first["type"]:
        case "extra_forbidden":
            return _unknown(place[-1], table, known)
        case "missing":
            return "this setting is needed", obtain or f"add {place[-1]} = ..."
        case "tuple_type" | "list_type":
            return f"must be a list, got {given!r:.200}", _as_list(place, first["input"])
        case "value_error":
            return first["msg"].removeprefix("Value error, "), None
    return f"{first['msg']}, not {given!r:.200}", None


def _unknown(
    key: str, table: type[BaseModel] | None, known: Sequence[str]
) -> tuple[str, str | None]:
    """An unknown key: near ones are named; a key of another kind of the table, with that kind."""
    if table is not None and issubclass(table, SettingsVariant):
        own = table.model_fields["kind"].default
        for kind, other in table.family().items():
            if key in other.model_fields:
                return f'{key} belongs to kind = "{kind}", and kind is "{own}"', None
    fields = known if table is None else list(table.model_fields)
    return "unknown key", nearest(key, fields)


def _located(
    location: Sequence[int | str], model: type[BaseModel] | None
) -> tuple[list[str], type[BaseModel] | None]:
    """The keys that lead to a setting, and the table in which it lies.

    Args:
        location: As pydantic has it: with the names of types, and the kind of a table that has
            several.
        model: The outermost table.
    """
    types = ("literal", "constrained", "function", "lax", "tuple[")
    place: list[str] = []
    tables: tuple[type[BaseModel], ...] = () if model is None else (model,)
    table = model
    for part in map(str, location):
        if len(tables) > 1:  # the kind of a table that has several is no key
            tables = tuple(t for t in tables if t.model_fields["kind"].default == part)
            continue
        if part.startswith(types):
            continue
        place.append(part)
        table = tables[0] if tables else None
        field = table.model_fields.get(part) if table is not None else None
        tables = () if field is None else tuple(tables_in(field.annotation))
    return place, table


def _as_list(place: Sequence[str], value: Any) -> str | None:
    """How a list is written, in a file and after ``--set``."""
    if not isinstance(value, str):
        return None
    items = ", ".join(f'"{item.strip()}"' for item in value.split(","))
    key = ".".join(place)
    return f"write {key} as a list: --set '{key}=[{items}]', or in the file [{items}]"


def _given(value: Any, place: Sequence[str]) -> Any:
    """The value given, without secrets; extra fields of requests are not shown at all."""
    return "***" if "extra_body" in place else without_secrets(value, place[-1] if place else "")
