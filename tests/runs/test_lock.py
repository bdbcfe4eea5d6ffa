"""Two processes never work in one folder: nothing is paid twice, nothing is overwritten."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.respondents.servers import Behaviour, completion, serving

from pluralign.core import InvalidSettings
from pluralign.runs.claim import claimed
from pluralign.runs.folder import RunFolder
from pluralign.runs.lock import alone_in

pytest.importorskip("openai")


def cli(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pluralign.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OPENAI_API_KEY": ""},
    )


@pytest.mark.slow
def test_of_two_processes_in_one_survey_folder_one_asks_and_the_other_is_refused(
    tmp_path: Path,
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def say(body: dict[str, Any]) -> tuple[int, bytes]:
        asked.set()
        assert go_on.wait(timeout=120)
        return 200, completion({"content": "1"})

    behaviour = Behaviour(say=say)
    with serving(behaviour) as url:
        command = ["survey", "run", "--survey", "society_survey", "--base-url", url, "--model", "m"]
        command += ["--set", "limit=4", "--out", str(tmp_path / "run")]
        first = cli(*command)
        assert asked.wait(timeout=120)
        second = cli(*command)
        refused = second.communicate(timeout=120)[1]
        go_on.set()
        first.communicate(timeout=120)

    assert (first.returncode, second.returncode) == (0, 2)
    assert f"another process ({first.pid}) works in this folder" in refused
    assert "Traceback" not in refused
    rows = (tmp_path / "run/recorded.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == sum(behaviour.asked.values())


def test_the_message_names_the_folder_and_the_process(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path / "run"),
        pytest.raises(
            InvalidSettings, match=rf"run: another process \({os.getpid()}\) works in this folder"
        ),
        alone_in(tmp_path / "run"),
    ):
        pass


@pytest.mark.slow
def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from pluralign.runs.lock import alone_in\n"
        "with alone_in(pathlib.Path(sys.argv[1])):\n"
        "    print('in', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    held = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout is not None
    assert held.stdout.readline() == "in\n"
    with pytest.raises(InvalidSettings, match=str(held.pid)), alone_in(tmp_path):
        pass
    held.kill()
    held.wait(timeout=30)
    held.communicate()

    with alone_in(tmp_path):
        pass


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_is_worked_in_is_not_begun_anew(tmp_path: Path, fresh: bool) -> None:
    folder = RunFolder(tmp_path / "run")
    with claimed(folder, "mine", fresh=False):
        folder.write_json("results.json", {"n": 1})
        with (
            pytest.raises(InvalidSettings, match="another process"),
            claimed(folder, "mine", fresh=fresh),
        ):
            pass

        assert folder.read_json("results.json") == {"n": 1}


def test_a_folder_of_something_else_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with (
        pytest.raises(InvalidSettings, match="contains no run"),
        claimed(RunFolder(tmp_path), "x", fresh=True),
    ):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_with_only_a_lock_can_be_claimed(tmp_path: Path) -> None:
    with alone_in(tmp_path):
        pass

    with claimed(RunFolder(tmp_path), "x", fresh=False) as faults:
        assert faults is None
