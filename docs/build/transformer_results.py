"""Write the section on transformers in docs/results.md from the folders of finished runs.

Run: ``python docs/build/transformer_results.py RUNS --out docs``, where RUNS contains what
``pluralign run`` wrote for ``configs/global_dialogues.toml`` (as ``global-dialogues``) and for each
file of ``configs/transformers`` under its own name, ``prism-pairs-embedding`` for PRISM pairs on
the default trunk, and in ``differences`` a folder for each setting that was changed. Runs may have
been made seed by seed (``global-dialogues-lora-7``): seeds that all have are compared. The text
that a person wrote under "How to read it" stays.
"""

import argparse
import sys
from pathlib import Path

from pages.sections import inside, placed
from pages.transformers import section
from pluralign.core import PluralignError

_READING = "### How to read it"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of results.md")
    given = parser.parse_args()
    page = given.out / "results.md"
    old = page.read_text(encoding="utf-8")
    reading = (inside(old, "transformers") or "").partition(_READING)[2]
    try:
        text = section(given.runs, f"{_READING}{reading}" if reading else "")
    except PluralignError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    page.write_text(placed(old, "transformers", text), encoding="utf-8")
    print(f"{page}: the section on transformers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
