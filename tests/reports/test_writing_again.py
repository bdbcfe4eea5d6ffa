"""After a withdrawal, pages and audits are those of the new run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pluralign.auditing import Given, run_audit
from pluralign.cli.main import app
from pluralign.experiments import Outcome, withdraw
from pluralign.reports import ReportOptions, write_derived, write_report
from pluralign.runs.derived_files import derived_files

Go = Callable[..., Outcome]
Rows = list[dict[str, Any]]


@pytest.fixture
def gone(rows: Rows) -> str:
    return next(str(row["rater"]) for row in rows if row["community"] == "~hill")


@pytest.fixture
def run(
    go: Go, tables: dict[str, Any], tmp_path: Path, rows: Rows, write_rows: Callable[..., Path]
) -> Path:
    path = write_rows(tmp_path / "all.jsonl", rows)
    mine = {"methods": ["reference", "full"], "split": {"draw": "hash", "test": 0.3}}
    go(tables | mine | {"pairs": {"source": "jsonl", "path": str(path)}}, tmp_path / "run")
    return tmp_path / "run"


def raters_of(folder: Path) -> int:
    return int(json.loads((folder / "audit/audit.json").read_text())["evidence"]["raters"])


def test_a_page_and_an_audit_of_the_run_alone_are_written_again_as_they_were(
    run: Path, gone: str
) -> None:
    run_audit(run, {"small": 7, "simplification": {"alike": {"concern": 0.21}}})
    write_report([run], run / "spanish.html", ReportOptions(language="es", markdown=True))
    before, audit = derived_files(run), raters_of(run)
    receipt, _ = withdraw(run, [gone], again=write_derived)
    assert receipt.rewritten == ["audit", "spanish.html"]
    assert receipt.deleted == {} and receipt.untouched == []
    assert derived_files(run) == before
    assert raters_of(run) == audit - 1
    assert 'lang="es"' in (run / "spanish.html").read_text(encoding="utf-8")[:2000]
    assert (run / "spanish" / "report.md").is_file()
    assert receipt.after["spanish.html"] != receipt.before["spanish.html"]


def test_pages_and_audits_with_other_evidence_are_deleted_with_the_command(
    run: Path, gone: str, tmp_path: Path
) -> None:
    residents = tmp_path / "residents.csv"
    residents.write_text("community,attribute,group,share\n~hill,age,old,1\n")
    run_audit(Given(run, residents=residents), out=run / "audit")
    write_report([run, run], run / "two.html", ReportOptions(csv=True))
    (run / "mine.html").write_text("written by hand")
    found = CliRunner().invoke(app, ["withdraw", str(run), "--rater", gone, "--json"])
    assert found.exit_code == 0, found.output
    receipt = json.loads(found.stdout)
    assert receipt["rewritten"] == []
    assert receipt["deleted"]["two.html"] == f"pluralign report {run} --out {run / 'two.html'}"
    assert set(receipt["deleted"]) == {"audit", "two.html"}
    assert not any((run / name).exists() for name in ("audit", "two.html", "two"))
    assert receipt["untouched"] == ["mine.html"]


def test_without_a_writer_they_are_deleted_alone(run: Path, gone: str) -> None:
    write_report([run], run / "report.html")
    receipt, _ = withdraw(run, [gone])
    assert list(receipt.deleted) == ["report.html"]
    assert not (run / "report.html").exists()


def test_a_page_elsewhere_does_not_name_its_settings(run: Path, tmp_path: Path) -> None:
    write_report([run], tmp_path / "elsewhere.html")
    (tmp_path / "mine.html").write_text("written by hand")
    assert derived_files(tmp_path) == {"elsewhere.html": None}
