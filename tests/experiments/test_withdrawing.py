"""A person takes their word back: the run is as if it had never seen them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pluralign.auditing import run_audit
from pluralign.cli.main import app
from pluralign.core import DamagedFile, InvalidInput, InvalidSettings, NotEnoughData, Silent
from pluralign.encoders import CachedEncoder, HashEncoder, forget_texts
from pluralign.experiments import Outcome, withdraw
from pluralign.runs import read_rows
from pluralign.runs.lock import alone_in
from pluralign.settings.resolved_experiment import resolve

Go = Callable[..., Outcome]
Tables = dict[str, Any]
Write = Callable[..., Path]
KILLED = Path(__file__).with_name("killed_withdrawals.py")
METHODS = ["reference", "full", "scpo", "pooled", "adaptive"]


class Stopping(Silent):
    """Stops the run by hand when a stage begins."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def stage(self, name: str) -> None:
        if name.startswith(self._stage):
            raise KeyboardInterrupt


class Noting(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def files(folder: Path) -> dict[str, bytes]:
    """Everything but what tells the time, and the withdrawals."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
        and p.name not in ("record.json", "manifest.jsonl")
        and p.parent.name != "withdrawals"
    }


@pytest.fixture
def gone(rows: list[dict[str, Any]]) -> str:
    """The rater who will withdraw: one of a community steered to."""
    return next(str(row["rater"]) for row in rows if row["community"] == "~hill")


@pytest.fixture
def settings(
    tables: Tables, tmp_path: Path, rows: list[dict[str, Any]], write_rows: Write
) -> Tables:
    path = write_rows(tmp_path / "all.jsonl", rows)
    mine = {
        "methods": METHODS, "repeats": 2, "split": {"draw": "hash", "test": 0.3}, "fit": {},
        "pairs": {"source": "jsonl", "path": str(path)}, "scpo": {"tau": 0.6},
    }  # fmt: skip
    return tables | mine


@pytest.fixture
def never(
    go: Go,
    settings: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    gone: str,
    write_rows: Write,
) -> dict[str, bytes]:
    """The files of a run that never saw the rater."""
    path = write_rows(tmp_path / "others.jsonl", [row for row in rows if row["rater"] != gone])
    go(settings | {"pairs": {"source": "jsonl", "path": str(path)}}, tmp_path / "never")
    return files(tmp_path / "never")


def test_a_withdrawal_leaves_the_run_as_if_it_had_never_seen_the_person(
    go: Go, settings: Tables, tmp_path: Path, gone: str, never: dict[str, bytes]
) -> None:
    go(settings, tmp_path / "run")
    before = files(tmp_path / "run")
    receipt, path = withdraw(tmp_path / "run", [gone])
    after = files(tmp_path / "run")
    assert after == never != before
    assert receipt.finished is not None and path.is_file()
    assert set(receipt.pairs) == {"~hill"}
    assert receipt.untouched == []
    assert gone not in path.read_text()
    assert json.loads(path.read_text())["after"] == receipt.after


@pytest.mark.parametrize("stage", ["encoding", "seed 3", "seed 4", "measuring"])
def test_a_withdrawal_that_was_stopped_goes_on_where_it_was(
    go: Go, settings: Tables, tmp_path: Path, gone: str, never: dict[str, bytes], stage: str
) -> None:
    go(settings, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        withdraw(tmp_path / "run", [gone], reporter=Stopping(stage))
    receipt, _ = withdraw(tmp_path / "run", [gone])
    assert receipt.finished is not None
    assert files(tmp_path / "run") == never


def test_a_withdrawal_that_is_killed_at_any_moment_ends_as_if_nobody_had_killed_it(
    go: Go,
    settings: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    gone: str,
    write_rows: Write,
) -> None:
    settings = settings | {"repeats": 1, "methods": ["full", "adaptive"]}
    go(settings, tmp_path / "run")
    path = write_rows(tmp_path / "others.jsonl", [row for row in rows if row["rater"] != gone])
    go(settings | {"pairs": {"source": "jsonl", "path": str(path)}}, tmp_path / "never")
    case = {"run": str(tmp_path / "run"), "rater": gone, "settings": settings, "step": 23}
    (tmp_path / "out").mkdir()
    given = json.dumps(case | {"out": str(tmp_path / "out")})
    ended = subprocess.run(
        [sys.executable, str(KILLED), given], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    folders = json.loads(ended.stdout)
    assert len(folders) > 4
    for folder in folders:
        assert files(Path(folder)) == files(tmp_path / "never"), folder


def test_a_stopped_withdrawal_with_settings_of_its_own_goes_on_without_them(
    go: Go, settings: Tables, tmp_path: Path, gone: str
) -> None:
    small = settings | {"repeats": 1, "methods": ["full"]}
    go(small, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        withdraw(tmp_path / "run", [gone], resolve(small), reporter=Stopping("encoding"))
    receipt, _ = withdraw(tmp_path / "run", [gone])
    assert receipt.finished is not None


def test_a_withdrawal_that_no_run_could_follow_goes_on_with_the_settings_of_a_later_run(
    go: Go, settings: Tables, tmp_path: Path, rows: list[dict[str, Any]], write_rows: Write
) -> None:
    """Also where somebody else withdraws next, who does not know the id of the first person."""
    few = [row for row in rows if row["community"] in {"~hill", "~world"}]
    path = write_rows(tmp_path / "few.jsonl", few)
    first, other, *more = sorted({row["rater"] for row in few if row["community"] == "~hill"})
    small = settings | {"repeats": 1, "methods": ["full"]}
    small |= {"pairs": {"source": "jsonl", "path": str(path)}}
    go(small | {"min_raters": len(more) + 2}, tmp_path / "run")
    with pytest.raises(NotEnoughData, match="no community has"):
        withdraw(tmp_path / "run", [first])
    go(small, tmp_path / "run")
    receipt, path = withdraw(tmp_path / "run", [other])
    assert receipt.finished is not None and path.name == "receipt-0002.json"
    assert json.loads(path.with_name("receipt-0001.json").read_text())["finished"] is not None
    with pytest.raises(InvalidInput, match="has withdrawn already"):
        withdraw(tmp_path / "run", [first])


@pytest.mark.parametrize("stage", ["encoding", "measuring"])
def test_the_next_withdrawal_finishes_one_that_was_stopped(
    go: Go, settings: Tables, tmp_path: Path, rows: list[dict[str, Any]], gone: str, stage: str
) -> None:
    other = next(str(r["rater"]) for r in rows if r["community"] == "~coast")
    small = settings | {"repeats": 1, "methods": ["full"]}
    go(small, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        withdraw(tmp_path / "run", [gone], reporter=Stopping(stage))
    told = Noting()
    withdraw(tmp_path / "run", [other], reporter=told)
    assert told.notes[0].startswith("an earlier withdrawal from this run was stopped")
    go(small, tmp_path / "both")
    withdraw(tmp_path / "both", [other, gone])
    assert files(tmp_path / "run") == files(tmp_path / "both")


def test_a_withdrawal_of_nobody_is_refused_and_changes_nothing(
    go: Go, settings: Tables, tmp_path: Path
) -> None:
    go(settings | {"repeats": 1, "methods": ["full"]}, tmp_path / "run")
    before = files(tmp_path / "run")
    with pytest.raises(InvalidInput, match="no rater is named"):
        withdraw(tmp_path / "run", [])
    assert files(tmp_path / "run") == before


def test_the_command_of_the_run_finishes_a_withdrawal_and_brings_nobody_back(
    go: Go, settings: Tables, tmp_path: Path, gone: str, never: dict[str, bytes]
) -> None:
    go(settings, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        withdraw(tmp_path / "run", [gone], reporter=Stopping("seed 4"))
    go(settings, tmp_path / "run")
    assert files(tmp_path / "run") == never
    go(settings, tmp_path / "run", fresh=True)
    assert files(tmp_path / "run") == never


def test_foreign_files_stay_and_are_named(
    go: Go, settings: Tables, tmp_path: Path, gone: str
) -> None:
    go(settings | {"repeats": 1, "methods": ["full"]}, tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    receipt, _ = withdraw(tmp_path / "run", [gone])
    assert receipt.untouched == ["notes.txt"]


def test_the_command_withdraws_a_person_and_lists_the_things_it_cannot_recall(
    go: Go, settings: Tables, tmp_path: Path, gone: str
) -> None:
    go(settings | {"repeats": 1, "methods": ["full"]}, tmp_path / "run")
    found = CliRunner().invoke(app, ["withdraw", str(tmp_path / "run"), "--rater", gone])
    assert found.exit_code == 0
    assert "1 person withdrew: 2 pairs of ~hill left out" in found.stdout
    assert "these cannot be recalled:" in found.stdout
    unknown = CliRunner().invoke(app, ["withdraw", str(tmp_path / "run"), "--rater", "zz"])
    assert unknown.exit_code == 2
    assert "no pair of this run is by the rater 'zz'" in unknown.stderr


def test_nobody_else_changes_sides_under_the_hash(
    go: Go, settings: Tables, tmp_path: Path, gone: str
) -> None:
    def people(row: dict[str, Any]) -> list[int]:
        return sorted(row["pairs"].values())

    go(settings, tmp_path / "run")
    before = read_rows(tmp_path / "run" / "behind.jsonl")
    withdraw(tmp_path / "run", [gone])
    after = read_rows(tmp_path / "run" / "behind.jsonl")
    for old, new in zip(before, after, strict=True):
        assert old["people"] - new["people"] in {0, 1}
        assert sum(people(old)) - sum(people(new)) >= 0


def test_two_people_can_withdraw_one_after_the_other(
    go: Go, settings: Tables, tmp_path: Path, rows: list[dict[str, Any]], gone: str
) -> None:
    other = next(str(r["rater"]) for r in rows if r["community"] == "~coast")
    go(settings, tmp_path / "run")
    withdraw(tmp_path / "run", [gone])
    withdraw(tmp_path / "run", [other])
    go(settings, tmp_path / "both")
    withdraw(tmp_path / "both", [other, gone])
    assert files(tmp_path / "run") == files(tmp_path / "both")
    with pytest.raises(InvalidInput, match="has withdrawn already"):
        withdraw(tmp_path / "run", [gone])


def test_without_the_list_of_people_nobody_is_brought_back_and_receipts_are_never_replaced(
    go: Go, settings: Tables, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    small = settings | {"repeats": 1, "methods": ["full"]}
    go(small, tmp_path / "run")
    first, second, third = sorted({r["rater"] for r in rows if r["community"] == "~coast"})[:3]
    _, early = withdraw(tmp_path / "run", [first])
    _, late = withdraw(tmp_path / "run", [second])
    early.unlink()
    before = late.read_bytes()
    assert withdraw(tmp_path / "run", [third])[1].name == "receipt-0003.json"
    assert late.read_bytes() == before
    people = tmp_path / "run" / "withdrawals" / "people.json"
    kept = people.read_bytes()
    people.unlink()
    for work in (lambda: go(small, tmp_path / "run"), lambda: withdraw(tmp_path / "run", ["r1"])):
        with pytest.raises(DamagedFile, match="list of people who withdrew is missing"):
            work()
    people.write_bytes(kept)
    late.with_name("receipt-0003.json").write_text('{"people": []}')
    with pytest.raises(DamagedFile, match="not a receipt"):
        withdraw(tmp_path / "run", ["r1"])


def test_an_unknown_rater_is_named_and_nothing_is_touched(
    go: Go, settings: Tables, tmp_path: Path, gone: str
) -> None:
    go(settings, tmp_path / "run")
    before = files(tmp_path / "run")
    with pytest.raises(InvalidInput, match=r"no pair of this run is by the rater .*\n.*did you"):
        withdraw(tmp_path / "run", [f"{gone}x"])
    assert files(tmp_path / "run") == before


def test_a_run_without_raters_says_that_nobody_can_withdraw(
    go: Go, settings: Tables, tmp_path: Path, rows: list[dict[str, Any]], write_rows: Write
) -> None:
    path = write_rows(
        tmp_path / "shares.jsonl",
        [{k: v for k, v in row.items() if k != "rater"} for row in rows],
    )
    changed = {"pairs": {"source": "jsonl", "path": str(path)}, "split": {"by": "question"}}
    go(settings | changed, tmp_path / "run")
    with pytest.raises(InvalidInput, match="the pairs of this run have no raters"):
        withdraw(tmp_path / "run", ["r1"])


def test_a_folder_in_which_a_process_works_is_left_alone(
    go: Go, settings: Tables, tmp_path: Path, gone: str
) -> None:
    go(settings, tmp_path / "run")
    before = files(tmp_path / "run")
    with alone_in(tmp_path / "run"), pytest.raises(InvalidSettings, match="another process"):
        withdraw(tmp_path / "run", [gone])
    assert {k: v for k, v in files(tmp_path / "run").items() if k != ".lock"} == {
        k: v for k, v in before.items() if k != ".lock"
    }


def test_vectors_of_texts_that_nobody_else_gave_are_forgotten(tmp_path: Path) -> None:
    encoder = CachedEncoder(HashEncoder(), tmp_path)
    encoder.encode(["mine", "ours", "theirs"])
    assert forget_texts(["mine", "never seen"], tmp_path) == 1
    assert forget_texts(["mine"], tmp_path) == 0
    assert sum(len(CachedEncoder(HashEncoder(), tmp_path).encode([t])) for t in ("ours",)) == 1


def test_an_audit_after_a_withdrawal_reads_the_pairs_of_the_other_people(
    go: Go, settings: Tables, tmp_path: Path, gone: str
) -> None:
    go(settings | {"repeats": 1, "methods": ["full"]}, tmp_path / "run")
    withdraw(tmp_path / "run", [gone])
    outcome = run_audit(tmp_path / "run")
    evidence = outcome.record["evidence"]
    assert evidence["missing"] == []
    people = json.loads((tmp_path / "run" / "record.json").read_text())["people"]
    assert evidence["raters"] == sum(of["raters"] for of in people.values())
