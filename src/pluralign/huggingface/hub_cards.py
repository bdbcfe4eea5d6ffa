"""Parts that every model card for the hub has: front matter, names, texts of others."""

import re
from pathlib import Path
from typing import Any

from pluralign.core import MissingExtra

README = "README.md"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def yaml_of(value: Any) -> str:
    """Plain data as YAML: keys in their order, a line each, text unescaped.

    Raises:
        MissingExtra: If PyYAML is not installed.

    >>> print(yaml_of({"license": "apache-2.0", "tags": ["reward-model"]}), end="")
    license: apache-2.0
    tags:
    - reward-model
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingExtra.named("hub", "yaml") from error
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000))


def hub_name(name: str) -> str | None:
    """A model's name if it is one on the hub, and no folder on this machine.

    >>> hub_name("Qwen/Qwen3-8B"), hub_name("models/mine/v1")
    ('Qwen/Qwen3-8B', None)
    """
    return name if _HUB_NAME.fullmatch(name) and not Path(name).exists() else None


def one_line(text: object) -> str:
    """Text of others on one line, that neither ends the line nor opens a tag.

    >>> one_line("a  b <c>")
    'a b &lt;c>'
    """
    return " ".join(str(text).split()).replace("<", "&lt;").replace("`", "'")


def in_cell(text: object) -> str:
    """Text of others in a cell of a table: it does not end the cell."""
    return one_line(text).replace("|", "\\|")


def license_of(model: str) -> str | None:
    """The licence in the README of a model, in its folder or in the hub's cache; no network.

    Args:
        model: Folder or hub name.
    """
    readme: Any = Path(model) / README
    if not readme.is_file():
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(model, README) if hub_name(model) else None
        if not isinstance(cached, str):
            return None
        readme = Path(cached)
    return _license_in(readme.read_text(encoding="utf-8", errors="replace"))


def _license_in(text: str) -> str | None:
    """The licence in the front matter of a README."""
    import yaml

    head, _, rest = text.partition("---\n")
    if head.strip() or not rest:
        return None
    try:
        front = yaml.safe_load(rest.partition("\n---")[0])
    except yaml.YAMLError:
        return None
    found = front.get("license") if isinstance(front, dict) else None
    return str(found) if isinstance(found, str) else None
