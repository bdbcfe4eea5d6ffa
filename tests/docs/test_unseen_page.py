"""The section on communities that nobody trained on, from a folder written by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "build" / "unseen_results.py"
READING = "### How to read these curves\n\n* Written by a person."
PAGE = "# Results\n\n## How it was made\n\nSo.\n"
ABOUT = {
    "settings": "world_values", "seed": 7, "draws": 20, "folds": [["MEX"], ["KEN"]],
    "pairs": 1200, "pairs_each": 800, "stems": 138, "people": 0, "least_choices": 78,
    "given": [["own", 0], ["own", 100], ["swapped", 100]],
}  # fmt: skip


def rows_of(cell: str, method: str, values: dict[int, float], first: int | None) -> list[dict]:
    one = {"cell": cell, "method": method, "control": "own", "low": None, "high": None, "n": 90}
    rows = []
    for k, value in values.items():
        worst = {"worst": value - 0.1, "worst_community": "KEN"}
        rows.append(one | {"metric": "accuracy", "choices": k, "value": value} | worst)
        rows.append(one | {"metric": "loss", "choices": k, "value": 1 - value})
        gain = {"value": value - 0.6, "low": value - 0.62, "high": value - 0.58}
        rows.append(one | {"metric": "over_reference", "choices": k} | gain)
    return [*rows, one | {"metric": "first_above", "value": first}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [row for cell in ("new x seen", "new x new")
            for row in (*rows_of(cell, "reference", {0: 0.6, 100: 0.6}, None),
                        *rows_of(cell, "prior", {0: 0.61, 100: 0.664}, 100))]  # fmt: skip
    deal = tmp_path / "runs" / "world_values" / "seed-7"
    deal.mkdir(parents=True)
    (deal / "about.json").write_text(json.dumps(ABOUT))
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (deal.parent / "rows.jsonl").write_text(lines)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "results.md").write_text(PAGE)
    return tmp_path


def write(folder: Path) -> str:
    command = [sys.executable, str(SCRIPT), str(folder / "runs"), "--out", str(folder / "docs")]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "docs" / "results.md").read_text()


@pytest.mark.slow
def test_the_section_has_the_numbers_a_picture_and_the_text_of_a_person(folder: Path) -> None:
    page = write(folder)
    assert page.index("## A community nobody trained on") < page.index("## How it was made")
    assert "### World Values Survey" in page
    assert "| `prior` | 61.0 | 66.4 | +1.0 [-1.0, +3.0] | +6.4 [+4.4, +8.4] | k = 100 |" in page
    assert "| `prior` | 0.390 | 0.336 | 51.0 KEN | 56.4 KEN |" in page
    assert "1 deal (seed 7) of 20 draws" in page
    assert (folder / "docs" / "images" / "unseen.png").stat().st_size > 10_000
    end = "<!-- unseen:end -->"
    (folder / "docs" / "results.md").write_text(page.replace(end, f"{READING}\n\n{end}"))
    assert READING in write(folder)
