"""The page on CultureSPA is true: its settings, its examples, its stages and its commands."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.docs.test_docs import as_written, dotted_defaults
from typer.main import get_command

from pluralign.cli.main import app
from pluralign.settings import STAGES, PluraliseSettings, resolve_pluralise

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/culturespa.md").read_text(encoding="utf-8")


def test_every_setting_is_on_the_page_with_its_default() -> None:
    written = dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|", PAGE, re.M))
    wanted = {
        k: as_written(v)
        for k, v in dotted_defaults(PluraliseSettings)
        if not k.startswith(("model.", "survey"))
    }
    assert {key: written.get(key) for key in wanted} == wanted


def test_every_stage_is_on_the_page() -> None:
    assert [stage for stage in STAGES if f"| `{stage}` |" not in PAGE] == []


def test_every_option_that_the_page_names_exists() -> None:
    command = get_command(app).commands["pluralise"].loaded  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    lines = re.findall(r"^pluralign pluralise (.*)$", PAGE, re.M)
    assert lines
    assert {word for line in lines for word in line.split() if word.startswith("-")} <= options


@pytest.mark.parametrize("block", re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S))
def test_the_settings_example_resolves(block: str, tmp_path: Path) -> None:
    (tmp_path / "wvs").mkdir()
    assert resolve_pluralise(
        tomllib.loads(block), base=tmp_path, where="example"
    ).settings.tune.kinds == (
        "joint",
        "specific",
    )


def test_the_shipped_config_resolves() -> None:
    path = ROOT / "configs/pluralise/planted.toml"
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    assert resolve_pluralise(raw, base=path.parent, where=path.name).settings.name == "planted"
