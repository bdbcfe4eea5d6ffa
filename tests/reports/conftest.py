"""Two small runs as `pluralign` leaves them, audited, and the reports of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.reports import ReportOptions, write_report
from pluralign.simulation import SocietySource, SocietySurvey

Rows = list[dict[str, Any]]

COUNTRIES = {"~river": "GBR", "~coast": "MEX", "~marsh": "SGP", "~hill": "BRA", "~isle": "KEN"}
"""Simulated people named after countries, for a map; Singapore is too small for an outline."""

REWARDS = """
name = "tastes"
seed = 3
min_pairs = 20
min_raters = 2
methods = ["reference", "full", "scpo", "adaptive"]
[pairs]
source = "jsonl"
path = "pairs.jsonl"
license = "simulated, CC0-1.0"
[reference]
fit_on = ["~world"]
ridge = 1.0
[trunk]
encoder = "hash"
[fit]
ridge = 1.0
[curves]
fractions = [0.2, 0.5, 1.0]
by = ["pairs"]
[intervals]
draws = 100
"""
SURVEY = """
name = "answers"
strategies = ["culture_unaware", "culture_aware"]
[survey]
source = "shares"
path = "survey"
[model]
kind = "simulated"
called = "respondent"
knowledge = 0.6
refusal_rate = 0.1
[evaluate]
draws = 100
"""


@pytest.fixture(scope="session")
def tell(cache: Path) -> Callable[..., None]:
    """``tell("audit", folder)`` runs a command, which must succeed."""

    def command(*words: object) -> None:
        found = CliRunner().invoke(
            app, [str(word) for word in words], env={"PLURALIGN_CACHE": str(cache)}
        )
        assert found.exit_code == 0, found.output

    return command


@pytest.fixture(scope="session")
def tastes(
    tmp_path_factory: pytest.TempPathFactory,
    tell: Callable[..., None],
    write_rows: Callable[..., Path],
) -> Path:
    """Folder of a run of reward models for four countries; Kenya and Malta have too few pairs."""
    folder = tmp_path_factory.mktemp("tastes")
    write_rows(folder / "pairs.jsonl", _pairs())
    (folder / "tastes.toml").write_text(REWARDS, encoding="utf-8")
    tell("run", folder / "tastes.toml", "--out", folder / "run")
    tell("audit", folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory, tell: Callable[..., None]) -> Path:
    """Folder of a run of a simulated language model that was asked a survey."""
    folder = tmp_path_factory.mktemp("answers")
    _write_shares(folder / "survey")
    (folder / "answers.toml").write_text(SURVEY, encoding="utf-8")
    tell("survey", "run", folder / "answers.toml", "--out", folder / "run")
    tell("audit", folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def report(
    tmp_path_factory: pytest.TempPathFactory, tastes: Path, answers: Path
) -> Callable[[str], Path]:
    """``report("ar")`` is the page of both runs in that language; each is written once."""
    folder, written = tmp_path_factory.mktemp("reports"), dict[str, Path]()

    def page(language: str = "en") -> Path:
        if language not in written:
            out = folder / f"{language}.html"
            written[language] = write_report([tastes, answers], out, ReportOptions(language))[0]
        return written[language]

    return page


def _pairs() -> Rows:
    keys = ("id", "prompt", "chosen", "rejected", "community", "rater")
    rows = [
        {k: getattr(p, k) for k in keys} for p in SocietySource(each=80, thin=12, world=100).pairs()
    ]
    thin = [row for row in rows if row["community"] == "~isle"]
    for row in rows:
        row["community"] = COUNTRIES.get(row["community"], row["community"])
    for row in thin[8:]:
        row["community"] = "MLT"
    return rows


def _write_shares(folder: Path) -> None:
    survey = SocietySurvey(questions=20).survey()
    questions = [
        {"Q_id": q.id, "question": q.text, "option_lst": q.options}
        for q in survey.questions.values()
    ]
    shares: dict[str, dict[str, dict[str, float]]] = {}
    for d in survey.distributions:
        by_code = dict(zip(survey.questions[d.question].codes, d.probs_O, strict=True))
        shares.setdefault(COUNTRIES[d.community], {})[d.question] = by_code
    folder.mkdir()
    (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    (folder / "country_proportions.json").write_text(json.dumps(shares), encoding="utf-8")
