"""``--explain`` gives every setting its value, origin, meaning, allowed values and unit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Call = Callable[..., Result]
OnScreen = Callable[..., str]

SURVEY = """
strategies = ["culture_unaware"]
[survey]
source = "society_survey"
[model]
kind = "simulated"
"""
PLURALISE = """
[survey]
source = "society_survey"
[model]
name = "somewhere/a-model"
"""


@pytest.fixture(params=["run", "survey run", "pluralise", "audit"])
def command(request: pytest.FixtureRequest, config: Path, tmp_path: Path) -> list[Any]:
    """The words of a command that explains its settings."""
    if request.param == "run":
        return ["run", config, "--explain"]
    if request.param == "audit":
        return ["audit", "--explain"]
    path = tmp_path / "settings.toml"
    path.write_text(SURVEY if request.param == "survey run" else PLURALISE)
    return [*request.param.split(), path, "--explain"]


def test_every_setting_is_explained_with_its_meaning(call: Call, command: list[Any]) -> None:
    found = json.loads(call(*command, "--json").stdout)
    assert len(found) > 20
    for line in found:
        assert set(line) == {"key", "value", "from", "description", "allowed", "unit"}
        assert line["description"], line["key"]


def test_the_explanation_fits_a_screen_and_a_pipe_has_a_line_for_each_setting(
    call: Call, on_screen: OnScreen, command: list[Any]
) -> None:
    found = json.loads(call(*command, "--json").stdout)
    assert max(map(len, on_screen(*command).splitlines())) <= 80
    header, *lines = call(*command).stdout.splitlines()
    assert header.split("\t") == ["setting", "value", "from", "unit", "allowed", "description"]
    assert [line.split("\t")[0] for line in lines] == [line["key"] for line in found]


def test_units_and_allowed_values_are_printed(call: Call, config: Path) -> None:
    found = {
        row["key"]: row for row in json.loads(call("run", config, "--explain", "--json").stdout)
    }
    assert found["min_pairs"]["unit"] == "pairs"
    assert found["scpo.beta"]["unit"] == "logits"
    assert found["split.by"]["allowed"].startswith("rater | question")
    assert found["pairs.0.path"]["allowed"] == "path"


def test_an_audit_shows_the_origin_of_each_threshold(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text("draws = 200\n[simplification.alike]\nconcern = 0.1\n")
    words = ("--set", "participation.few-people.risk=5", "--method", "full", "--json")
    found = json.loads(call("audit", "--config", path, "--explain", *words).stdout)
    origin = {line["key"]: line["from"] for line in found}
    assert origin["draws"] == origin["simplification.alike"] == "audit.toml"
    assert origin["participation.few-people"] == "--set"
    assert origin["methods"] == "--method"
    assert origin["seed"] == "default"


def test_a_switch_is_printed_as_a_settings_file_has_it(call: Call, config: Path) -> None:
    rows = [line.split("\t") for line in call("run", config, "--explain").stdout.splitlines()]
    values = {row[0]: row[1] for row in rows}
    assert (values["matrix"], values["scpo.filter"]) == ("false", "true")
    assert values["curves.by"] == '["pairs", "raters"]'
