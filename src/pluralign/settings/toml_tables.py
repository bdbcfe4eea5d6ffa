"""Tables of settings: copy, override, locate and list them."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel

from pluralign.core import InvalidSettings, masked, parse_toml, without_secrets

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_MOST_LEVELS = 20


def _folder_name(name: str) -> str:
    if not re.fullmatch(r"[^/\\\x00-\x1f\x7f]{1,100}", name) or not name.strip(". "):
        raise ValueError("must name a folder: 1 to 100 characters, no slash, not only dots")
    return name


FolderName = Annotated[str, AfterValidator(_folder_name)]
"""The name of a run and of its folder, without parts of a path."""


def _variable_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("must be the name of an environment variable, not the key itself")
    return name


VariableName = Annotated[str, AfterValidator(_variable_name)]
"""The name of an environment variable."""


def override(tables: dict[str, Any], text: str) -> str:
    """Set one value as ``--set key.key=value`` does, and return its key.

    The value is TOML, or else text.
    """
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise InvalidSettings(
            f"must be KEY=VALUE, got {masked(text)!r}",
            where="--set",
            hint="write --set KEY=VALUE, as in --set scpo.tau=0.6",
        )
    *path, last = key.strip().split(".")
    if len(path) > _MOST_LEVELS:
        raise InvalidSettings(
            f"must name at most {_MOST_LEVELS} tables, got {len(path)}", where=f"--set {key:.40}..."
        )
    table: Any = tables
    for part in path:
        if isinstance(table, list):
            is_index = re.fullmatch(r"[0-9]{1,6}", part) and int(part) < len(table)
            table = table[int(part)] if is_index else None
        else:
            table = table.setdefault(part, {})
        if not isinstance(table, dict | list):
            raise InvalidSettings(f"{part!r} is not a table", where=f"--set {key}")
    if isinstance(table, list):
        raise InvalidSettings(
            f"{'.'.join(path)!r} is a list",
            where=f"--set {key}",
            hint="name an entry, as in pairs.0.path",
        )
    try:
        table[last] = parse_toml(f"value = {value}")["value"]
    except ValueError:
        table[last] = value
    return key.strip()


def overridden(
    raw: Mapping[str, Any], where: str, overrides: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """A copy of tables after every ``--set``, and dotted key -> the origin of its value.

    Args:
        raw: The tables, which stay as they are.
        where: Name of the tables: the origin of the values that nothing overrides.
        overrides: ``key.key=value``, as for `override`.

    >>> overridden({"scpo": {"tau": 1.1}}, "mine.toml", ["seed=3"])
    ({'scpo': {'tau': 1.1}, 'seed': 3}, {'scpo.tau': 'mine.toml', 'seed': '--set'})
    """
    tables: dict[str, Any] = copied(raw)
    origin = dict.fromkeys(dotted(tables), where)
    for text in overrides:
        origin[override(tables, text)] = "--set"
    return tables, origin


def located(tables: dict[str, Any], base: Path) -> dict[str, Any]:
    """Make the paths in our own tables absolute.

    The name of an encoder or a model is a path if there is such a folder.
    """
    split, reference, trunk = tables.get("split"), tables.get("reference"), tables.get("trunk")
    if isinstance(tables.get("privacy"), dict):
        tables["privacy"] = located_ledger(tables["privacy"], base, "privacy")
    for key in ("encoder", "model"):
        name = trunk.get(key) if isinstance(trunk, dict) else None
        if isinstance(trunk, dict) and isinstance(name, str) and (base / name).is_dir():
            trunk = tables["trunk"] = trunk | {key: str((base / name).resolve())}
    if isinstance(split, dict) and split.get("by") == "files":
        named = [key for key in ("train", "test") if isinstance(split.get(key), str)]
        tables["split"] = split | {k: absolute(split[k], base, f"split.{k}") for k in named}
    if isinstance(reference, dict) and isinstance(reference.get("model"), str):
        model = absolute(reference["model"], base, "reference.model")
        tables["reference"] = reference | {"model": model}
    return tables


def located_ledger(privacy: Mapping[str, Any], base: Path, where: str) -> dict[str, Any]:
    """A table ``privacy`` with an absolute path of its ledger."""
    if "ledger" not in privacy:
        return dict(privacy)
    return {**privacy, "ledger": absolute(privacy["ledger"], base, f"{where}.ledger")}


def absolute(value: Any, base: Path, where: str) -> Any:
    """A path with its variables filled in, relative to ``base``; any other value is unchanged."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        raise InvalidSettings(
            "must be a path, got an empty text",
            where=where,
            hint="name a file or folder; leave the setting out to have its default",
        )

    def variable(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise InvalidSettings(
                f"the environment variable {name} is not set",
                where=where,
                hint=f"export {name}=...",
            )
        return os.environ[name]

    filled = _VARIABLE.sub(variable, value)
    try:
        return (base / Path(filled).expanduser()).resolve()
    # Reasons are a NUL character, an unknown user as in ~nobody, and links in a circle.
    except (ValueError, RuntimeError, OSError) as error:
        raise InvalidSettings(
            f"must be a path, got {filled!r:.200}: {error}", where=where
        ) from error


def is_path(hint: Any) -> bool:
    """Whether a type hint is a path, perhaps optional."""
    return hint is Path or Path in getattr(hint, "__args__", ())


def copied(value: Any) -> Any:
    """A copy whose tables and lists can be changed."""
    if isinstance(value, Mapping):
        return {k: copied(v) for k, v in value.items()}
    return [copied(v) for v in value] if isinstance(value, list) else value


def dotted(tables: Mapping[str, Any], head: str = "") -> list[str]:
    """The dotted keys of all values; the tables of a list are numbered."""
    keys: list[str] = []
    for key, value in tables.items():
        inner = value
        if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            inner = {str(i): item for i, item in enumerate(value)}
        keys += dotted(inner, f"{head}{key}.") if isinstance(inner, Mapping) else [f"{head}{key}"]
    return keys


def flat(tables: Mapping[str, Any], head: str = "") -> list[tuple[str, str]]:
    """Dotted keys and values, as text."""
    lines: list[tuple[str, str]] = []
    for key, value in tables.items():
        if isinstance(value, Mapping):
            lines += flat(value, f"{head}{key}.")
        else:
            lines.append((f"{head}{key}", str(value)))
    return lines


def shown(settings: BaseModel, **which: Any) -> dict[str, Any]:
    """Settings as JSON without secrets, for records, explanations and fingerprints.

    Args:
        settings: The settings.
        which: ``include`` or ``exclude``, as for ``model_dump``.
    """
    return dict(without_secrets(settings.model_dump(mode="json", **which)))


def shown_fields(source: Any) -> list[tuple[str, str]]:
    """The settings of a source, as text and without secrets."""
    values = {f.name: str(getattr(source, f.name)) for f in fields(source)}
    return [(name, str(without_secrets(value, name))) for name, value in values.items()]


def origin_of(key: str, origin: Mapping[str, str]) -> str:
    """The origin of the value of a dotted key."""
    plain = re.sub(r"^pairs\.0\.", "pairs.", key)
    if key in origin or plain in origin:
        return origin.get(key) or origin[plain]
    return origin["pairs"] if key.startswith("pairs.") and "pairs" in origin else "default"
