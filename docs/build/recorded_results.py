"""Write the section "Best of n among people's answers" in docs/results.md, and its picture.

Run: ``python docs/build/recorded_results.py ROWS.jsonl --out docs``, with the rows that ``python
benchmarks/recorded_answers.py --out ROWS.jsonl`` wrote. The text that a person wrote under "How to
read these numbers" stays.
"""

import argparse
import json
from pathlib import Path

from pages.recorded import section
from pages.sections import inside, placed

_READING = "### How to read these numbers"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of results.md")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.rows.read_text(encoding="utf-8").splitlines()]
    page = given.out / "results.md"
    old = page.read_text(encoding="utf-8")
    reading = (inside(old, "recorded") or "").partition(_READING)[2]
    text = section(rows, given.out / "images", f"{_READING}{reading}")
    page.write_text(placed(old, "recorded", text), encoding="utf-8")
    print(f"{page}: best of n among people's answers")


if __name__ == "__main__":
    main()
