"""Read and check settings files: TOML, keys and values, and the sources that they name."""

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
from pluralign.settings.meanings import tables_in
from pluralign.settings.name_hints import nearest
from pluralign.settings.privacy import SourcePrivacy
from pluralign.settings.registry import SOURCES, names, source_named
from pluralign.settings.toml_tables import absolute, is_path, located_ledger
from pluralign.settings.variants import WRONG_KIND, SettingsVariant

Model = TypeVar("Model", bound=BaseModel)


def read_settings(path: AnyPath) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InvalidSettings: If it is missing or not TOML; the error names the line.
    """
    path = as_path(path)
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return parse_toml(text)
    except FileNotFoundError as error:
        hint = "check the path; `pluralign init` writes a first settings file for data of yours"
        raise InvalidSettings("no such file", where=str(path), hint=hint) from error
    except (IsADirectoryError, PermissionError) as error:
        raise InvalidSettings(
            f"the file cannot be read: {error.strerror}", where=str(path)
        ) from error
    except ValueError as error:
        correct = "correct the file: write text in quotes, and tables as [name]"
        if "\\" in text:
            correct += "; a path with backslashes needs single quotes"
        hint = "save the file as UTF-8" if isinstance(error, UnicodeError) else correct
        raise InvalidSettings(f"not valid TOML: {error}", where=str(path), hint=hint) from error


def settings_at(
    given: AnyPath | Mapping[str, Any], base: AnyPath | None, where: str | None
) -> tuple[Mapping[str, Any], Path, str]:
    """Tables of settings, the folder of their relative paths, and their name in messages.

    Args:
        given: A TOML file, or its tables.
        base: The folder; None for the file's folder, and for tables the working directory.
        where: The name; None for the file's name, and for tables ``settings``.

    Raises:
        InvalidSettings: If the file is missing or not TOML; the error names the line.
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
        InvalidSettings: The first fault; the number of other faults is added.
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
    located = dict(values)
    for key, value in values.items():
        if is_path(hints[key]):
            located[key] = absolute(value, base, f"{where}.{key}")
    try:
        made = TypeAdapter(cls).validate_python(located)
    except ValidationError as error:
        raise _readable(error, f"{where}.", known, obtain=getattr(cls, "obtain", None)) from error
    except PluralignError as error:
        raise InvalidSettings(
            error.what, where=f"{where}: {error.where}" if error.where else where, hint=error.hint
        ) from error
    _check_finite(made, known, where)
    return made


def _check_finite(made: Any, names: Sequence[str], where: str) -> None:
    """Refuse ``nan`` and infinities, as the settings of our own tables do."""
    for name in names:
        value = getattr(made, name)
        for one in value if isinstance(value, tuple | list) else [value]:
            if isinstance(one, float) and not isfinite(one):
                raise InvalidSettings(
                    f"must be a finite number, got {one}", where=f"{where}.{name}"
                )


def source_from(table: Mapping[str, Any], base: Path, where: str) -> Any:
    """Make the source that a table names, with its settings and its privacy.

    Raises:
        InvalidSettings: If no source or an unknown one is named, or a setting of it is wrong.
    """
    values = dict(table)
    privacy = values.pop("privacy", None)
    if "source" not in values:
        raise InvalidSettings(
            "a source must be named",
            where=where,
            hint=f'add source = "...": {", ".join(names(SOURCES))}',
        )
    try:
        cls = source_named(str(values.pop("source")))
    except InvalidSettings as error:
        raise InvalidSettings(error.what, where=f"{where}.source", hint=error.hint) from error
    source = built(cls, values, base, where)
    return source if privacy is None else _made_private(source, privacy, base, f"{where}.privacy")


def _made_private(source: Any, privacy: Any, base: Path, where: str) -> Any:
    if not isinstance(privacy, Mapping):
        raise InvalidSettings(
            f"must be a table, got {type(privacy).__name__}",
            where=where,
            hint="write privacy = {epsilon = 1.0}",
        )
    return validated(SourcePrivacy, located_ledger(privacy, base, where), where).around(source)


def community_ids(labels: Sequence[str], where: str) -> tuple[str, ...]:
    """Ids of the communities that settings name.

    Raises:
        InvalidSettings: If a label names no community, or two labels name the same one; the hint
            has near matches.
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
    """The first fault in words, with its key after ``where`` and the number of other faults."""
    first = error.errors()[0]
    keys, table = _located(first["loc"], model)
    if first["type"] == WRONG_KIND:
        keys.append("kind")
    what, hint = _fault(first, keys, table, known, obtain)
    tables = {e["loc"][0] for e in error.errors() if e["loc"]}
    more = f" (and {error.error_count() - 1} more)" if len(tables) > 1 else ""
    return InvalidSettings(what + more, where=(where + ".".join(keys)).rstrip(".: "), hint=hint)


def _fault(
    first: Any,
    keys: Sequence[str],
    table: type[BaseModel] | None,
    known: Sequence[str],
    obtain: str | None,
) -> tuple[str, str | None]:
    """The fault of one setting, and a hint.

    Args:
        first: An error of pydantic.
        keys: The keys that lead to the setting.
        table: The table with the setting; None for a table that is not ours.
        known: The keys of a table that is not ours.
        obtain: How to obtain a missing value.
    """
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, PluralignError) and first["type"] != "extra_forbidden":
        return cause.what, cause.hint
    given = _given(first["input"], keys)
    match first["type"]:
        case "extra_forbidden":
            return _unknown(keys[-1], table, known)
        case "missing":
            return "this setting is needed", obtain or f"add {keys[-1]} = ..."
        case "tuple_type" | "list_type":
            return f"must be a list, got {given!r:.200}", _as_list(keys, first["input"])
        case "value_error":
            return first["msg"].removeprefix("Value error, "), None
    return f"{first['msg']}, not {given!r:.200}", None


def _unknown(
    key: str, table: type[BaseModel] | None, known: Sequence[str]
) -> tuple[str, str | None]:
    """The fault of an unknown key, with near keys, or with the kind of table that has the key."""
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
    """The keys that lead to a setting, and its table.

    Args:
        location: Pydantic's location, with names of types, and the kind of a table with several
            kinds.
        model: The outermost table.
    """
    types = ("literal", "constrained", "function", "lax", "tuple[", "dict[")
    keys: list[str] = []
    tables: tuple[type[BaseModel], ...] = () if model is None else (model,)
    table = model
    for part in map(str, location):
        if len(tables) > 1:  # the kind of a table with several kinds is not a key
            tables = tuple(t for t in tables if t.model_fields["kind"].default == part)
            continue
        if part.startswith(types):
            continue
        keys.append(part)
        table = tables[0] if tables else None
        field = table.model_fields.get(part) if table is not None else None
        tables = () if field is None else tuple(tables_in(field.annotation))
    return keys, table


def _as_list(keys: Sequence[str], value: Any) -> str | None:
    """The text of a list, for a file and for ``--set``."""
    if not isinstance(value, str):
        return None
    items = ", ".join(f'"{item.strip()}"' for item in value.split(","))
    key = ".".join(keys)
    return f"write {key} as a list: --set '{key}=[{items}]', or in the file [{items}]"


def _given(value: Any, keys: Sequence[str]) -> Any:
    """The value without secrets; extra fields of requests are hidden, since we do not know them."""
    return "***" if "extra_body" in keys else without_secrets(value, keys[-1] if keys else "")
