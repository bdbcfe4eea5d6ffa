"""The page on surveys is true: its settings, examples, commands, strategies and metrics."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.docs.test_docs import as_written, dotted_defaults
from typer.main import get_command

from pluralign.asking import load_strategy, strategies
from pluralign.cli.main import app
from pluralign.settings import SurveySettings, resolve_survey
from pluralign.simulation import SocietySurvey
from pluralign.surveying import run_survey
from pluralign.surveying.survey_evaluation import evaluate_answers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/surveys.md").read_text(encoding="utf-8")


def test_every_setting_is_on_the_page_with_its_default() -> None:
    written = dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|", PAGE, re.M))
    wanted = {k: as_written(v) for k, v in dotted_defaults(SurveySettings) if k != "survey"}
    assert {key: written.get(key) for key in wanted} == wanted


def test_every_strategy_is_on_the_page() -> None:
    assert [name for name in strategies() if f"`{name}`" not in PAGE] == []


def test_every_metric_that_is_measured_is_on_the_page(tmp_path: Path) -> None:
    settings = {
        "survey": {"source": "society_survey", "questions": 12},
        "model": {"kind": "simulated"},
        "asking": {"orders": 2, "paraphrases": 2},
        "evaluate": {"draws": 20},
    }
    found = run_survey(resolve_survey(settings, base=tmp_path, where="test"), tmp_path / "run")
    assert {row["metric"] for row in found.results} - set(re.findall(r"`(\w+)`", PAGE)) == set()
    again = evaluate_answers(
        [tmp_path / "run/recorded.jsonl"], SocietySurvey(questions=12), tmp_path / "again", draws=20
    )
    assert {r["model"] for r in again.results if r["strategy"] is None} <= set(
        re.findall(r"`([\w' -]+)`", PAGE)
    )


@pytest.mark.parametrize("block", re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S))
def test_the_settings_example_resolves(block: str, tmp_path: Path) -> None:
    (tmp_path / "wvs").mkdir()
    assert (
        resolve_survey(tomllib.loads(block), base=tmp_path, where="example").settings.model.kind
        == "endpoint"
    )


def test_the_template_example_can_be_used(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```ini\n(.*?)^```", PAGE, re.M | re.S)
    (tmp_path / "mine.toml").write_text(block, encoding="utf-8")
    strategy = load_strategy(tmp_path / "mine.toml")
    assert (strategy.names_community, list(strategy.paraphrases)) == (True, ["short"])


def test_every_command_and_option_that_the_page_names_exists() -> None:
    commands = get_command(app).commands["survey"].loaded.commands  # type: ignore[attr-defined]
    lines = re.findall(r"^pluralign survey (\w+) (.*)$", PAGE, re.M)
    assert lines
    for name, rest in lines:
        options = {
            option for parameter in commands[name].loaded.params for option in parameter.opts
        }
        assert {word for word in rest.split() if word.startswith("-")} <= options
