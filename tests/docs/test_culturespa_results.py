"""The section on CultureSPA of the results page, from small runs written by hand."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.reports.folders import survey_row, write_lines, write_survey

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "build" / "culturespa_results.py"
AWARE = "culture_aware"
CARD = {
    "parameters": 4e6, "answers learned": 9000, "seconds": 600.0,
    "planted": {"default_culture": "~river", "knowledge": 0.6},
}  # fmt: skip
STAGES = {
    "filter": {"read": 50, "kept": 40, "dropped": {"too short": 10}},
    "collect": {
        "collected": {"~hill": 30, "~river": 3},
        "shifted": {
            "~hill": {"value": 0.5, "low": 0.4, "high": 0.6},
            "~river": {"value": 0.1, "low": 0.0, "high": 0.2},
        },
        "map": {},
    },
}


def write_run(folder: Path, hill: float) -> None:
    """A run in which tuning moves the score of ~hill from 50 to ``hill``."""
    own = {("start", AWARE): {"~hill": 50.0, "~river": 80.0}}
    write_survey(folder, own | {("joint", AWARE): {"~hill": hill, "~river": 79.0}})
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    (folder / "record.json").write_text(json.dumps(record | {"stages": STAGES}), encoding="utf-8")
    base = {"baseline_model": "start", "baseline_strategy": AWARE}
    gains: list[dict[str, Any]] = [
        survey_row("joint", AWARE, "~hill", hill - 50) | base,
        survey_row("joint", AWARE, None, -0.3, "exact_accuracy")
        | {"low": -0.4, "high": -0.2}
        | base,
    ]
    write_lines(folder / "comparisons.jsonl", gains)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    tmp_path = tmp_path_factory.mktemp("culturespa")
    for name, hill in (("seed-0", 60.0), ("seed-1", 52.0), ("cct", 66.0)):
        write_run(tmp_path / "runs" / name, hill)
    write_survey(tmp_path / "runs" / "another survey", {("m", AWARE): {"MEX": 60.0}})
    (tmp_path / "planted.json").write_text(json.dumps(CARD), encoding="utf-8")
    (tmp_path / "results.md").write_text("# Results\n\n## How it was made\n", encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(tmp_path / "runs")]
    done = subprocess.run(
        [*command, "--model", str(tmp_path), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "results.md").read_text(encoding="utf-8")


def test_the_section_shows_the_scores_and_their_changes_worst_first(page: str) -> None:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    assert lines[1] == "| Hill | 50.0 [45.0, 55.0] | 60.0 [55.0, 65.0] | +10.0 [+5.0, +15.0] |"
    assert lines[2].startswith("| River | 80.0")


def test_seeds_are_summed_up_and_variants_are_separate(page: str) -> None:
    assert "2 seeds" in page
    assert "| joint, CAS of ~Hill | +6.0 | +2.0 to +10.0 |" in page
    assert "CCT (`answer.aware" in page
    assert "+16.0 [+11.0, +21.0]" in page


def test_the_sentences_follow_from_the_intervals(page: str) -> None:
    said = "`joint`: the planted minority's score rises, its interval above 0, in 1 of 2 seeds;"
    assert said in page
    assert "exact accuracy on average falls in 2." in page
