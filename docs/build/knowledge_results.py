"""Write the section "Local knowledge: people and guesses" in docs/results.md.

Run: ``python docs/build/knowledge_results.py DATA --out docs``, where DATA has the folders
``blend`` and ``parsinlu``. It runs ``pluralign knowledge people``, ``compare`` and ``baselines`` on
them. The text that a person wrote under "How to read these numbers" stays.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pages.knowledge import section
from pages.sections import inside, placed

_READING = "### How to read these numbers"
_PERSIAN = "parsinlu/multiple_choice_test.jsonl.gz"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of results.md")
    given = parser.parse_args()
    regions = str(given.data / "blend")
    options = ["--community", "IRN", "--language", "fa", "--skip-bad"]
    page = given.out / "results.md"
    old = page.read_text(encoding="utf-8")
    reading = (inside(old, "knowledge") or "").partition(_READING)[2]
    text = section(
        _printed("people", regions),
        _printed("compare", regions),
        _printed("baselines", str(given.data / _PERSIAN), *options),
        f"{_READING}{reading}",
    )
    page.write_text(placed(old, "knowledge", text), encoding="utf-8")
    print(f"{page}: local knowledge")


def _printed(command: str, *words: str) -> dict[str, Any]:
    """The JSON that a command prints."""
    program = str(Path(sys.executable).with_name("pluralign"))
    call = [program, "knowledge", command, *words, "--json"]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
