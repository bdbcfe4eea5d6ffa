"""Folders of models that would run code: refused before any library opens them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pluralign.core import DamagedFile, InvalidInput, InvalidSettings, parse_json

_CONFIGS = ("*config*.json", "modules.json")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.joblib")
_WEIGHTS = ("model*.safetensors", "adapter_model*.safetensors")
_OTHER_PROGRAMS = {"onnx", "openvino", "original", "coreml"}
"""Folders that a download may hold for programs other than torch; nothing in them is read."""
_CLASSES = {"type", "types", "tokenizer_class", "activation_function", "activation_fn"}
_DOTTED = re.compile(r"[\w-]+(?:\.\w+)+|.*--.*", re.S)
_KNOWN = re.compile(r"(?:sentence_transformers|torch\.nn)(?:\.\w+)+")
_CODE = "it would run code of its own"


def refuse_pickles(folder: Path, *, parts: bool = False) -> None:
    """Refuse weights that run code when they are read.

    Args:
        folder: The folder of a model.
        parts: Whether folders in it hold parts of the model, as with sentence-transformers.

    Raises:
        InvalidInput: If a folder of it has pickled weights, and no weights in safetensors beside
            them.
    """
    for path in (
        p
        for pattern in _PICKLES
        for p in (folder.rglob(pattern) if parts else folder.glob(pattern))
    ):
        unread = path.name == "training_args.bin" or _OTHER_PROGRAMS & set(
            path.relative_to(folder).parts
        )
        if not unread and not any(w for pattern in _WEIGHTS for w in path.parent.glob(pattern)):
            raise InvalidInput(
                "the weights are pickled, which can run code when they are read",
                where=str(path),
                hint="use a model that offers safetensors, or convert it where you trust it",
            )


def refuse_damaged_weights(folder: Path, *, parts: bool = False) -> None:
    """Refuse safetensors that are truncated, or something else; only their headers are read.

    Args:
        folder: The folder of a model.
        parts: As `refuse_pickles` takes it.

    Raises:
        DamagedFile: If a file of weights is; it is named.
    """
    from safetensors import SafetensorError, safe_open

    for path in sorted(p for x in _WEIGHTS for p in (folder.rglob(x) if parts else folder.glob(x))):
        try:
            with safe_open(path, framework="numpy"):
                pass
        except SafetensorError as error:
            raise DamagedFile(
                f"the weights are truncated or altered ({error})",
                where=str(path),
                hint="fetch or install the model again",
            ) from error


def refuse_code(folder: Path, hint: str = "use a model of the standard classes only") -> None:
    """Refuse a model whose settings name code: of its own, of other packages, or compiled and fetched from the hub.

    Args:
        folder: Where it lies.
        hint: What the user can do.

    Raises:
        InvalidSettings: If any of its configuration files does; the file is named.
        DamagedFile: If one of them cannot be read.
    """
    for path in sorted({p for pattern in _CONFIGS for p in folder.rglob(pattern)}):
        for key, value in _values(_read(path)):
            why = _names_code(key, value)
            if why:
                raise InvalidSettings(
                    f"{_CODE}: {key} = {value!r:.80} {why}, which was not run",
                    where=str(path),
                    hint=hint,
                )


def refuse_modules_elsewhere(folder: Path) -> None:
    """Refuse a sentence-transformers model with a part outside its folder, or one that rests on another model.

    Raises:
        InvalidSettings: If it has such a part.
    """
    home = folder.resolve()
    for name, where in _parts(folder):
        part = (where.parent / name.replace("\0", "")).resolve()
        inside = part == home or home in part.parents
        if not inside or _OTHER_PROGRAMS & set(part.relative_to(home).parts):
            raise InvalidSettings(
                f"its part {name!r:.80} lies outside its folder", where=str(where)
            )
    for path in folder.rglob("adapter_config.json"):
        raise InvalidSettings(
            "the encoder is an adapter, which opens another model",
            where=str(path),
            hint="merge it into its model",
        )


def _parts(folder: Path) -> Iterator[tuple[str, Path]]:
    """Where the parts of a model lie, and the file that says so: its modules, and those that a router chooses from."""
    for path in folder.rglob("modules.json"):
        listed = _read(path)
        for module in listed if isinstance(listed, list) else []:
            if isinstance(module, Mapping):
                yield str(module.get("path", "")), path
    for path in folder.rglob("*config.json"):
        settings = _read(path)
        types = settings.get("types") if isinstance(settings, Mapping) else None
        for name in types if isinstance(types, Mapping) else ():
            yield str(name), path


def _names_code(key: str, value: Any) -> str:
    """Why a setting names code; empty where it does not."""
    if key == "auto_map" and value:
        return "brings code with the model"
    if key == "trust_remote_code" and value:
        return "allows code that comes with a model"
    if key == "megatron_config" and value:
        return "imports another package"
    if key.endswith("_implementation") and isinstance(value, str) and "/" in value:
        return "fetches compiled code from the hub"
    if (
        key in _CLASSES
        and isinstance(value, str)
        and _DOTTED.fullmatch(value)
        and not _KNOWN.fullmatch(value)
    ):
        return "is a class of another package"
    return ""


def _values(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting at any depth, with its key; what lies in ``types`` counts as a type."""
    stack = [(key, value)]
    while stack:
        key, value = stack.pop()
        yield key, value
        if isinstance(value, Mapping):
            stack += [("types" if key == "types" else str(k), v) for k, v in value.items()]
        elif isinstance(value, list):
            stack += [(key, v) for v in value]


def _read(path: Path) -> Any:
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedFile(
            f"not JSON: {error}", where=str(path), hint="fetch the model again"
        ) from error
