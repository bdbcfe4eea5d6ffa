"""The section on BLEnD, from a run on regions whose answers have a word of their own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pluralign.experiments import run_experiment
from pluralign.settings import resolve

ROOT = Path(__file__).resolve().parents[2]
REGIONS = {"US": "pie", "Iran": "saffron", "Greece": "olive"}


def asked(region: str, word: str, number: int) -> dict[str, Any]:
    answer = f"{word} {number % 5}{'abcdefgh'[number % 8]}"
    text = f"What is dish {number} in {region}?"
    return {
        "id": f"q{number}", "topic": "Food", "question": text, "en_question": text,
        "annotations": [{"answers": [answer], "en_answers": [answer], "count": 3}], "idks": {},
    }  # fmt: skip


SETTINGS: dict[str, Any] = {
        "name": "blend", "repeats": 1, "min_pairs": 10, "min_raters": 1,
        "methods": ["reference", "full", "adaptive"],
        "pairs": {"source": "blend", "path": "blend"},
        "split": {"by": "question", "test": 0.3}, "reference": {"fit_on": "pooled", "ridge": 3.0},
        "trunk": {"encoder": "hash"}, "fit": {"ridge": 1.0}, "intervals": {"draws": 100},
    }  # fmt: skip


@pytest.mark.slow
def test_the_section_reports_that_steering_serves_the_region_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blend").mkdir()
    for region, word in REGIONS.items():
        lines = [json.dumps(asked(region, word, k)) + "\n" for k in range(40)]
        (tmp_path / f"blend/{region}.jsonl").write_text("".join(lines), "utf-8")
    table = resolve(SETTINGS, base=tmp_path, where="test")
    run_experiment(table, tmp_path / "runs/blend", cache=tmp_path / "cache")
    shutil.copytree(tmp_path / "runs/blend", tmp_path / "runs/blend_named")
    monkeypatch.setenv("PLURALIGN_DATA", str(tmp_path))
    rows = tmp_path / "rows.jsonl"
    benchmark = [ROOT / "benchmarks/blend_regions.py", tmp_path / "runs/blend", "--out", rows]
    subprocess.run(list(map(str, [sys.executable, *benchmark])), check=True, capture_output=True)
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    steered = {
        row["steer"]: row["value"]
        for row in found
        if (row.get("community"), row.get("other")) == ("IRN", "GRC")
    }
    assert steered["IRN"] > 0.9
    assert steered["GRC"] < 0.1
    page = tmp_path / "results.md"
    page.write_text("# Results\n\n## How it was made\n\nSo.\n")
    script = [ROOT / "docs/build/blend_results.py", tmp_path / "runs", rows, "--out", tmp_path]
    subprocess.run(list(map(str, [sys.executable, *script])), check=True, capture_output=True)
    text = page.read_text()
    assert "in 6 of 6 comparisons" in text
    assert "| IRN (Iran) against GRC (Greece) |" in text
    assert text.index("## Reward models on local knowledge") < text.index("## How it was made")
