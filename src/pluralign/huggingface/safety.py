"""Refuse folders of models that would run code, before any library opens them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pluralign.core import DamagedFile, InvalidInput, InvalidSettings, parse_json

_CONFIGS = ("*config*.json", "modules.json")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.joblib")
_WEIGHTS = ("model*.safetensors", "adapter_model*.safetensors")
_OTHER_PROGRAMS = {"onnx", "openvino", "original", "coreml"}
"""Folders in a download for programs other than torch; they are not read."""
_CLASSES = {"type", "types", "tokenizer_class", "activation_function", "activation_fn"}
_DOTTED = re.compile(r"[\w-]+(?:\.\w+)+|.*--.*", re.S)
_KNOWN = re.compile(r"(?:sentence_transformers|torch\.nn)(?:\.\w+)+")
_CODE = "it would run code of its own"


def refuse_pickles(folder: Path, *, parts: bool = False) -> None:
    """Refuse weights that run code when they are read.

    Args:
        folder: The folder of a model.
        parts: Whether folders in it contain parts of the model, as with sentence-transformers.

    Raises:
        InvalidInput: If a folder of it has pickled weights, but no weights in safetensors.
    """
    for path in _matching(folder, _PICKLES, parts):
        inside = set(path.relative_to(folder).parts)
        is_read = path.name != "training_args.bin" and not _OTHER_PROGRAMS & inside
        if is_read and not _matching(path.parent, _WEIGHTS):
            raise InvalidInput(
                "the weights are pickled, which can run code when they are read",
                where=str(path),
                hint="use a model that offers safetensors, or convert it where you trust it",
            )


def refuse_damaged_weights(folder: Path, *, parts: bool = False) -> None:
    """Refuse safetensors that are truncated or another format; only their headers are read.

    Args:
        folder: The folder of a model.
        parts: As for `refuse_pickles`.

    Raises:
        DamagedFile: If a file of weights is damaged; the error names it.
    """
    from safetensors import SafetensorError, safe_open

    for path in sorted(_matching(folder, _WEIGHTS, parts)):
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
    """Refuse a model whose settings name code: its own, of other packages, or compiled on the hub.

    Args:
        folder: The folder of the model.
        hint: The next step for the user.

    Raises:
        InvalidSettings: If a configuration file names code; the error names the file.
        DamagedFile: If a configuration file cannot be read.
    """
    for path in sorted(_matching(folder, _CONFIGS, parts=True)):
        for key, value in _values(_read(path)):
            why = _names_code(key, value)
            if why:
                raise InvalidSettings(
                    f"{_CODE}: {key} = {value!r:.80} {why}, which was not run",
                    where=str(path),
                    hint=hint,
                )


def refuse_modules_elsewhere(folder: Path) -> None:
    """Refuse a sentence-transformers model with a part outside its folder, or with an adapter.

    Raises:
        InvalidSettings: If it has such a part.
    """
    home = folder.resolve()
    for name, where in _parts(folder):
        part = (where.parent / name.replace("\0", "")).resolve()
        inside = part == home or home in part.parents
        if not inside or _OTHER_PROGRAMS & set(part.relative_to(home).parts):
            raise InvalidSettings(
                f"its part {name!r:.80} is outside of its folder", where=str(where)
            )
    for path in folder.rglob("adapter_config.json"):
        raise InvalidSettings(
            "the encoder is an adapter, which opens another model",
            where=str(path),
            hint="merge it into its model",
        )


def _parts(folder: Path) -> Iterator[tuple[str, Path]]:
    """Paths of a model's parts, each with the file that names it: modules, a router's choices."""
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
    if key in _CLASSES and isinstance(value, str) and _is_foreign_class(value):
        return "is a class of another package"
    return ""


def _is_foreign_class(name: str) -> bool:
    return _DOTTED.fullmatch(name) is not None and _KNOWN.fullmatch(name) is None


def _values(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting at any depth, with its key; entries of ``types`` have the key ``types``."""
    stack = [(key, value)]
    while stack:
        key, value = stack.pop()
        yield key, value
        if isinstance(value, Mapping):
            stack += [("types" if key == "types" else str(k), v) for k, v in value.items()]
        elif isinstance(value, list):
            stack += [(key, v) for v in value]


def _matching(folder: Path, patterns: Sequence[str], parts: bool = False) -> set[Path]:
    """Files of a folder, or also of the folders in it, that match a pattern."""
    found: set[Path] = set()
    for pattern in patterns:
        found.update(folder.rglob(pattern) if parts else folder.glob(pattern))
    return found


def _read(path: Path) -> Any:
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedFile(
            f"not JSON: {error}", where=str(path), hint="fetch the model again"
        ) from error
