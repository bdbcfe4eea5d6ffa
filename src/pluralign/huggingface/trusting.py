"""Open a model that another file names only if the user has named it, too.

A card, or an adapter's settings, may name any folder or any model on the hub. A model that the user
of this account has named, in settings or with ``--trust-encoder``, is opened; any other is refused
first. Names from settings are remembered in the cache folder, never in the folder of a model, whose
origin is unknown.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from pluralign.core import InvalidSettings, parse_json, printable, whole_file
from pluralign.huggingface.model_folders import cache_folder

PACKAGED = frozenset({"hash", "minilm", "minilm-onnx", "static"})
TRUSTED, TRUSTED_CODE = "PLURALIGN_TRUST_ENCODER", "PLURALIGN_TRUST_CODE"
"""Environment variables: names of models, separated by commas; and 1 to run their code."""
_FILE = "trusted_models.json"
_SECONDS = 10.0


def remember(name: str, code: bool = False) -> None:
    """Remember that the user has named a model, and whether its code may run.

    Processes that remember at the same time write one after the other. Nothing is remembered if the
    cache folder cannot be written to.
    """
    key = _key(name)
    if key in PACKAGED or _is_known(key, code):
        return
    path = cache_folder() / _FILE
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{_FILE}.lock"), timeout=_SECONDS):
            if not _is_known(key, code):
                with whole_file(path) as partial:
                    known = _remembered() | {key: code}
                    partial.write_text(json.dumps(known, indent=1), encoding="utf-8", newline="\n")


def require_trust(name: str, where: str, given: str | None = None) -> None:
    """Refuse a model that a file names, but the user has not named.

    Args:
        name: A folder, or a name on the hub.
        where: The file or folder that names it.
        given: A model that the user has named for this call only.

    Raises:
        InvalidSettings: If the user has not named it; the hint shows how to do so.
    """
    key = _key(name)
    texts = [given or "", *os.environ.get(TRUSTED, "").split(",")]
    named = {_key(text.strip()) for text in texts if text.strip()}
    if key in PACKAGED or key in named or key in _remembered():
        return
    raise InvalidSettings(
        f"it names the model {printable(name)!r}, which was not opened: nobody on this account has "
        "named it before",
        where=where,
        hint=f"if you trust it, add --trust-encoder {printable(name)!r}, or set {TRUSTED}",
    )


def is_code_trusted(name: str) -> bool:
    """Whether the user has allowed the code that comes with a model to run."""
    return _remembered().get(_key(name), False) or os.environ.get(TRUSTED_CODE) == "1"


def _key(name: str) -> str:
    """The form of a name that is remembered: without ``static:``, a folder as its absolute path."""
    name = name.removeprefix("static:")
    try:
        if name not in PACKAGED and Path(name).is_dir():
            return str(Path(name).resolve())
    except (OSError, ValueError):  # the name cannot be a path
        pass
    return name


def _is_known(key: str, code: bool) -> bool:
    known = _remembered()
    return key in known and known[key] >= code


def _remembered() -> dict[str, bool]:
    try:
        known = parse_json((cache_folder() / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {k: v is True for k, v in known.items()} if isinstance(known, dict) else {}
