import json
from pathlib import Path

from typer.testing import CliRunner

from pluralign.cli.main import app


def call(*args: str) -> str:
    result = CliRunner().invoke(app, [*args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def write_pairs(path: Path) -> None:
    rows = [
        {"prompt": f"Q{k}?", "chosen": "yes", "rejected": "no", "community": "MEX",
         "rater": f"r{k % 7}"}
        for k in range(70)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_reports_are_written_once_and_their_ledger_is_shown(tmp_path: Path) -> None:
    pairs, out, ledger = (tmp_path / n for n in ("pairs.jsonl", "out.jsonl", "ledger.jsonl"))
    write_pairs(pairs)
    write = ("data", "private", str(pairs), "--epsilon", "2", "--ledger", str(ledger))
    shown = json.loads(call(*write, "--out", str(out), "--json"))
    assert (shown["pairs"], round(shown["flip"], 3)) == (70, 0.119)
    first = out.read_text()
    call(*write, "--out", str(out))
    assert out.read_text() == first
    accounts = json.loads(call("data", "ledger", str(ledger), "--json"))
    assert len(accounts) == 7
    assert {(a["draws"], a["epsilon"], a["withdrawn"]) for a in accounts} == {(10, 20.0, False)}


def test_a_person_who_withdraws_is_left_out_of_later_reports(tmp_path: Path) -> None:
    pairs, out, ledger = (tmp_path / n for n in ("pairs.jsonl", "out.jsonl", "ledger.jsonl"))
    write_pairs(pairs)
    write = ("data", "private", str(pairs), "--epsilon", "2", "--ledger", str(ledger))
    call(*write, "--out", str(out))
    call("data", "ledger", str(ledger), "--withdraw", "r3")
    call(*write, "--out", str(out))
    assert len(out.read_text().splitlines()) == 60
    assert '"r3"' not in out.read_text()


def test_an_epsilon_out_of_range_is_refused_with_its_place(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl")
    result = CliRunner().invoke(
        app,
        ["data", "private", str(tmp_path / "pairs.jsonl"), "--epsilon", "0", "--out", "x.jsonl"],
    )
    assert result.exit_code != 0
    assert "greater than 0" in result.output + result.stderr


def test_a_withdrawal_of_an_id_without_reports_is_named(tmp_path: Path) -> None:
    pairs, ledger = tmp_path / "pairs.jsonl", tmp_path / "ledger.jsonl"
    write_pairs(pairs)
    out = str(tmp_path / "out.jsonl")
    call("data", "private", str(pairs), "--epsilon", "2", "--ledger", str(ledger), "--out", out)
    withdraw = ("data", "ledger", str(ledger), "--withdraw")
    assert "has no report of these people" in call(*withdraw, "r33")
    assert "has no report of" not in call(*withdraw, "r3")
    assert json.loads(call(*withdraw, "r34", "--json"))[0]["draws"] == 0


def test_reports_never_replace_their_source(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    write_pairs(pairs)
    before = pairs.read_text()
    args = ["data", "private", str(pairs), "--epsilon", "2", "--out", str(pairs)]
    result = CliRunner().invoke(app, args)
    assert "--out must be another file than the source" in result.stderr
    assert pairs.read_text() == before
