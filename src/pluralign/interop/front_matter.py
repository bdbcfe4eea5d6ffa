"""YAML in the hub's form."""

from typing import Any

from pluralign.core import MissingExtra


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
