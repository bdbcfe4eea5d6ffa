"""The section on best of n among people's answers, from rows written by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "build" / "recorded_results.py"
READING = "### How to read these numbers\n\n* Written by a person."


@pytest.mark.slow
def test_the_section_has_the_numbers_a_picture_and_the_text_of_a_person(tmp_path: Path) -> None:
    row = {"data": "PRISM", "votes_of": "~all", "chosen_by": "~all", "n": 2, "predicted": 0.052,
           "judged": 0.027, "voted": 0.041, "low": 0.022, "high": 0.061, "votes": 1268,
           "people": 97, "deals": 5, "predicted_sd": 0.004, "judged_sd": 0.006}  # fmt: skip
    rows = [row, row | {"chosen_by": "longest", "voted": -0.01}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    page = tmp_path / "results.md"
    page.write_text("# Results\n\n## How it was made\n\nSo.\n")
    command = [sys.executable, str(SCRIPT), str(tmp_path / "rows.jsonl"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    written = page.read_text()
    assert "| all raters | 2 | +5.2 ± 0.4 | +2.7 ± 0.6 | +4.1 [+2.2, +6.1] | 1268 | 97 |" in written
    assert (tmp_path / "images" / "recorded.png").stat().st_size > 10_000
    page.write_text(written.replace(READING.partition("\n")[0], READING))
    subprocess.run(command, check=True, capture_output=True)
    assert "* Written by a person." in page.read_text()
    assert page.read_text().index("Best of n") < page.read_text().index("## How it was made")
