"""The page as its readers meet it: in Chromium, which the whole module shares."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route
from tests.reports.folders import write_policies

from pluralign.core import list_written
from pluralign.reports import ReportOptions, write_report
from pluralign.runs import read_rows

pytestmark = pytest.mark.slow

PLANTED = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
WIDE, NARROW = 1200, 390
Rows = list[dict[str, Any]]
Scheme = Literal["light", "dark"]


@dataclass
class Visit:
    """A page that was opened, what it said to the console, and what it asked for beside itself."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def scroll_through(self) -> "Visit":
        """Go down the page until every chart is live."""
        for place in self.page.locator("[data-spec]").all():
            place.scroll_into_view_if_needed()
            self.page.wait_for_function(
                "place => place.dataset.live === 'yes'", arg=place.element_handle()
            )
        return self

    def unfold(self) -> "Visit":
        """Open all that is folded."""
        self.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        return self


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """``visit(file, width=390, scripts=False, color_scheme="dark")`` opens a page of its own."""
    contexts = []

    def opened(file: Path, width: int = WIDE, scripts: bool = True, **more: Any) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts, **more
        )
        contexts.append(context)
        found = Visit(context.new_page())

        def let_through(route: Route) -> None:
            if route.request.url == file.as_uri():
                route.continue_()
            else:
                found.asked.append(route.request.url)
                route.abort()

        found.page.set_default_timeout(10_000)
        found.page.route("**/*", let_through)
        found.page.on(
            "console",
            lambda m: found.said.append(m.text) if m.type in {"error", "warning"} else None,
        )
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.goto(file.as_uri())
        return found

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def live(visit: Callable[..., Visit], report: Callable[[str], Path]) -> Callable[[str], Visit]:
    """``live("en")`` is the report, every chart live; tests change its width and colours only."""
    found: dict[str, Visit] = {}
    return lambda language: (
        found.get(language) or found.setdefault(language, visit(report(language)).scroll_through())
    )


def violations(page: Page) -> list[str]:
    """What axe-core finds; further rows of a table are as the first."""
    context = {"exclude": [["tbody tr:nth-child(n+4)"]]}
    return [
        f"{v['id']}: {node['html'][:300]}"
        for v in Axe().run(page, context).response["violations"]
        for node in v["nodes"]
    ]


def cells(page: Page, table: str) -> Rows:
    """What the cells of each row carry."""
    return page.locator(f"{table} tbody tr").evaluate_all(
        """rows => rows.map(row => Object.fromEntries([...row.cells].flatMap(
            cell => [...cell.attributes].filter(a => a.name.startsWith("data-"))
                .map(a => [a.name.slice(5).replaceAll("-", "_"), a.value]))))"""
    )


def numbers(row: Mapping[str, Any]) -> tuple[float | None, ...]:
    """Value, interval and counts, of a row of results or of a table."""
    found = [row.get(key) for key in ("value", "low", "high", "n", "n_raters")]
    return tuple(None if value is None else float(value) for value in found)


def drawn(place: Locator) -> int:
    """How many marks a chart shows, of a size that can be seen."""
    return place.locator("svg .role-mark :is(path, line, text)").evaluate_all(
        "marks => marks.filter(m => {"
        " const b = m.getBoundingClientRect(); return b.width + b.height > 3 }).length"
    )


def fills(page: Page, marks: str, figure: str = "#figure-map") -> list[str]:
    return (
        drawings(page, figure)
        .locator(f"svg g.{marks}.role-mark path")
        .evaluate_all(
            "paths => paths.map(p => p.getAttribute('fill') ?? "
            "p.parentElement.getAttribute('fill') ?? 'transparent')"
        )
    )


def figures(page: Page) -> list[Locator]:
    found = page.locator("figure").all()
    assert len(found) == 8, (
        "both runs have a ranking and a map, one a matrix, contested pairs and curves, one models"
    )
    return found


def drawings(page: Page, figure: str = "figure") -> Locator:
    """The charts that are seen at the width of the page: live ones, or those drawn for it."""
    return page.locator(f"{figure} .drawing > div:not(.wide, .narrow), {figure} .wide")


# --- What the page asks for and says


def test_a_request_and_a_fault_are_noticed(visit: Callable[..., Visit], tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<img src='https://nowhere.invalid/x.png'><script>console.warn('w'); f()</script>"
    )
    found = visit(tmp_path / "bad.html")
    assert found.asked == ["https://nowhere.invalid/x.png"]
    assert {"w", "f is not defined"} <= set(found.said)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_is_asked_for_but_the_page_itself(
    live: Callable[[str], Visit], language: str
) -> None:
    assert live(language).asked == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_console_has_no_error(live: Callable[[str], Visit], language: str) -> None:
    assert live(language).said == []


def test_the_page_is_light(report: Callable[[str], Path]) -> None:
    assert report("en").stat().st_size < 5_000_000


# --- Charts


def test_every_chart_is_drawn_before_any_script_ran(
    visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    page = visit(report("en"), scripts=False).page
    for figure in figures(page):
        assert drawn(figure) > 0, figure.get_attribute("id")
    assert page.locator("[data-live]").count() == 0


def test_every_chart_comes_to_life_and_shows_as_much_as_its_drawing(
    live: Callable[[str], Visit], visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    still = [drawn(figure) for figure in figures(visit(report("en"), scripts=False).page)]
    page = live("en").page
    assert page.locator("[data-live=yes]").count() == len(still)
    assert [drawn(figure) for figure in figures(page)] == still


@pytest.mark.parametrize("scripts", [True, False])
def test_the_map_colours_what_was_measured_and_hatches_what_was_not(
    live: Callable[[str], Visit],
    visit: Callable[..., Visit],
    report: Callable[[str], Path],
    scripts: bool,
) -> None:
    page = live("en").page if scripts else visit(report("en"), scripts=False).page
    areas, dots = fills(page, "mark-shape"), fills(page, "mark-symbol")
    assert [areas.count("url(#hatch)"), dots.count("url(#hatch)")] == [1, 1], (
        "Kenya, and Malta as a dot"
    )
    assert sum(fill.startswith(("#", "rgb")) for fill in areas) == 3, (
        "Brazil, Mexico, the United Kingdom"
    )
    assert sum(fill.startswith(("#", "rgb")) for fill in dots) == 1, "Singapore"
    assert areas.count("transparent") > 150, "the ground"


def test_hatching_can_be_seen(visit: Callable[..., Visit], report: Callable[[str], Path]) -> None:
    page = visit(report("en"), scripts=False).page
    kenya = page.locator("#figure-map .wide g.mark-shape path[fill='url(#hatch)']")
    hatched = kenya.screenshot()
    page.evaluate("document.getElementById('hatch').replaceChildren()")
    assert kenya.screenshot() != hatched


def test_the_map_shows_the_answerer_that_the_reader_chooses(
    visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    page = visit(report("en")).scroll_through().page
    before = fills(page, "mark-shape")
    page.locator("#figure-map").get_by_role("combobox", name="Answers by").select_option(
        "reference"
    )
    after = fills(page, "mark-shape")
    assert len(after) == len(before)
    assert after != before


def test_a_chart_shows_the_number_under_the_pointer(
    visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    page = visit(report("en")).scroll_through().page
    page.locator("#figure-map g.mark-symbol.role-mark path").first.hover()
    told = page.locator("#vg-tooltip-element")
    told.get_by_text("Singapore").wait_for()
    row = next(
        r
        for r in cells(page, "#served-served")
        if r["community"] == "SGP" and r["who"] == "adaptive"
    )
    assert f"{100 * float(row['value']):.1f}%" in told.inner_text()


def test_no_two_elements_share_an_id_whichever_chart_is_seen_first(
    visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    page = visit(report("en")).page
    matrix = page.locator("[data-spec=spec-steers]")
    matrix.scroll_into_view_if_needed()
    page.wait_for_function("place => place.dataset.live === 'yes'", arg=matrix.element_handle())
    ids = page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))
    legend = matrix.locator(".role-legend-gradient path").first.get_attribute("fill")
    assert legend is not None
    assert (
        matrix.locator(f"linearGradient#{legend.rpartition('#')[2].removesuffix(')')}").count() == 1
    )


@pytest.mark.parametrize("scripts", [True, False])
def test_learning_curves_label_each_line(
    live: Callable[[str], Visit],
    visit: Callable[..., Visit],
    report: Callable[[str], Path],
    scripts: bool,
) -> None:
    page = live("en").page if scripts else visit(report("en"), scripts=False).page
    labels = drawings(page, "#figure-curves").locator("svg .role-legend-label text")
    legend = labels.all_text_contents()
    assert legend == ["adaptive", "full", "scpo"]


def test_a_hundred_is_written_out_on_an_axis(live: Callable[[str], Visit]) -> None:
    ticks = live("en").page.locator("figure svg .role-axis-label text").all_text_contents()
    assert not [tick for tick in ticks if "e+" in tick]


# --- Numbers


@pytest.fixture(scope="module")
def accuracies(tastes: Path) -> Rows:
    return [
        r
        for r in read_rows(tastes / "results.jsonl")
        if r["metric"] == "pairwise_accuracy" and r["subset"] == "all"
    ]


def test_the_table_of_communities_agrees_with_the_results(
    live: Callable[[str], Visit], accuracies: Rows
) -> None:
    wanted = {
        (r["method"], r["community"]): numbers(r)
        for r in accuracies
        if r["community"] in {"BRA", "GBR", "MEX", "SGP"} and r["steer"] in {None, r["community"]}
    }
    rows = cells(live("en").page, "#served-served")
    assert len(rows) == len(wanted) == 4 * 4
    assert {(r["who"], r["community"]): numbers(r) for r in rows} == wanted


@pytest.mark.parametrize("table", ["#served-served", "#figure-worst-table", "#figure-map-table"])
def test_the_worst_community_is_first(live: Callable[[str], Visit], table: str) -> None:
    found = [float(r["value"]) for r in cells(live("en").page, table) if r["who"] == "adaptive"]
    assert len(found) == 4
    assert found == sorted(found)


def test_the_table_of_steers_agrees_with_the_results(
    live: Callable[[str], Visit], accuracies: Rows
) -> None:
    base = {r["community"]: r["value"] for r in accuracies if r["method"] == "reference"}
    wanted = {
        (r["steer"], r["community"]): (
            *numbers(r),
            pytest.approx(100 * (r["value"] - base[r["community"]])),
        )
        for r in accuracies
        if r["method"] == "adaptive" and r["steer"] and r["community"] in base
    }
    rows = cells(live("en").page, "#figure-steers-table")
    assert len(rows) == len(wanted) >= 4 * 4
    assert {(r["steer"], r["community"]): (*numbers(r), float(r["points"])) for r in rows} == wanted


def test_the_table_of_a_language_model_agrees_with_the_results(
    live: Callable[[str], Visit], answers: Path
) -> None:
    wanted = {
        (f"{r['model']} · {r['strategy']}", r["community"]): numbers(r)
        for r in read_rows(answers / "results.jsonl")
        if r["metric"] == "cultural_alignment_score"
        and r["strategy"] == "culture_aware"
        and r["community"]
    }
    rows = cells(live("en").page, "#served-served-1")
    assert len(rows) == len(wanted) == 5
    assert {(r["who"], r["community"]): numbers(r) for r in rows} == wanted


def test_cells_describe_their_numbers_in_words(live: Callable[[str], Visit]) -> None:
    found = (
        live("en")
        .page.locator("#served-served td[data-value], #served-served-1 td[data-value]")
        .all()
    )
    assert len(found) == 4 * 4 + 5
    for cell in found:
        text, value = cell.text_content() or "", float(cell.get_attribute("data-value") or "nan")
        shown = float(text.removesuffix("%"))
        assert shown == pytest.approx(100 * value if text.endswith("%") else value, abs=0.0501)


# --- For everybody


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [
        *product(["en"], [WIDE, NARROW], ["light", "dark"]),
        ("ar", WIDE, "light"),
        ("ar", NARROW, "dark"),
    ],
)
def test_axe_finds_nothing(
    live: Callable[[str], Visit], language: str, width: int, scheme: Scheme
) -> None:
    page = live(language).unfold().page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    assert violations(page) == []


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, tastes: Path, answers: Path) -> Path:
    """The report without scripts: axe itself needs a browser that runs some."""
    out = tmp_path_factory.mktemp("still") / "still.html"
    return write_report([tastes, answers], out, ReportOptions(interactive=False))[0]


def test_axe_finds_nothing_in_drawings(visit: Callable[..., Visit], still: Path) -> None:
    assert violations(visit(still).page) == []


def test_axe_finds_nothing_on_paper_though_the_screen_is_dark(
    visit: Callable[..., Visit], still: Path
) -> None:
    page = visit(still, color_scheme="dark").page
    page.emulate_media(media="print")
    assert violations(page) == []


def test_axe_finds_what_is_wrong(visit: Callable[..., Visit], tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<html><body><img src='data:,'><p style='color:#aaa'>pale</p></body></html>"
    )
    found = {line.partition(":")[0] for line in violations(visit(tmp_path / "bad.html").page)}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= found


def test_arabic_runs_from_right_to_left_and_charts_do_not(live: Callable[[str], Visit]) -> None:
    page = live("ar").page
    html = page.locator("html")
    assert (html.get_attribute("dir"), html.get_attribute("lang")) == ("rtl", "ar")
    heading, chart = page.locator("h1"), page.locator(".chart svg").first
    assert [e.evaluate("e => getComputedStyle(e).direction") for e in (heading, chart)] == [
        "rtl",
        "ltr",
    ]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_shows_every_chart_to_its_width(
    visit: Callable[..., Visit], report: Callable[[str], Path], scripts: bool
) -> None:
    found = visit(report("en"), width=NARROW, scripts=scripts)
    page = (found.scroll_through() if scripts else found).page
    for figure in figures(page):
        chart, marks = figure.locator(".drawing"), figure.locator("svg:visible .role-mark path")
        frame = chart.bounding_box()
        drawing = chart.locator("svg:visible").bounding_box()
        assert frame is not None
        assert drawing is not None
        assert frame["width"] - 2 < drawing["width"] < frame["width"] + 2
        edges = marks.evaluate_all("all => all.map(m => m.getBoundingClientRect().right)")
        assert max(edges) <= NARROW, figure.get_attribute("id")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_label_of_a_drawn_chart_is_cut_at_the_left(
    visit: Callable[..., Visit], report: Callable[[str], Path], width: int
) -> None:
    page = visit(report("en"), width=width, scripts=False).page
    for figure in figures(page):
        frame = figure.locator(".chart").bounding_box()
        assert frame is not None
        labels = figure.locator("svg:visible text")
        edges = labels.evaluate_all("all => all.map(t => t.getBoundingClientRect().left)")
        assert min(edges) >= frame["x"], figure.get_attribute("id")


def test_charts_are_drawn_anew_when_a_window_becomes_narrow(
    visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    page = visit(report("en")).scroll_through().page
    wide = page.locator("#figure-worst svg").bounding_box()
    page.set_viewport_size({"width": NARROW, "height": 800})
    page.wait_for_function(
        f"document.querySelector('#figure-worst svg').getBoundingClientRect().width < {NARROW}"
    )
    assert wide is not None
    assert wide["width"] > 800
    assert page.locator("#figure-map select").count() == 1


def test_a_phone_shows_each_finding_with_its_number_in_view(
    visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    page = visit(report("en"), width=NARROW).page
    cells = page.locator(".claim .stacked").first.locator("td:visible")
    assert cells.count() > 0
    rights = cells.evaluate_all("all => all.map(c => c.getBoundingClientRect().right)")
    assert max(rights) <= NARROW


def test_names_of_points_do_not_collide(live: Callable[[str], Visit]) -> None:
    names = drawings(live("en").page, "#figure-contested").locator("g.mark-text.role-mark text")
    boxes = names.evaluate_all(
        "all => all.map(t => t.getBoundingClientRect())"
        ".map(b => [b.left, b.top, b.right, b.bottom])"
    )
    assert len(boxes) == 4
    for k, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[k + 1 :]:
            apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
            assert apart


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_phone_need_not_scroll_sideways(
    visit: Callable[..., Visit], report: Callable[[str], Path], language: str
) -> None:
    found = visit(report(language), width=NARROW)
    widths = "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    for state in (found, found.scroll_through(), found.unfold()):
        *wide, window = state.page.evaluate(widths)
        assert max(wide) <= window == NARROW


def test_the_keyboard_reaches_the_content_first_and_opens_what_is_folded(
    visit: Callable[..., Visit], report: Callable[[str], Path]
) -> None:
    page = visit(report("en")).page
    page.keyboard.press("Tab")
    skip = page.locator("a.skip")
    assert skip.evaluate("e => e === document.activeElement")
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0, (
        "it can be seen"
    )
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), (
        "the list of contents is skipped"
    )
    page.keyboard.press("Tab")
    if page.evaluate("document.activeElement.tagName") == "SELECT":  # the chart is live already
        page.keyboard.press("Tab")
    folded = page.locator("details").first
    assert folded.evaluate("e => e.firstElementChild === document.activeElement && !e.open")
    page.keyboard.press("Enter")
    assert folded.evaluate("e => e.open")
    assert page.locator("#figure-worst-table").is_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_paper_shows_every_chart_and_every_table(
    visit: Callable[..., Visit], report: Callable[[str], Path], scripts: bool
) -> None:
    page = visit(report("en"), scripts=scripts).page
    folded = (
        "tables => tables.filter("
        "t => !t.checkVisibility() || t.getBoundingClientRect().height < 20).length"
    )
    tables = page.locator("table, dl")
    assert tables.evaluate_all(folded) > 0
    page.emulate_media(media="print")
    assert tables.evaluate_all(folded) == 0
    assert all(drawn(figure) for figure in figures(page))
    assert not page.locator("nav").is_visible()


# --- Policies


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run of language models that follow communities."""
    folder = tmp_path_factory.mktemp("policies")
    return write_report([write_policies(folder / "run")], folder / "policies.html")[0]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_gains_of_policies_are_drawn_and_open_to_everybody(
    visit: Callable[..., Visit], policies: Path, width: int, scheme: Scheme
) -> None:
    found = visit(policies, width=width, color_scheme=scheme).scroll_through().unfold()
    page = found.page
    assert (found.said, found.asked) == ([], [])
    for figure in page.locator("figure").all():
        assert drawn(figure.locator(".drawing > div:not(.wide, .narrow)")) > 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert violations(page) == []


# --- Texts of others


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, tastes: Path, answers: Path) -> Path:
    """A report of runs in which names, a community, questions and a finding are scripts."""
    folder = tmp_path_factory.mktemp("planted")
    swaps = {
        "tastes": ('"tastes"', '"adaptive"', '"BRA"'),
        "answers": ('"answers"', "respondent", '"q0001"'),
    }
    for run in (tastes, answers):
        copy = shutil.copytree(
            run, folder / run.parent.name, ignore=shutil.ignore_patterns("models", "predictions")
        )
        for path in [*copy.rglob("*.json"), *copy.rglob("[!m]*.jsonl")]:
            text = path.read_text(encoding="utf-8")
            for word in swaps["tastes" if run is tastes else "answers"]:
                text = text.replace(word, f'"{PLANTED}"' if word[0] == '"' else PLANTED)
            path.write_text(text, encoding="utf-8")
        found = copy / "audit" / "findings.jsonl"
        finding = read_rows(found)[0]
        texts = {
            "claim": PLANTED,
            "template": PLANTED,
            "values": {},
            "causes": PLANTED,
            "severity": "risk",
        }
        rows = finding["rows"] | {"ids": [PLANTED]}
        found.write_text(
            found.read_text("utf-8") + json.dumps(finding | texts | {"rows": rows}) + "\n", "utf-8"
        )
        for manifest in copy.rglob(
            "manifest.jsonl"
        ):  # as if the runs had written these texts themselves
            list_written(manifest.parent, manifest.parent.rglob("[!m]*.json*"))
    runs = [folder / run.parent.name for run in (tastes, answers)]
    return write_report(runs, folder / "planted.html", ReportOptions(title=PLANTED))[0]


def test_texts_of_others_are_shown_and_never_run(
    visit: Callable[..., Visit], planted: Path
) -> None:
    found = visit(planted).scroll_through().unfold()
    page = found.page
    page.locator("#figure-map select").select_option("full")
    for marks in (
        "#figure-map g.mark-shape path[fill^='rgb']",
        "#figure-models g.mark-symbol path",
    ):
        page.locator(marks).first.hover(force=True)
        page.locator("#vg-tooltip-element.visible").wait_for()
    assert page.evaluate("window.hacked") is None
    assert (page.locator("img").count(), found.said, found.asked) == (0, [], [])
    assert page.locator("h1").inner_text() == page.title() == PLANTED
    for place in (
        ".claim h4",
        ".claim dd",
        ".claim code",
        "td",
        "figcaption",
        "figure svg text",
        "option",
    ):
        assert page.locator(place).filter(has_text=PLANTED).count() > 0, place
