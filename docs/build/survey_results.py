"""Write docs/results.md's section on surveys, its pictures and README.md's table from answers.

Run: ``python docs/build/survey_results.py DATA --out docs``, where DATA contains ``wvs`` and
``llm_answers`` (or PLURALIGN_DATA=DATA). The evaluations, each as ``pluralign survey evaluate``
writes it, are left in RUNS/surveys.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pages.sections import ends, placed, replaced
from pages.survey_reading import evaluate_all
from pages.survey_tables import readme_text
from pages.surveys import NAME, section
from pluralign.core import PluralignError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("PLURALIGN_DATA"))
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder for the evaluations"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs"), help="folder of results.md and images/"
    )
    parser.add_argument("--readme", type=Path, help="default: README.md next to the folder")
    parser.add_argument(
        "--draws", type=int, default=2000, help="draws of questions for the intervals"
    )
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("name the folder of the data, or set PLURALIGN_DATA")
    page = given.out / "results.md"
    readme = given.readme or given.out.resolve().parent / "README.md"
    try:
        surveys = evaluate_all(Path(given.data), given.runs / "surveys", given.draws)
        old = page.read_text(encoding="utf-8") if page.is_file() else ""
        page.write_text(
            placed(old, NAME, section(surveys, Path(given.data), given.out / "images")), "utf-8"
        )
        before = readme.read_text(encoding="utf-8") if readme.is_file() else ""
        if ends(NAME)[0] in before:
            readme.write_text(
                replaced(before, NAME, readme_text(surveys), where=str(readme)), "utf-8"
            )
    except PluralignError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    print(f"{page}: the section on surveys, {len(surveys.alone)} files of answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
