"""Audit the runs of this project on real data, and write what they show into docs/findings.md.

    python docs/build/findings_results.py DATA --runs runs --rates rates.json --out docs

DATA is the folder of the data sets; runs contains the runs of configs/ (`make results`). `--rates`
is the file that `benchmarks/planted_audits.py --out` wrote. With a Chromium on the path, pictures
of the report are taken too.
"""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from pages.findings import (
    models_table,
    neighbour_table,
    participation_table,
    planted_table,
    rewards_table,
)
from pages.sections import marked, placed
from pluralign.auditing import Given, gather, run_audit
from pluralign.audits import Evidence, Finding
from pluralign.reports import ReportOptions, write_report
from pluralign.runs.audits import find_audit
from pluralign.settings import resolve_audit
from pluralign.sources import ShareTable
from pluralign.surveying.survey_evaluation import evaluate_answers

RUNS = ("global_dialogues", "global_opinions", "world_values")
TABLES = "country_tables"
AXES = (
    ("Hofstede's six dimensions", "hofstede.csv"),
    ("Inglehart and Welzel's two axes", "ddf--datapoints--survsagg--by--geo--year.csv"),
    ("Inglehart and Welzel's two axes", "ddf--datapoints--tradagg--by--geo--year.csv"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--rates", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    args = parser.parse_args()
    models = _models(args.data, args.runs)
    rewards = {
        name: _audited(Given(args.runs / name))
        for name in RUNS
        if (args.runs / name / "record.json").is_file()
    }
    page = args.out / "findings.md"
    text = page.read_text(encoding="utf-8")
    sections = [
        ("models", models_table(models)),
        ("neighbour", neighbour_table(models)),
        ("participation", participation_table([*rewards.values()])),
    ]
    sections += [("rewards", rewards_table({n: _findings(args.runs / n) for n in rewards}))]
    if args.rates is not None:
        sections.append(("planted", planted_table(args.rates)))
    for name, table in sections:
        text = placed(text, name, marked(name, table))
    page.write_text(text, encoding="utf-8")
    folders = [args.runs / name for name in rewards]
    write_report(
        [*folders, args.runs / "surveys" / "models"], args.runs / "report.html", ReportOptions()
    )
    _pictures(args.runs / "report.html", args.out / "images")
    print(f"written: {page}, {args.runs / 'report.html'}")


def _models(data: Path, runs: Path) -> Evidence:
    """The recorded answers of every language model, measured, audited and gathered."""
    folder = runs / "surveys" / "models"
    evaluate_answers(
        sorted((data / "llm_answers").glob("*.jsonl.gz")), ShareTable(data / "wvs"), folder
    )
    return _audited(Given(folder, axes=[(name, data / TABLES / file) for name, file in AXES]))


def _audited(given: Given) -> Evidence:
    settings, audits = resolve_audit({}, "findings", ())
    assert given.folder is not None
    run_audit(given, settings, audits, given.folder / "audit")
    return gather(given).evidence


def _findings(run: Path) -> Sequence[Finding]:
    """The findings of the audit of a run."""
    audit = find_audit(run)
    return audit.findings if audit is not None else ()


def _pictures(page: Path, folder: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no Chromium on the path: no pictures of the report")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, size, scheme in _SHOTS:
            tab = browser.new_page(
                viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
            )
            tab.goto(page.resolve().as_uri())
            for place in _figures(tab):
                place.scroll_into_view_if_needed()
                tab.wait_for_timeout(150)
            if name == "report-map":
                tab.locator("#world").scroll_into_view_if_needed()
                tab.evaluate("document.querySelectorAll('#world figure')[1].scrollIntoView()")
            else:
                tab.evaluate("window.scrollTo(0, 0)")
            tab.wait_for_timeout(400)
            tab.screenshot(path=folder / f"{name}.png")
        browser.close()


_SHOTS = (
    ("report", (1100, 1250), "light"),
    ("report-map", (1100, 900), "light"),
    ("report-phone", (390, 844), "dark"),
)


def _figures(tab: object) -> Iterator[object]:
    yield from tab.locator("figure .drawing").all()


if __name__ == "__main__":
    main()
