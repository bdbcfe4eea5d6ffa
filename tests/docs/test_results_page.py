"""The page of results, from small runs on a planted society."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pluralign.experiments import run_experiment
from pluralign.runs import read_rows
from pluralign.settings import resolve

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "build" / "results_page.py"
README = "before\n<!-- results:begin -->\nold\n<!-- results:end -->\nafter\n"


def settings(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "repeats": 2,
        "min_pairs": 20,
        "min_raters": 4,
        "pairs": {"source": "society", "each": 200, "thin": 40, "world": 300},
        "reference": {"fit_on": ["~world"], "ridge": 3.0},
        "trunk": {"encoder": "hash"},
        "fit": {"ridge": 3.0},
        "intervals": {"draws": 100},
    } | more


def write(runs: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(runs), "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs, one with studies, and the page made from them: runs/, docs/ and README.md."""
    folder = tmp_path_factory.mktemp("results")
    studies = {
        "curves": {"fractions": [0.3]},
        "sensitivity": {"tau": [0.5, 0.7], "beta": [1.1], "ridge": [1.0]},
    }
    few = {"communities": ["~hill"], "methods": ["reference", "full"]}
    tables = (
        settings("society", **studies),
        settings("one", **few),
        settings("one-by-question", split={"by": "question"}, **few),
    )
    for table in tables:
        resolved = resolve(table, base=folder, where="test")
        run_experiment(
            resolved, folder / "runs" / f"folder-{table['name']}", cache=folder / "cache"
        )
    (folder / "README.md").write_text(README, encoding="utf-8")
    (folder / "docs").mkdir()
    done = write(folder / "runs", folder / "docs")
    assert done.returncode == 0, done.stderr
    return folder


pytestmark = pytest.mark.slow


def test_the_page_has_every_section_and_reports_missing_parts(finished: Path) -> None:
    text = (finished / "docs/results.md").read_text(encoding="utf-8")
    one, society = text.split("\n## ")[2:4]
    assert one.startswith("one\n")
    assert society.startswith("society\n")
    assert "### Leakage in a split by question" in one
    assert "This run has no learning curves." in one
    assert "This run tried no other settings." in one
    headings = re.findall(r"^### (.*)$", society, re.M)
    assert headings == [
        "Methods", "SCPO and full fine-tuning", "Steering to one, and the others", "Communities",
        "Learning curves", "Other settings", "Agreement among people", "Seeds",
    ]  # fmt: skip
    assert "needed" in society
    assert "Rank correlation" in society


def test_a_number_on_the_page_is_the_one_in_the_run(finished: Path) -> None:
    rows = read_rows(finished / "runs/folder-society/summary.jsonl")
    row = next(
        r for r in rows if (r["method"], r["aggregate"], r["subset"]) == ("scpo", "average", "all")
    )
    shown = f"{100 * row['value']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    assert shown in (finished / "docs/results.md").read_text(encoding="utf-8")
    assert shown in (finished / "README.md").read_text(encoding="utf-8")


def test_the_sentence_on_two_methods_follows_from_the_interval(finished: Path) -> None:
    rows = read_rows(finished / "runs/folder-society/comparisons.jsonl")
    wanted = ("scpo", "full", None, "all")
    row = next(
        r for r in rows if (r["method"], r["baseline"], r["community"], r["subset"]) == wanted
    )
    verdict = "ahead of" if row["low"] > 0 else "behind" if row["high"] < 0 else "level with"
    assert f"`scpo` is {verdict} `full`" in (finished / "docs/results.md").read_text(
        encoding="utf-8"
    )


def test_the_readme_keeps_the_text_around_the_table(finished: Path) -> None:
    text = (finished / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- results:begin -->\n| method |")
    assert text.endswith("<!-- results:end -->\nafter\n")
    assert "old" not in text


def test_pictures_are_there_and_small(finished: Path) -> None:
    pictures = {path.name: path for path in (finished / "docs/images").iterdir()}
    assert set(pictures) == {"methods.png", "curves.png", "steer-society.png"}
    for path in pictures.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < 300_000
    linked = re.findall(
        r"\(images/(.*?)\)", (finished / "docs/results.md").read_text(encoding="utf-8")
    )
    assert set(linked) == set(pictures)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    done = write(tmp_path, tmp_path)
    assert done.returncode == 2
    assert "no finished run" in done.stderr
    assert not (tmp_path / "results.md").exists()


def test_the_section_on_transformers_stays_when_the_page_is_written_anew(
    finished: Path, tmp_path: Path
) -> None:
    section = (
        "<!-- transformers:begin -->\n\n## Transformers\n\n"
        "measured elsewhere\n\n<!-- transformers:end -->"
    )
    (tmp_path / "results.md").write_text(
        f"# Old\n\n{section}\n\n## How it was made\n", encoding="utf-8"
    )
    done = write(finished / "runs", tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text.count(section) == 1
    assert "# Old" not in text and text.index(section) < text.index("## How it was made")
