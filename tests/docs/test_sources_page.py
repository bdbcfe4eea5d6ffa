"""The page of sources names them all, with settings that they have."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from pluralign.settings import SOURCES, names, source_named

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| .* \| `(\w+)` \| (.*) \|$", PAGE, re.M))
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)


def settings_of(source: str) -> set[str]:
    return {field.name for field in fields(source_named(source))}


def test_every_source_is_on_the_page_of_sources() -> None:
    assert set(ROWS) == set(names(SOURCES))


@pytest.mark.parametrize("source", ROWS)
def test_the_settings_named_are_settings_of_the_source(source: str) -> None:
    assert set(re.findall(r"`(\w+)`", ROWS[source])) <= settings_of(source)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_has_settings_of_its_source(example: str) -> None:
    pairs = tomllib.loads(example)["pairs"]
    assert pairs.keys() - {"source"} <= settings_of(pairs["source"])
