"""The section of a report on tests of knowledge."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.knowledge_tests import write_blend
from tests.surveying.test_stereotypes import scored as scores_of

from pluralign.audits import Place
from pluralign.core import community_title
from pluralign.languages.speech import Speech
from pluralign.reports import write_report
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
    assert [t.name for t in section.tables] == [
        "knowledge-short",
        "knowledge-matches",
        "knowledge-options",
    ]
    assert [f.name for f in section.figures] == ["knowledge-short-chart", "knowledge-options-chart"]
    short = section.tables[0]
    row = next(r for r in short.rows if (r["place"], r["language"]) == ("Iran", "Persian"))
    cells = {c.label: c.text(row) for c in short.columns}
    assert cells["Typical person"].startswith("60.0%") and cells["Questions (topics)"] == "4 (2)"
    assert {r["named"] for r in short.rows} == {"yes", "no"}
    marks = {round(row["base"], 6) for row in section.figures[0].spec["data"]["values"]}
    assert marks == {0.6}


def test_the_summary_names_the_place_furthest_below_its_people(scored: Path) -> None:
    summary = page(scored).summary
    assert any("simulated scores below a typical person" in sentence for sentence in summary)
    (furthest,) = (sentence for sentence in summary if "furthest below" in sentence)
    assert "-60.0 [-100.0 to +100.0] points" in furthest
    assert "that do not name the place" in furthest


def test_differences_are_in_points_with_their_sign_and_not_in_per_cent(scored: Path) -> None:
    (section,) = (s for s in page(scored).sections if s.id == "knowledge")
    short = section.tables[0]
    (difference,) = (c for c in short.columns if c.label == "Difference in points")
    texts = {(r["place"], r["language"], r["named"]): difference.text(r) for r in short.rows}
    assert texts["Iran", "Persian", "yes"].startswith("+40.0 [")
    assert texts["Iran", "English", "no"].startswith("-60.0 [")
    assert not any("%" in text for text in texts.values())


def test_answers_about_stereotypes_have_a_table_of_their_own(tmp_path: Path) -> None:
    scores_of(lambda row: row["biased_answer"], tmp_path)
    (section,) = (s for s in page(tmp_path / "run").sections if s.id == "knowledge")
    assert [t.name for t in section.tables] == ["knowledge-options", "knowledge-stereotypes"]
    (row,) = section.tables[1].rows
    cells = {column.label: column.text(row) for column in section.tables[1].columns}
    assert cells["Diff-bias, ambiguous context"].startswith("+100.0 [")
    assert cells["Right, ambiguous context"].startswith("0.0%")
    assert cells["Templates"] == "40"


def test_every_head_of_a_column_begins_with_a_capital_letter(scored: Path) -> None:
    (section,) = (s for s in page(scored).sections if s.id == "knowledge")
    labels = {column.label for table in section.tables for column in table.columns}
    assert {"Score", "Same words", "By chance", "Place named"} < labels
    assert all(label[0].isupper() for label in labels)


def test_a_region_has_one_name_in_the_report_the_audit_and_the_terminal() -> None:
    assert Speech().place("NGA/north") == "North (Nigeria)"
    assert str(Place("NGA/north")) == community_title("NGA/north") == "North (Nigeria)"


def test_a_report_names_a_place_as_its_test_does_in_the_language_or_in_english(
    scored: Path,
) -> None:
    run = read_run(scored)
    named = replace(run, record={**run.record, "places": {"IRN": {"en": "Persia"}}})
    for language in ("en", "es"):
        found = page_of([named], Speech(language))
        (section,) = (s for s in found.sections if s.id == "knowledge")
        places = {r["place"] for t in section.tables for r in t.rows}
        assert "Persia" in places and not {"Iran", "Irán"} & places


@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 390])
def test_no_table_scrolls_sideways_on_a_desktop_or_a_phone(
    scored: Path, browser: Browser, width: int, tmp_path: Path
) -> None:
    write_report([scored], tmp_path / "page.html")
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto((tmp_path / "page.html").as_uri())
    tab.evaluate("for (const d of document.querySelectorAll('#knowledge details')) d.open = true")
    widths = tab.evaluate(
        "[...document.querySelectorAll('#knowledge .rows')]"
        ".map(e => [e.scrollWidth, e.clientWidth])"
    )
    context.close()
    assert len(widths) >= 3
    assert all(needed <= shown for needed, shown in widths)


def test_one_community_and_another_language_can_be_chosen(scored: Path) -> None:
    found = page(scored, Choice(communities=("MEX",)), "es")
    (section,) = (s for s in found.sections if s.id == "knowledge")
    assert {r["place"] for t in section.tables for r in t.rows} == {"México"}
    assert section.title == "Conocimiento de la vida de cada lugar"
