"""Which models may be opened because somebody else's file names them: those that the user has named too.

A card, or an adapter's settings, may name any folder or any model on the hub. One that the user of
this account has named, in settings or with ``--trust-encoder``, is opened; any other is asked about
first. What was named in settings is remembered in the cache folder, never in the folder of a model,
which may come from anywhere.
"""

import json
import os
from pathlib import Path

from pluralign.core import InvalidSettings, parse_json, printable, whole_file
from pluralign.huggingface.folders import cache_folder

PACKAGED = frozenset({"hash", "minilm", "static"})
TRUSTED, TRUSTED_CODE = "PLURALIGN_TRUST_ENCODER", "PLURALIGN_TRUST_CODE"
"""Environment variables: names of models, commas between them; and 1 to run the code that comes with them."""
_FILE = "trusted_models.json"


def remember(name: str, code: bool = False) -> None:
    """Remember that the user has named a model, and whether its code may run; where nothing can be written, not."""
    known = _remembered()
    place = _placed(name)
    if place in PACKAGED or (known.get(place, False) >= code and place in known):
        return
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with whole_file(cache_folder() / _FILE) as partial:
            partial.write_text(json.dumps(known | {place: code}, indent=1), encoding="utf-8")
    except OSError:
        return


def require_trust(name: str, where: str, given: str | None = None) -> None:
    """Refuse a model that a file names and the user has not.

    Args:
        name: A folder, or a name on the hub.
        where: The file or folder that names it.
        given: What the user has named for this once.

    Raises:
        InvalidSettings: If the user has not named it; the message says how to.
    """
    place = _placed(name)
    named = {
        _placed(text.strip())
        for text in (given or "", *os.environ.get(TRUSTED, "").split(","))
        if text.strip()
    }
    if place in PACKAGED or place in named or place in _remembered():
        return
    raise InvalidSettings(
        f"it names the model {printable(name)!r}, which was not opened: nobody on this account has "
        "named it before",
        where=where,
        hint=f"if you trust it, add --trust-encoder {printable(name)!r}, or set {TRUSTED}",
    )


def is_code_trusted(name: str) -> bool:
    """Whether the user has allowed the code that comes with a model to run."""
    return _remembered().get(_placed(name), False) or os.environ.get(TRUSTED_CODE) == "1"


def _placed(name: str) -> str:
    """A name as it is remembered: without ``static:``, and a folder by its absolute path."""
    name = name.removeprefix("static:")
    try:
        return str(Path(name).resolve()) if name not in PACKAGED and Path(name).is_dir() else name
    except (OSError, ValueError):
        return name


def _remembered() -> dict[str, bool]:
    try:
        known = parse_json((cache_folder() / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {k: v is True for k, v in known.items()} if isinstance(known, dict) else {}
