"""The section of a report on tests of knowledge."""

from pathlib import Path

import pytest
from tests.knowledge_tests import write_blend

from pluralign.languages.speech import Speech
from pluralign.reports.choosing import Choice, chosen_runs
from pluralign.reports.data import Page
from pluralign.reports.reading import read_run
from pluralign.reports.writing import page_of
from pluralign.surveying import run_knowledge, score_folder


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knowledge")
    test = {"path": str(write_blend(folder / "blend"))}
    model = {"kind": "simulated", "default_culture": "USA", "knowledge": 1.0}
    how = {"place": "both", "form": "both", "languages": ["en", "fa"]}
    run_knowledge({"test": test, "model": model} | how, folder / "run")
    score_folder(folder / "run")
    return folder / "run"


def page(folder: Path, choice: Choice | None = None, language: str = "en") -> Page:
    runs = chosen_runs([read_run(folder)], choice or Choice())
    return page_of(runs, Speech(language))


def test_each_form_has_a_chart_and_a_table_with_a_typical_person(scored: Path) -> None:
    found = page(scored)
    assert found.title == "How much language models know of the life of each place"
    (section,) = (s for s in found.sections if s.id == "knowledge")
    assert [t.name for t in section.tables] == ["knowledge-short", "knowledge-options"]
    assert [f.name for f in section.figures] == ["knowledge-short-chart", "knowledge-options-chart"]
    short = section.tables[0]
    row = next(r for r in short.rows if (r["place"], r["language"]) == ("Iran", "Persian"))
    cells = {c.label: c.text(row) for c in short.columns}
    assert cells["typical person"].startswith("60.0%") and cells["questions"] == "4"
    assert {r["named"] for r in short.rows} == {"yes", "no"}
    marks = {round(row["base"], 6) for row in section.figures[0].spec["data"]["values"]}
    assert marks == {0.6}


def test_the_summary_names_the_place_furthest_below_its_people(scored: Path) -> None:
    summary = page(scored).summary
    assert any("simulated scores below a typical person" in sentence for sentence in summary)
    (furthest,) = (sentence for sentence in summary if "furthest below" in sentence)
    assert "-60.0%" in furthest
    assert "that do not name the place" in furthest


def test_one_community_and_another_language_can_be_chosen(scored: Path) -> None:
    found = page(scored, Choice(communities=("MEX",)), "es")
    (section,) = (s for s in found.sections if s.id == "knowledge")
    assert {r["place"] for t in section.tables for r in t.rows} == {"México"}
    assert section.title == "Conocimiento de la vida de cada lugar"
