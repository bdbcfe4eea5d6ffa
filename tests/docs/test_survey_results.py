"""The section on surveys: its numbers are an evaluation's, and the text around it stays."""

import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pluralign.core import InvalidInput
from pluralign.runs import read_rows

WRITERS = Path(__file__).resolve().parents[2] / "docs" / "build"
PAGE = (
    "# Results\n\n<!-- other:begin -->\n\nmeasured elsewhere\n\n<!-- other:end -->\n\n"
    "## How it was made\n\nSo.\n"
)
README = "before\n<!-- surveys:begin -->\nold\n<!-- surveys:end -->\nafter\n"


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    """The pages' modules, as the scripts beside them see them."""
    sys.path.insert(0, str(WRITERS))
    yield
    sys.path.remove(str(WRITERS))


def page_module(name: str) -> ModuleType:
    return importlib.import_module(f"pages.{name}")


def write(data: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    places = ["--runs", str(folder / "runs"), "--out", str(folder / "docs"), "--draws", "100"]
    command = [sys.executable, str(WRITERS / "survey_results.py"), str(data), *places]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The section from real answers; folders runs and docs, and README.md."""
    folder = tmp_path_factory.mktemp("surveys")
    (folder / "docs").mkdir()
    (folder / "docs/results.md").write_text(PAGE, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    done = write(shared_data, folder)
    assert done.returncode == 0, done.stderr
    return folder


def rows_of(folder: Path, name: str, **wanted: Any) -> list[dict[str, Any]]:
    rows = read_rows(folder / "runs/surveys" / name)
    return [dict(r) for r in rows if all(r[k] == v for k, v in wanted.items())]


def shown(row: dict[str, Any], scale: float = 1) -> str:
    return f"{scale * row['value']:.1f} [{scale * row['low']:.1f}, {scale * row['high']:.1f}]"


@pytest.mark.shared
@pytest.mark.slow
def test_the_section_is_replaced_and_the_rest_of_the_page_stays(
    written: Path,
) -> None:
    text = (written / "docs/results.md").read_text(encoding="utf-8")
    before, found, after = (
        text.partition("<!-- surveys:begin -->")[0],
        text,
        text.partition("<!-- surveys:end -->")[2],
    )
    assert before == PAGE.partition("## How")[0]
    assert after.strip() == "## How it was made\n\nSo."
    assert re.findall(r"^### (.*)$", found, re.M) == [
        "Summary", "Published numbers, again", "Every recorded model", "The same five communities",
        "Communities", "CultureSPA's questions",
    ]  # fmt: skip


@pytest.mark.shared
@pytest.mark.slow
def test_published_numbers_come_out_and_the_published_filter_is_rebuilt(written: Path) -> None:
    text = (written / "docs/results.md").read_text(encoding="utf-8")
    assert "All 25 come out as published" in text
    assert "keeps 12,860 (the published number)" in text
    assert "51 of 259 questions" in text


@pytest.mark.shared
@pytest.mark.slow
def test_numbers_on_the_page_are_those_of_the_evaluations(written: Path) -> None:
    text = (written / "docs/results.md").read_text(encoding="utf-8")
    for file, metric, scale in (
        ("gpt-5.4", "cultural_alignment_score", 1),
        ("llama-4-scout", "refusal_rate", 100),
        ("qwen3-8b", "target_rank", 1),
        ("five-communities", "pairwise_diversity", 1),
    ):
        for row in rows_of(
            written,
            f"{file}/results.jsonl",
            metric=metric,
            community=None,
            strategy="respondent_of",
        ):
            assert shown(row, scale) in text, (file, row)
    wanted = {"metric": "cultural_alignment_score", "community": "KEN", "model": "claude-opus-4.7"}
    (score,) = rows_of(written, "claude-opus-4.7/results.jsonl", **wanted)
    assert shown(score) in text


@pytest.mark.shared
@pytest.mark.slow
def test_the_sentences_on_flattening_and_others_answers_follow_from_intervals(
    written: Path,
) -> None:
    text = (written / "docs/results.md").read_text(encoding="utf-8")
    compared, on_average = "five-communities/comparisons.jsonl", {"community": None}
    varied = rows_of(
        written,
        compared,
        metric="pairwise_diversity",
        baseline_model="their own common answer",
        **on_average,
    )
    exact = rows_of(
        written,
        compared,
        metric="exact_accuracy",
        baseline_model="others' common answer",
        **on_average,
    )
    points = {"mid-scale", "others' common answer", "rounded mean"}
    models = [r for r in varied if r["model"] not in points]
    flat = sum(r["high"] < 0 for r in models)
    assert len(models) == 6
    assert f"{flat} of 6 models are below it" in text
    against = [r for r in exact if r["model"] in {m["model"] for m in models}]
    behind = sum(r["high"] < 0 for r in against)
    assert f"by exact answers {behind} behind" in text
    assert f"by exact answers {behind} of 6 models are behind it" in (
        written / "README.md"
    ).read_text(encoding="utf-8")


@pytest.mark.shared
@pytest.mark.slow
def test_the_readme_keeps_the_text_around_the_table(written: Path) -> None:
    text = (written / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- surveys:begin -->\nRecorded answers of 6 models")
    assert text.endswith("<!-- surveys:end -->\nafter\n")
    assert "old" not in text


@pytest.mark.shared
@pytest.mark.slow
def test_pictures_are_there_linked_and_small(written: Path) -> None:
    pictures = {path.name: path for path in (written / "docs/images").iterdir()}
    linked = re.findall(
        r"\(images/(.*?)\)", (written / "docs/results.md").read_text(encoding="utf-8")
    )
    assert set(linked) == set(pictures) == {"survey-communities.png", "survey-diversity.png"}
    for path in pictures.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < 300_000


@pytest.mark.shared
@pytest.mark.slow
def test_reference_points_are_recorded_answers_that_can_be_read_again(written: Path) -> None:
    rows = rows_of(written, "reference-points.jsonl", model="their own common answer")
    assert {r["community"] for r in rows} == {"BRA", "CHN", "MEX", "NGA", "NZL"}
    wanted = {"metric": "exact_accuracy", "community": None, "model": "their own common answer"}
    (score,) = rows_of(written, "five-communities/results.jsonl", **wanted)
    assert score["value"] == 1
    assert all(r["answer"] in r["labels"] for r in rows)


@pytest.mark.slow
def test_a_folder_without_answers_is_refused_and_the_page_stays(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/results.md").write_text(PAGE, encoding="utf-8")
    done = write(tmp_path, tmp_path)
    assert done.returncode == 2
    assert "no recorded answers" in done.stderr
    assert (tmp_path / "docs/results.md").read_text(encoding="utf-8") == PAGE


def test_a_section_goes_where_it_was_or_before_how_the_page_was_made() -> None:
    sections = page_module("sections")
    first = sections.placed(PAGE, "new", sections.marked("new", "one"))
    assert first.index("other:end") < first.index("new:begin") < first.index("## How it was made")
    second = sections.placed(first, "new", sections.marked("new", "two"))
    assert second == first.replace("one", "two")
    assert sections.inside(second, "new") == "two"
    assert sections.kept(second, "absent") is None
    assert sections.inside(second, "absent") is None


def test_text_between_markers_is_replaced_as_it_is_and_missing_markers_are_refused() -> None:
    sections = page_module("sections")
    assert sections.replaced(README, "surveys", r"\1 new", where="README.md") == README.replace(
        "old", r"\1 new"
    )
    with pytest.raises(InvalidInput, match="not both there"):
        sections.replaced("nothing", "surveys", "new", where="README.md")


def test_the_page_of_runs_keeps_the_sections_that_other_scripts_write() -> None:
    text = (WRITERS.parent / "results.md").read_text(encoding="utf-8")
    sections = re.findall(r"<!-- (\S+):begin -->", text)
    assert sections == list(importlib.import_module("results_page").ELSEWHERE)


def test_the_published_filter_drops_repeats_and_bare_digits_that_are_not_explained() -> None:
    def row(question: str, options: list[str]) -> dict[str, Any]:
        return {"question": question, "options": options}

    rows = [
        row("How much?", ["1", "2"]),
        row("On a scale of 1 to 2, how much?", ["1", "2"]),
        row("How often?", ["Never", "Daily"]),
        row("how often?", ["Never", "Daily"]),
        row("How often?", ["Yes", "No"]),
        row("How high, with 0 being low?", ["0", "1"]),
        row("How far?", ["1 - Far", "2"]),
    ]
    assert page_module("survey_questions").published_filter(rows) == {1, 2, 3, 6}


@pytest.mark.parametrize("name", ["sections", "survey_reading", "survey_questions"])
def test_examples_of_the_pages_run(name: str) -> None:
    found = doctest.testmod(page_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 0
    assert found.failed == 0
