import json
from pathlib import Path

from typer.testing import CliRunner, Result

from pluralign.cli.main import app
from pluralign.sources import JsonlPairs


def call(*args: object) -> Result:
    return CliRunner().invoke(app, ["data", "convert", *map(str, args)])


def write_pairs(path: Path) -> Path:
    rows = [{"prompt": f"Q{k}?", "chosen": "yes", "rejected": "no", "who": k} for k in range(3)]
    tie = {"prompt": "Tea?", "chosen": "yes", "rejected": "yes", "who": 3}
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, tie]), encoding="utf-8")
    return path


def test_the_command_writes_pairs_and_says_what_it_dropped(tmp_path: Path) -> None:
    first, second = write_pairs(tmp_path / "a.jsonl"), write_pairs(tmp_path / "b.jsonl")
    out = tmp_path / "all.parquet"
    result = call(first, second, out, "--set", "columns.rater=who")
    assert result.exit_code == 0, result.output
    assert "8 rows read, 6 kept; 2 dropped: chosen equals rejected" in result.stderr
    assert "has 6 pairs" in result.stdout
    assert [pair.rater for pair in JsonlPairs(out).pairs()] == ["0", "1", "2"] * 2
    shown = json.loads(call(first, out, "--json").stdout)
    assert (shown["pairs"], shown["tally"]["dropped"]) == (3, {"chosen equals rejected": 1})
    assert "who" in shown["columns"]


def test_an_input_is_never_the_output(tmp_path: Path) -> None:
    path = write_pairs(tmp_path / "a.jsonl")
    converted = tmp_path / "a.parquet"
    assert call(path, converted).exit_code == 0
    for inputs, out, what in (
        ([converted], converted, "must not be one of the inputs"),
        ([path], tmp_path / "b.jsonl", "must be a .parquet file"),
        ([path], tmp_path / "none" / "a.parquet", "no such folder"),
    ):
        result = call(*inputs, out)
        assert result.exit_code == 2
        assert what in result.stderr
