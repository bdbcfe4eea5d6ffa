"""``pluralign schema``: prints a schema, or checks a file."""

import json
from pathlib import Path

from typer.testing import CliRunner

from pluralign.cli.main import app

runner = CliRunner()
ROW = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"}


def test_the_schema_is_printed_as_json() -> None:
    found = runner.invoke(app, ["schema", "results"])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["$id"] == "urn:pluralign:schema:results:1"


def test_a_file_that_fits_is_exit_code_0_and_one_that_does_not_is_2_with_its_lines(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    sound = runner.invoke(app, ["schema", "pairs", "--check", str(path)])
    assert (sound.exit_code, sound.stdout) == (0, "")
    assert "1 of 1 row fit urn:pluralign:schema:pairs:1" in sound.stderr

    path.write_text("".join(json.dumps(ROW | {"weight": -k}) + "\n" for k in range(25)), "utf-8")
    bad = runner.invoke(app, ["schema", "pairs", "--check", str(path)])
    assert bad.exit_code == 2
    lines = bad.stdout.splitlines()
    assert lines[0] == f"{path}:2: weight must be >= 0, got -1"
    assert len(lines) == 20
    assert "... and 4 rows more" in bad.stderr

    whole = runner.invoke(app, ["schema", "pairs", "--check", str(path), "--json"])
    assert whole.exit_code == 2
    assert len(json.loads(whole.stdout)["faults"]) == 24


def test_a_table_of_text_and_a_missing_file_are_one_message(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("prompt,chosen,rejected\na,b,c\n", encoding="utf-8")
    for path in (table, tmp_path / "none.jsonl"):
        found = runner.invoke(app, ["schema", "pairs", "--check", str(path)])
        assert found.exit_code == 2
        assert f"error: {path}" in found.stderr


def test_a_release_is_checked_by_its_facts(tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    path.write_text('{"id": "r"}', encoding="utf-8")
    found = runner.invoke(app, ["schema", "release", "--check", str(path)])
    assert found.exit_code == 2
    assert f"{path}: study: missing" in found.stdout
