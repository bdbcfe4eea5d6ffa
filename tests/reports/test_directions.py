"""Texts that people wrote have their own direction on a page, whatever the page's is."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pluralign.languages import Speech
from pluralign.reports import html_of
from pluralign.reports.data import Page, Section
from pluralign.reports.page_tables import Column, Row, Table

ROWS: list[Row] = [
    {"question": "KFC در تهران (۱۲) چند شعبه دارد؟", "language": "fa", "model": "مدل (7B)"},
    {"question": "What do people eat (at noon)?", "language": "en", "model": "llama (8B)"},
]


def page_in(language: str) -> str:
    columns = [Column("question", "Question", language="language"), Column("model", "Model")]
    table = Table("answers", "Answers", columns, ROWS, folded=False)
    section = Section(id="answers", title="Answers", leading=[table])
    say = Speech(language)
    return html_of(
        Page(title="t", runs="", say=say, advice=[], summary=[], sections=[section], written="")
    )


@pytest.mark.parametrize("language", ["en", "ar"])
def test_cells_of_words_have_a_language_and_a_direction_and_names_are_isolated(
    language: str,
) -> None:
    html = page_in(language)
    assert '<td dir="rtl" lang="fa">KFC در تهران' in html
    assert '<td dir="ltr" lang="en">What do' in html
    assert "<td><bdi>llama (8B)</bdi></td>" in html


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_question_mark_stands_after_the_question_in_its_own_direction(
    browser: Browser, tmp_path: Path, language: str
) -> None:
    file = tmp_path / "page.html"
    file.write_text(page_in(language), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    ends = page.locator("td[lang]").evaluate_all(
        """cells => cells.map(cell => {
            const words = cell.firstChild, place = at => {
                const range = document.createRange();
                range.setStart(words, at); range.setEnd(words, at + 1);
                return range.getBoundingClientRect().left };
            return [place(0), place(words.length - 1)] })"""
    )
    page.close()
    (persian_start, persian_end), (english_start, english_end) = ends
    assert persian_end < persian_start
    assert english_end > english_start


def test_a_number_after_a_persian_name_in_an_english_sentence_stays_behind_it() -> None:
    titled = Page(
        title="آزمون <تهران> (12)",
        runs="Of `pluralign run` and تهران (12).",
        say=Speech(),
        advice=[],
        summary=[],
        sections=[],
        written="",
    )
    html = html_of(titled)
    assert "<h1><bdi>آزمون &lt;تهران</bdi>&gt; (12)</h1>" in html
    assert "Of <code>pluralign run</code> and <bdi>تهران</bdi> (12)." in html
