"""Write the section on CultureSPA of docs/results.md from run folders.

    python docs/build/culturespa_results.py runs/culturespa --model runs/planted-model

The folders are those that ``pluralign pluralise configs/pluralise/planted.toml --set seed=N
--out RUNS/seed-N`` wrote, and those of its variants (``cct``, ``one-seed-question``, ``quarter``).
Every number comes from them.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from pages.culturespa import NAME, read, section
from pages.sections import placed
from pluralign.core import PluralignError


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "runs", type=Path, nargs="?", default=Path("runs/culturespa"), help="folder of run folders"
    )
    parser.add_argument(
        "--model", type=Path, default=Path("runs/planted-model"), help="folder of the planted model"
    )
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page")
    given = parser.parse_args()
    page = given.out / "results.md"
    try:
        text = section(
            read(given.runs), json.loads((given.model / "planted.json").read_text(encoding="utf-8"))
        )
    except (PluralignError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    page.write_text(placed(page.read_text(encoding="utf-8"), NAME, text), encoding="utf-8")
    picture = given.runs / "seed-0/collect/culture_map.png"
    if picture.is_file():
        shutil.copyfile(picture, given.out / "images/culture-map-planted.png")
    print(f"{page}: the section on CultureSPA")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
