"""A study in a folder that this user cannot write to: every command says so, and what to do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pluralign.cli.main import app

COMMANDS = [
    "backup STUDY BACKUPS",
    "candidates STUDY --model tiny --base-url http://127.0.0.1:9/v1",
    "close STUDY",
    "dossier STUDY --out OUT",
    "export STUDY --out OUT",
    "invite STUDY --community MEX",
    "pause STUDY",
    "propose STUDY --purpose train",
    "release STUDY --purpose train --steward Ana",
    "release STUDY --purpose train --steward Ana --yes",
    "resume STUDY",
    "serve STUDY --port 0",
    "status STUDY",
    "steward add STUDY Ben",
    "steward link STUDY Ana",
    "steward list STUDY",
    "steward revoke STUDY Ana",
    "verify STUDY",
    "withdraw STUDY --participant somebody",
    "withdraw STUDY --pending",
]
ELSEWHERE = {"demo", "init", "restore"}
"""Commands that make a new folder."""
AFTER_A_RUN = {"used", "changed"}
"""Commands that read a run first, and then note it as the others do."""
PROGRAM = """
import json, sys
from typer.testing import CliRunner
from pluralign.cli.main import app
for command in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, ["collect", *command])
    print(json.dumps([done.exit_code, done.output]))
"""


def _without_rights() -> list[str]:
    """The beginning of a command whose user cannot write to read-only folders."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root can write everywhere, and setpriv is not installed")
    return ["setpriv", "--bounding-set=-dac_override", "--"]


def test_a_read_only_folder_gets_the_same_clear_message_from_every_command(tmp_path: Path):
    study = tmp_path / "tea"
    for given in (
        ["init", str(study), "--community", "MEX"],
        ["steward", "add", str(study), "Ana"],
    ):
        assert CliRunner().invoke(app, ["collect", *given]).exit_code == 0
    before = {path.name: path.read_bytes() for path in study.iterdir()}
    study.chmod(0o555)
    places = {"STUDY": str(study), "BACKUPS": str(tmp_path / "b"), "OUT": str(tmp_path / "out")}
    commands = [[places.get(word, word) for word in one.split()] for one in COMMANDS]
    run = [*_without_rights(), sys.executable, "-c", PROGRAM, json.dumps(commands)]
    try:
        done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120)
    finally:
        study.chmod(0o755)
    for command, line in zip(COMMANDS, done.stdout.splitlines(), strict=True):
        status, output = json.loads(line)
        assert (command, status) == (command, 2)
        assert f"{study}: the folder of the study is read-only for this user" in output, command
        assert "give the command as the user who owns the folder" in output, command
    assert {path.name: path.read_bytes() for path in study.iterdir()} == before
    assert not (tmp_path / "out").exists()


def test_every_command_is_tried():
    known = set(typer.main.get_command(app).commands["collect"].loaded.commands)
    assert known == {one.split()[0] for one in COMMANDS} | ELSEWHERE | AFTER_A_RUN
