"""What is written beside the page, what is refused, and that nobody's words become markup."""

import csv
import io
import json
import re
import struct
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.reports.folders import (
    Rows,
    finding_row,
    people_row,
    write_audit,
    write_lines,
    write_rewards,
    write_survey,
)
from typer.testing import CliRunner, Result

from pluralign.cli.main import app
from pluralign.core import InvalidSettings
from pluralign.languages import Speech
from pluralign.reports import ReportOptions, html_of, page_of, read_run, write_report
from pluralign.reports.data import Page
from pluralign.reports.page_tables import Column, Table
from pluralign.reports.text_files import csv_of, markdown_of, tables_of

OWN = {"MEX": 0.6, "MEX/oaxaca": 0.7, "EGY": 0.55, "IND": 0.65, "~hill": 0.8}
HOSTILE = (
    "</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\"'{{ 7*7 }}|*_[a](b)`"
)


@pytest.fixture
def tastes_folder(tmp_path: Path) -> Path:
    folder = write_rewards(tmp_path / "runs" / "tastes", OWN, others=["~world"], matrix=True)
    groups = {"gender": {"women": 11, "men": 9}}
    found = [finding_row("MEX"), finding_row("EGY", "concern"), finding_row(None, "concern")]
    write_audit(folder / "audit", found, [people_row(c, groups=groups) for c in OWN])
    return folder


def report(*words: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, words)])


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


class Elements(HTMLParser):
    """What a browser makes of a page: its elements, and the text outside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


# What is refused.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "page.pdf"], "--out: page.pdf is no HTML file"),
        (["--out", "page"], "--out: page is no HTML file"),
        (["--language", "fr"], "--language: there is no translation into 'fr'"),
        (["--method", "best"], "no method 'best'"),
    ],
)
def test_an_impossible_report_is_refused_before_any_file_is_written(
    tastes_folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tastes_folder.parent)
    found = report("tastes", *words)
    assert (found.exit_code, found.stdout) == (2, "")
    assert said in found.stderr
    assert "\n  -> " in found.stderr
    assert isinstance(found.exception, SystemExit)
    assert [p.name for p in tastes_folder.parent.iterdir()] == ["tastes"]


@pytest.mark.parametrize("out", ["taken/page.html", "folder.html"])
def test_a_place_that_cannot_be_written_to_is_refused(
    tastes_folder: Path, tmp_path: Path, out: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "folder.html").mkdir()
    found = report(tastes_folder, "--out", tmp_path / out)
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith(f"error: {tmp_path}/")
    assert "Traceback" not in found.stderr
    assert (tmp_path / "taken").read_text() == "a file"
    assert list(tmp_path.glob(".*")) == []


def test_no_folder_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="no folder is named"):
        write_report([], tmp_path / "a.html")


# What is written.


def test_a_page_alone_is_one_file(tastes_folder: Path, tmp_path: Path) -> None:
    found = report(tastes_folder, "--out", tmp_path / "deep" / "page.html", "--still")
    assert (found.exit_code, found.stderr) == (0, "")
    assert "page.html (0." in found.stdout
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["page.html"]


def test_all_that_can_be_wanted_is_next_to_the_page(tastes_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    wanted = ReportOptions(communities=True, png=True, csv=True, markdown=True, interactive=False)
    written = write_report([tastes_folder], out, wanted)
    assert written[0] == out
    beside = tmp_path / "page"
    assert sorted(written) == sorted([out, *(p for p in beside.rglob("*") if p.is_file())])
    assert {p.name for p in (beside / "communities").iterdir()} == {
        "MEX.html", "MEX_oaxaca.html", "EGY.html", "IND.html", "hill.html"
    }  # fmt: skip
    assert {p.stem for p in (beside / "charts").iterdir()} == {
        "worst",
        "map",
        "steers",
        "contested",
        "curves",
    }
    assert (beside / "report.md").is_file()


def test_a_page_asks_the_network_for_nothing(tastes_folder: Path, tmp_path: Path) -> None:
    html = write_report([tastes_folder], tmp_path / "a.html", ReportOptions(interactive=False))[
        0
    ].read_text(encoding="utf-8")
    found = Elements(html)
    assert not {"link", "iframe", "object", "embed", "img", "base", "form"} & set(found.tags)
    assert "default-src 'none'" in html
    assert not re.search(r"(src|href)=\"(?!#)", html.replace('xlink:href="#', ""))


def test_the_same_folder_gives_the_same_page(tastes_folder: Path) -> None:
    pages = [
        html_of(page_of([read_run(tastes_folder)], Speech()), interactive=False) for _ in range(2)
    ]
    first, second = (
        re.sub(r"gradient_\d+", "gradient", html) for html in pages
    )  # Vega counts them in a process
    assert first == second


def test_runs_of_one_name_are_distinguished(tmp_path: Path) -> None:
    folders = [
        write_rewards(tmp_path / name, {"MEX": 0.6, "EGY": 0.5}, curve=False) for name in ("a", "b")
    ]
    html = write_report(folders, tmp_path / "x.html", ReportOptions(interactive=False))[
        0
    ].read_text(encoding="utf-8")
    assert "tastes (1)" in html
    assert "tastes (2)" in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(set(ids)) == len(ids)


def test_a_title_is_the_title(tastes_folder: Path) -> None:
    assert page_of([read_run(tastes_folder)], Speech(), "Ours & yours").title == "Ours & yours"
    page = page_of([read_run(tastes_folder)], Speech())
    assert page.title == "How well reward models predict the choices of each community"
    assert page.runs == "Runs: tastes."


# Pictures.


def test_pictures_are_pictures(tmp_path: Path) -> None:
    folder = write_survey(
        tmp_path / "run", {("m", "culture_aware"): {"MEX": 60.0, "EGY": 70.0, "SGP": 50.0}}
    )
    pictures = [
        p
        for p in write_report(
            [folder], tmp_path / "a.html", ReportOptions(png=True, interactive=False)
        )
        if p.suffix == ".png"
    ]
    assert {p.stem for p in pictures} == {"worst", "map", "models"}
    for path in pictures:
        found = path.read_bytes()
        assert found.startswith(b"\x89PNG\r\n\x1a\n")
        assert found.endswith(b"IEND\xaeB`\x82")
        width, height = struct.unpack(">II", found[16:24])
        assert 400 < width < 4000
        assert 80 < height < 4000


# Tables.


@pytest.fixture
def tables(tastes_folder: Path, tmp_path: Path) -> Path:
    write_report(
        [tastes_folder], tmp_path / "page.html", ReportOptions(csv=True, interactive=False)
    )
    return tmp_path / "page" / "tables"


def test_tables_contain_the_rows_of_the_results_as_they_are(
    tables: Path, tastes_folder: Path
) -> None:
    results: Rows = [
        json.loads(line) for line in (tastes_folder / "results.jsonl").read_text().splitlines()
    ]
    mine = [r for r in results if r["method"] == "scpo" and r["subset"] == "all"]
    keys = ("method", "steer", "community", "value", "low", "high", "n", "n_raters")

    def told(rows: Any) -> set[tuple[str, ...]]:
        return {tuple("" if r[k] is None else str(r[k]) for k in keys) for r in rows}

    assert told(read_csv(tables / "steers.csv")) == told(mine)
    assert told(read_csv(tables / "worst.csv")) == told(
        r for r in mine if r["steer"] == r["community"]
    )
    both = [
        *mine,
        *(r for r in results if r["method"] == "reference" and r["community"] != "~world"),
    ]
    assert told(read_csv(tables / "served.csv")) == told(
        r for r in both if r["steer"] in {None, r["community"]}
    )
    countries = {"MEX", "EGY", "IND"}
    assert {r["community"] for r in read_csv(tables / "map.csv")} == countries
    assert len(read_csv(tables / "steers.csv")) == len(OWN) ** 2


def test_a_table_has_all_rows_where_the_page_has_the_first(tmp_path: Path) -> None:
    own = {f"~p-{k}": 0.4 + k / 1000 for k in range(230)}
    run = read_run(write_rewards(tmp_path / "run", own, contested=False, curve=False))
    table = next(t for t in tables_of(page_of([run], Speech())) if t.name == "worst")
    assert len(table.shown) == 200
    assert len(csv_of(table).splitlines()) == 231


def test_an_unknown_value_is_an_empty_cell(tmp_path: Path) -> None:
    own = {"MEX": 0.6, "EGY": 0.5}
    run = read_run(write_rewards(tmp_path / "run", own, people={"MEX": 1, "EGY": None}))
    table = next(t for t in tables_of(page_of([run], Speech())) if t.name == "worst")
    egypt, mexico = csv.DictReader(io.StringIO(csv_of(table)))
    assert (egypt["n_raters"], mexico["n_raters"]) == ("", "1")
    assert (mexico["low"], mexico["high"]) == ("", "")


def test_groups_and_reasons_are_cells_in_the_words_of_the_page(tables: Path) -> None:
    assert read_csv(tables / "people.csv")[0]["groups"] == "gender: women 11, men 9"
    assert read_csv(tables / "checks.csv")[1]["reasons"] == "pairs have no languages"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x","y")']
)
def test_text_that_a_spreadsheet_would_run_is_quoted_and_a_number_is_a_number(text: str) -> None:
    rows = [
        {"name": text, "value": -1.5, "reasons": [text, "b"]},
        {"name": "a=b", "value": 2, "reasons": []},
    ]
    found = csv_of(Table("t", "t", [Column("name", "Name")], rows))
    first, second = csv.reader(io.StringIO(found.split("\n", 1)[1], newline=""))
    safe = f"'{text}".replace("\r", "\n")
    assert first == [safe, "-1.5", f"{safe}; b"]
    assert second == ["a=b", "2", ""]


def test_a_formula_in_the_name_of_a_model_is_quoted_in_the_table(tmp_path: Path) -> None:
    folder = write_survey(
        tmp_path / "run", {("=cmd()", "culture_aware"): {"MEX": 60.0, "EGY": 70.0}}
    )
    write_report([folder], tmp_path / "a.html", ReportOptions(csv=True, interactive=False))
    found = read_csv(tmp_path / "a" / "tables" / "worst.csv")
    assert {r["model"] for r in found} == {"'=cmd()"}
    assert {r["who"] for r in found} == {"'=cmd() · culture_aware"}
    for path in (tmp_path / "a" / "tables").iterdir():
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
            assert not [cell for cell in row if cell[:1] in {"=", "@"}], path.name


# Markdown.


def test_a_text_for_model_cards_reports_omitted_rows(tmp_path: Path) -> None:
    own = {f"~p-{k:02}": 0.4 + k / 100 for k in range(30)}
    folder = write_rewards(tmp_path / "run", own, curve=False)
    write_audit(folder / "audit", [finding_row(c) for c in own])
    text = markdown_of(page_of([read_run(folder)], Speech()))
    assert text.startswith("## How well reward models predict the choices of each community\n")
    assert "12 of 30 rows are shown" in text
    assert text.count("- **Risk.** Only 7 people took part for") == 12
    assert "The first 12 of 30 are shown." in text
    assert "Interval: 95 %." in text


def test_a_table_in_markdown_has_as_many_cells_in_every_line(tastes_folder: Path) -> None:
    text = markdown_of(page_of([read_run(tastes_folder)], Speech("ar")))
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) <= 1


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<b>", "&lt;b>"), ("a|b", "a\\|b"), ("[a](b)", "\\[a\\](b)"), ("`a`", "\\`a\\`"),
        ("**a**", "\\*\\*a\\*\\*"), ("_a_", "\\_a\\_"), ("~~a~~", "\\~\\~a\\~\\~"),
        ("\\|", "\\\\\\|"), ("&lt;", "&amp;lt;"), ("a\n\n# b", "a # b"), ("# a", "\\# a"),
        ("- a", "\\- a"), ("> a", "\\> a"), ("1. a", "1\\. a"), ("61.5 %", "61.5 %"),
        ("--- a", "\\--- a"),
    ],
)  # fmt: skip
def test_marks_of_markdown_in_names_are_text(text: str, safe: str) -> None:
    page = Page(
        title="t", runs="r", say=Speech(), advice=[], summary=[text], sections=[], written="now"
    )
    assert markdown_of(page).split("\n")[2] == safe


# Words of others.


@pytest.fixture
def hostile(tmp_path: Path) -> Callable[[str], Path]:
    """``hostile(text)`` is a folder in which everything that people name has that text in it."""

    def write(text: str) -> Path:
        name = f"run {text}"
        own = {"MEX": 0.6, f"~{text}": 0.5}
        folder = write_rewards(
            tmp_path / "run", own, matrix=True, record={"name": name, "notes": [text]}
        )
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        record["settings"] |= {"methods": ["reference", text], text: {text: text}}
        record["data"]["sources"][0] |= {"name": text, "license": text, "dropped": {text: 3}}
        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
        for file in ("results.jsonl", "summary.jsonl", "studies/curve-pairs.jsonl"):
            rows = [
                json.loads(line)
                for line in (folder / file).read_text(encoding="utf-8").splitlines()
            ]
            write_lines(
                folder / file, [r | {"method": text} if r["method"] == "scpo" else r for r in rows]
            )
        values = {"count": text, "community": {"place": f"~{text}"}, "pairs": 3}
        found = finding_row(
            f"~{text}", subject=text, values=values, look=text, causes=text, remedies=text
        )
        found |= {"rows": {"what": text, "count": 1, "ids": [text]}}
        people = [people_row("MEX", groups={text: {text: 20}})]
        write_audit(folder / "audit", [found], people, reasons=[text])
        return folder

    return write


@pytest.mark.parametrize("language", ["en", "ar"])
def test_markup_in_what_people_wrote_is_text(
    hostile: Callable[[str], Path], tmp_path: Path, language: str
) -> None:
    pages = {}
    for text in ("plain", HOSTILE):
        page = page_of([read_run(hostile(text))], Speech(language), text)
        pages[text] = html_of(page, interactive=False)
    bare, found = Elements(pages["plain"]), Elements(pages[HOSTILE])
    assert found.tags == bare.tags
    assert sorted(found.attributes) == sorted(bare.attributes)
    assert HOSTILE in found.text


def test_a_command_in_a_sentence_is_shown_as_code(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    html = html_of(page_of([read_run(folder)], Speech()), interactive=False)
    assert "run <code>pluralign audit</code> on the folder first" in html


def test_markup_in_the_data_of_a_live_chart_ends_no_script(hostile: Callable[[str], Path]) -> None:
    html = html_of(page_of([read_run(hostile(HOSTILE))], Speech()))
    specs = re.findall(
        r'<script type="application/json" id="spec-[\w-]+">(.*?)</script>', html, re.DOTALL
    )
    assert len(specs) == 5 * 2, "each chart for a screen and for a phone"
    assert any(
        HOSTILE in json.dumps(json.loads(spec), ensure_ascii=False).replace('\\"', '"')
        for spec in specs
    )
    assert "img" not in Elements(html).tags


def test_markup_ends_up_in_no_text_for_model_cards(
    hostile: Callable[[str], Path], tmp_path: Path
) -> None:
    text = markdown_of(page_of([read_run(hostile(HOSTILE))], Speech()))
    assert "alert(1)" in text
    assert "<" not in text
    assert "[a](b)" not in text


def test_a_community_s_name_leads_to_no_other_folder(
    hostile: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = hostile("../../../up")
    written = write_report(
        [folder], tmp_path / "a.html", ReportOptions(communities=True, interactive=False)
    )
    assert {p.parent for p in written[1:]} == {tmp_path / "a" / "communities"}


# Pages of communities.


@pytest.fixture(scope="module")
def community_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of a run whose findings and groups are each about one community."""
    folder = write_rewards(tmp_path_factory.mktemp("run"), OWN, others=["~world", "BRA"])
    found = [
        finding_row(c, values={"count": k, "community": {"place": c}, "pairs": 9})
        for k, c in enumerate(OWN, 701)
    ]
    people = [people_row(c, groups={"tongue": {f"tongue-{k}": 20}}) for k, c in enumerate(OWN, 701)]
    write_audit(folder / "audit", found, people)
    out = tmp_path_factory.mktemp("out") / "page.html"
    write_report([folder], out, ReportOptions(communities=True, interactive=False))
    return out.with_suffix("") / "communities"


@pytest.mark.parametrize(
    ("name", "language", "heading"),
    [
        ("MEX", "es", "México"),
        ("MEX_oaxaca", "es", "Oaxaca (México)"),
        ("EGY", "ar", "مصر"),
        ("IND", "hi", "भारत"),
        ("BRA", "en", "Brazil"),
        ("hill", "en", "Hill"),
    ],
)
def test_a_community_s_page_is_in_its_language(
    community_pages: Path, name: str, language: str, heading: str
) -> None:
    html = (community_pages / f"{name}.html").read_text(encoding="utf-8")
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html
    assert heading in re.findall(r"<h1>(.*?)</h1>", html)[0]


def test_every_community_has_one_page_and_the_world_has_none(community_pages: Path) -> None:
    assert {p.stem for p in community_pages.iterdir()} == {
        "MEX",
        "MEX_oaxaca",
        "EGY",
        "IND",
        "BRA",
        "hill",
    }


@pytest.mark.parametrize(
    ("name", "own"), [("MEX", 701), ("MEX_oaxaca", 702), ("EGY", 703), ("IND", 704), ("hill", 705)]
)
def test_a_community_s_page_has_its_own_findings_and_people_only(
    community_pages: Path, name: str, own: int
) -> None:
    html = (community_pages / f"{name}.html").read_text(encoding="utf-8")
    assert html.count('<article class="claim') == 1
    assert set(re.findall(r"tongue-(\d+)", html)) == {str(own)}
    claim = re.findall(r"<h4>(.*?)</h4>", html)[0]
    assert str(own) in claim


def test_the_page_of_an_unmeasured_community_states_it(community_pages: Path) -> None:
    text = Elements((community_pages / "BRA.html").read_text(encoding="utf-8")).text
    assert "Nothing was measured for the people of Brazil." in text
    assert "Nothing was found beyond a threshold." in text
    assert "tongue-" not in text


def test_the_page_of_a_community_shows_every_model_that_answered_in_its_name(
    tmp_path: Path,
) -> None:
    scores = {(m, "aware"): {"MEX": v, "EGY": v} for m, v in (("near", 80.0), ("far", 50.0))}
    folder = write_survey(tmp_path / "run", scores)
    write_report([folder], tmp_path / "a.html", ReportOptions(communities=True, interactive=False))
    text = Elements((tmp_path / "a" / "communities" / "EGY.html").read_text(encoding="utf-8")).text
    assert "near · aware" in text
    assert "far · aware" in text


def test_small_groups_are_in_nothing_that_is_written(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", {"MEX": 0.6, "EGY": 0.5})
    groups = {"faith": {"many-people": 16, "secret-four": 4}}
    write_audit(folder / "audit", people=[people_row("MEX", groups=groups), people_row("EGY")])
    wanted = ReportOptions(communities=True, csv=True, markdown=True)
    for path in write_report([folder], tmp_path / "a.html", wanted):
        assert "secret-four" not in path.read_text(encoding="utf-8"), path.name
