"""Write the section "A community nobody trained on" in docs/results.md, and its picture.

Run: ``python docs/build/unseen_results.py RUNS --out docs``, where RUNS contains the folders that
``python benchmarks/unseen_communities.py configs/NAME.toml --out RUNS/NAME`` wrote. The text that a
person wrote under "How to read these curves" stays.
"""

import argparse
import sys
from pathlib import Path

from pages.sections import inside, placed
from pages.unseen import section
from pluralign.core import PluralignError

_READING = "### How to read these curves"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of results.md")
    given = parser.parse_args()
    page = given.out / "results.md"
    old = page.read_text(encoding="utf-8")
    reading = (inside(old, "unseen") or "").partition(_READING)[2]
    folders = sorted(path.parent for path in given.runs.glob("*/rows.jsonl"))
    try:
        text = section(folders, given.out / "images", f"{_READING}{reading}" if reading else "")
    except PluralignError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    page.write_text(placed(old, "unseen", text), encoding="utf-8")
    print(f"{page}: a community nobody trained on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
