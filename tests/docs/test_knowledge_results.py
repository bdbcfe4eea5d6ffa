"""The section on people and guesses, from what the commands print."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pages.knowledge import section
from pages.sections import inside
from pages.writing import percent
from pluralign.cli.main import app
from pluralign.core import Estimate, community_title

ROOT = Path(__file__).resolve().parents[2]
READING = "### How to read these numbers"


def printed(command: str, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["knowledge", command, *words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shown(row: dict[str, Any]) -> str:
    return percent(Estimate(row["value"], row["low"], row["high"], row["n"]))


def write_rows(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_the_section_shows_who_is_mistaken_for_whom_and_who_can_be_guessed(tmp_path: Path) -> None:
    (tmp_path / "blend").mkdir()
    for region, common in (("UK", "tea"), ("US", "coffee")):
        answers = [
            {"answers": [text], "en_answers": [text], "count": n}
            for text, n in ((common, 5), ("milk", 1))
        ]
        rows = [
            {"id": f"q{k}", "topic": f"T{k % 3}", "question": "?", "annotations": answers}
            for k in range(9)
        ]
        write_rows(tmp_path / f"blend/{region}.jsonl", *rows)
    away = [
        {"id": str(k), "category": "law", "question": "?", "answer": k % 4 + 1}
        | {"candidates": [letter * (3 if j == k % 4 else 1) for j, letter in enumerate("abcd")]}
        for k in range(20)
    ]
    write_rows(tmp_path / "ck.jsonl", *away)
    regions = str(tmp_path / "blend")
    text = section(
        printed("people", regions),
        printed("compare", regions),
        printed("baselines", str(tmp_path / "ck.jsonl"), "-c", "IRN", "--language", "fa"),
        f"{READING}\n\n* Written by a person.",
    )
    # Two pairs in three are of the same answer: (5 * 4 + 1 * 0) / (6 * 5).
    assert "| GBR (United Kingdom) | 66.7" in text
    assert "| 9 | 54 |" in text
    # In the United Kingdom milk scores 1 / 5, and one in six Americans gave it.
    assert "| GBR | **83.3" in text and "** | 3.3" in text
    assert "in 2 of 2 comparisons" in text
    assert "* law: the longest option is ahead of a random one (+75.0" in text
    assert "* law: the most frequent position is behind a random one" in text
    assert text.endswith("* Written by a person.\n\n<!-- knowledge:end -->")


@pytest.mark.slow
def test_both_pages_have_the_numbers_that_the_commands_print(shared_data: Path) -> None:
    regions = str(shared_data / "blend")
    persian = str(shared_data / "parsinlu/multiple_choice_test.jsonl.gz")
    compared = printed("compare", regions)
    found = inside((ROOT / "docs/results.md").read_text(encoding="utf-8"), "knowledge") or ""
    text = section(
        printed("people", regions),
        compared,
        printed("baselines", persian, "-c", "IRN", "--language", "fa", "--skip-bad"),
        READING + found.partition(READING)[2],
    )
    assert inside(text, "knowledge") == found
    page = (ROOT / "docs/knowledge.md").read_text(encoding="utf-8")
    for asked in sorted({row["asked"] for row in compared["scores"]}):
        here = [row for row in compared["scores"] if row["asked"] == asked]
        (person,) = (row for row in here if row["answering"] == asked)
        others = [row for row in here if row["answering"] != asked]
        nearest = max(others, key=lambda row: row["value"])
        names = [community_title(id_) for id_ in (asked, nearest["answering"])]
        assert f"| {names[0]} | {shown(person)} | {names[1]} | {shown(nearest)} |" in page
