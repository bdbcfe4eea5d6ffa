"""Write the section "Reward models on local knowledge" in docs/results.md, and its picture.

Run: ``python docs/build/blend_results.py RUNS ROWS.jsonl --out docs``, where RUNS has the folders
``blend`` and ``blend_named`` that ``pluralign run`` wrote, and ROWS.jsonl is of ``python
benchmarks/blend_regions.py RUNS/blend --out ROWS.jsonl``. The text that a person wrote under "How
to read these numbers" stays.
"""

import argparse
import json
from pathlib import Path

from pages.blend import section
from pages.sections import inside, placed
from pluralign.runs import RewardRun, open_run

_READING = "### How to read these numbers"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of results.md")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.rows.read_text(encoding="utf-8").splitlines()]
    run, named = (_opened(given.runs / name) for name in ("blend", "blend_named"))
    page = given.out / "results.md"
    old = page.read_text(encoding="utf-8")
    reading = (inside(old, "blend") or "").partition(_READING)[2]
    text = section(run, named, rows, given.out / "images", f"{_READING}{reading}")
    page.write_text(placed(old, "blend", text), encoding="utf-8")
    print(f"{page}: reward models on local knowledge")


def _opened(folder: Path) -> RewardRun:
    run = open_run(folder)
    assert isinstance(run, RewardRun)
    return run


if __name__ == "__main__":
    main()
