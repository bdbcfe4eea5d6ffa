"""What every settings file goes through: TOML read, keys and values checked, names of sources turned into objects."""

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
from pluralign.settings.registry import SOURCES, names, source_named
from pluralign.settings.toml_tables import absolute, is_path

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
        InvalidSettings: If a label names none, or two name the same; near matches are told.
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
    """The first thing wrong, in words, its place written behind ``where``; the others are counted."""
    first = error.errors()[0]
    kinds = ("literal", "constrained", "function", "lax", "tuple[")
    place = [str(part) for part in first["loc"] if not str(part).startswith(kinds)]
    cause = first.get("ctx", {}).get("error")
    more = (
        f" (and {error.error_count() - 1} more)"
        if error.error_count() > 1 and len({e["loc"][0] for e in error.errors() if e["loc"]}) > 1
        else ""
    )
    hint = cause.hint if isinstance(cause, PluralignError) else None
    if first["type"] == "extra_forbidden":
        what, hint = "unknown key", nearest(place[-1], _fields_at(model, place[:-1]) or list(known))
    elif first["type"] == "missing":
        what, hint = "this setting is needed", obtain or f"add {place[-1]} = ..."
    elif first["type"] in {"tuple_type", "list_type"}:
        what, hint = (
            f"must be a list, got {_given(first['input'], place)!r:.200}",
            _as_list(place, first["input"]),
        )
    elif isinstance(cause, PluralignError):
        what = cause.what
    else:
        what = first["msg"].removeprefix("Value error, ")
        if first["type"] != "value_error":
            what += f", not {_given(first['input'], place)!r:.200}"
    return InvalidSettings(what + more, where=(where + ".".join(place)).rstrip(".: "), hint=hint)


def _as_list(place: Sequence[str], value: Any) -> str | None:
    """How a list is written, in a file and after ``--set``."""
    if not isinstance(value, str):
        return None
    items = ", ".join(f'"{item.strip()}"' for item in value.split(","))
    return f"write {'.'.join(place)} as a list: --set '{'.'.join(place)}=[{items}]', or in the file [{items}]"


def _given(value: Any, place: Sequence[str]) -> Any:
    """What was given, without secrets; extra fields of requests, whose form is not known, are not shown at all."""
    return "***" if "extra_body" in place else without_secrets(value, place[-1] if place else "")


def _fields_at(model: type[BaseModel] | None, place: Sequence[str]) -> list[str]:
    for part in place:
        found = (
            model.model_fields[part].annotation
            if model is not None and part in model.model_fields
            else None
        )
        model = found if isinstance(found, type) and issubclass(found, BaseModel) else None
    return list(model.model_fields) if model is not None else []
