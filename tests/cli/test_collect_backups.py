"""``pluralign collect backup``, ``restore`` and ``verify``, as an operator uses them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from durability.over_http import killed_server
from typer.testing import Result

Call = Callable[..., Result]


@pytest.fixture
def study(call: Call, tmp_path: Path) -> Path:
    found = call("collect", "init", tmp_path / "tea", "-c", "MEX")
    assert found.exit_code == 0, found.output
    assert call("collect", "invite", tmp_path / "tea", "-c", "MEX").exit_code == 0
    return tmp_path / "tea"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "safe" / "backups"


def test_a_study_is_backed_up_restored_and_verified(
    call: Call, study: Path, backups: Path, tmp_path: Path
) -> None:
    made = call("collect", "backup", study, backups)
    assert made.exit_code == 0, made.output
    assert "backed up 0 people and 0 answers to" in made.output
    assert "the backup is on the same disk" in made.output
    done = call("collect", "restore", backups, tmp_path / "again")
    assert done.exit_code == 0, done.output
    assert "people withdrawn again, because they left later: 0" in done.output
    for folder in (study, tmp_path / "again"):
        found = call("collect", "verify", folder)
        assert found.exit_code == 0, found.output
        assert "ok: rows of the audit log" in found.output


def test_verify_compares_the_log_with_a_published_head_and_fails_if_it_is_gone(
    call: Call, study: Path
) -> None:
    head = json.loads(call("collect", "verify", study, "--json").stdout)["head"]
    assert call("collect", "invite", study, "-c", "MEX").exit_code == 0
    assert call("collect", "verify", study, "--head", head).exit_code == 0
    found = call("collect", "verify", study, "--head", "0" * 64)
    assert (found.exit_code, "PROBLEM in rows of the audit log" in found.output) == (1, True)


def test_a_restore_overwrites_nothing_and_names_the_snapshots(
    call: Call, study: Path, backups: Path, tmp_path: Path
) -> None:
    nothing = call("collect", "restore", backups, tmp_path / "again")
    assert (nothing.exit_code, "has no backups" in nothing.stderr) == (2, True)
    assert call("collect", "backup", study, backups).exit_code == 0
    full = call("collect", "restore", backups, study)
    assert (full.exit_code, "the folder is not empty" in full.stderr) == (2, True)
    older = call("collect", "restore", backups, tmp_path / "again", "--at", "1999")
    assert (older.exit_code, "there is no backup of 1999" in older.stderr) == (2, True)
    assert "the newest 20" in older.stderr
    assert not (tmp_path / "again").exists()


def test_a_damaged_snapshot_is_refused(
    call: Call, study: Path, backups: Path, tmp_path: Path
) -> None:
    made = json.loads(call("collect", "backup", study, backups, "--json").stdout)
    (Path(made["snapshot"]) / "study.toml").write_text("", encoding="utf-8")
    found = call("collect", "restore", backups, tmp_path / "again")
    assert (found.exit_code, "study.toml" in found.stderr) == (2, True)
    assert "use another snapshot" in found.stderr


@pytest.mark.slow
def test_the_running_server_makes_the_backup_and_the_check(
    call: Call, study: Path, backups: Path, tmp_path: Path
) -> None:
    with killed_server(study, dict(os.environ)):
        made = call("collect", "backup", study, backups)
        assert made.exit_code == 0, made.output
        assert call("collect", "verify", study).exit_code == 0
    # The server was killed: the store is as it was, and so is its backup.
    assert call("collect", "verify", study).exit_code == 0
    assert call("collect", "restore", backups, tmp_path / "again").exit_code == 0
