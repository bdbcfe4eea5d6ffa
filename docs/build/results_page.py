"""Write docs/results.md, its pictures, and the table in README.md from finished runs.

Run: ``python docs/build/results_page.py RUNS --out docs``, where RUNS contains the folders that
``pluralign run configs/NAME.toml --out RUNS/NAME`` wrote. Every number on the page comes from those
folders.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pages.about import data_section, footer, introduction
from pages.comparison import (
    adaptive_sentences,
    community_section,
    leak_section,
    method_section,
    scpo_section,
)
from pages.pictures import draw_curves, draw_methods, draw_steers
from pages.reading import read_runs
from pages.sections import kept, placed, replaced
from pages.studies import (
    curve_section,
    people_section,
    seed_section,
    sensitivity_section,
    steer_section,
)
from pages.writing import compared, percent, table, title_of
from pluralign.core import PluralignError
from pluralign.runs import RewardRun

ELSEWHERE = (
    "transformers",
    "surveys",
    "culturespa",
    "unseen",
    "recorded",
    "blend",
    "knowledge",
    "planted-knowledge",
)
"""Sections of the page that other scripts write."""
OF_OTHERS = ("blend", "blend-named")
"""Runs that are in the section of another script."""


def page(runs: Sequence[RewardRun], pictures: Path) -> str:
    """The text of the page; its pictures are written to a folder."""
    shown = compared_runs(runs)
    methods, curves = draw_methods(shown, pictures), draw_curves(shown, pictures)
    parts = [introduction(), overview(shown), f"![Methods compared](images/{methods.name})"]
    if curves:
        parts.append(f"![Learning curves](images/{curves.name})")
    parts += [section(run, _by_question(run, runs), pictures) for run in shown]
    return "\n\n".join([*parts, footer(runs)]) + "\n"


def compared_runs(runs: Sequence[RewardRun]) -> list[RewardRun]:
    """All but those that repeat another with questions held out."""
    return [run for run in runs if not any(run is _by_question(other, runs) for other in runs)]


def section(run: RewardRun, by_question: RewardRun | None, pictures: Path) -> str:
    """Everything about one run."""
    steers = draw_steers(run, pictures)
    parts = [
        f"## {title_of(run)}",
        data_section(run),
        method_section(run),
        scpo_section(run),
        *([leak_section(run, by_question)] if by_question else []),
        steer_section(run, f"images/{steers.name}" if steers else None),
        community_section(run),
        curve_section(run),
        sensitivity_section(run),
        people_section(run),
        seed_section(run),
    ]
    return "\n\n".join(parts)


def _by_question(run: RewardRun, runs: Sequence[RewardRun]) -> RewardRun | None:
    return next((other for other in runs if other.name == f"{run.name}-by-question"), None)


def overview(runs: Sequence[RewardRun]) -> str:
    """Average and worst community of each method on every data set, and what follows."""
    methods = list(dict.fromkeys(m for run in runs for m in run.methods))
    with_worst = [run for run in runs if run.summed(run.methods[0], "worst")]
    head = [
        "method",
        *(title_of(run) for run in runs),
        *(f"{title_of(run)}, worst" for run in with_worst),
    ]
    rows = [
        [
            f"`{m}`",
            *(percent(run.summed(m)) for run in runs),
            *(percent(run.summed(m, "worst")) for run in with_worst),
        ]
        for m in methods
    ]
    return (
        table(head, rows)
        + "\n\n"
        + "\n".join(f"* {line}" for run in runs for line in _findings(run))
    )


def _findings(run: RewardRun) -> list[str]:
    found = [compared("scpo", "full", row) for row in [run.gain("scpo", "full")] if row]
    found += [
        compared("adaptive", "reference", row) for row in [run.gain("adaptive", "reference")] if row
    ]
    return [f"{title_of(run)}: {' '.join([*found, *adaptive_sentences(run)])}"] if found else []


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "runs", type=Path, nargs="?", default=Path("runs"), help="folder of run folders"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs"), help="folder of results.md and images/"
    )
    parser.add_argument("--readme", type=Path, help="default: README.md next to the folder")
    given = parser.parse_args(arguments)
    try:
        runs = [run for run in read_runs(given.runs) if run.name not in OF_OTHERS]
        text = page(runs, given.out / "images")
        written = given.out / "results.md"
        old = written.read_text(encoding="utf-8") if written.is_file() else ""
        for name in ELSEWHERE:
            section = kept(old, name)
            text = placed(text, name, section) if section else text
        written.write_text(text, encoding="utf-8")
        readme = given.readme or given.out.resolve().parent / "README.md"
        if readme.is_file():
            before = readme.read_text(encoding="utf-8")
            after = replaced(before, "results", overview(compared_runs(runs)), where=str(readme))
            readme.write_text(after, encoding="utf-8")
    except PluralignError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    print(f"{given.out / 'results.md'}: {', '.join(run.name for run in runs)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
