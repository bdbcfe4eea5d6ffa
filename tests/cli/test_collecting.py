"""``pluralign collect``: a new study, its server, and commands while the server runs."""

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from pluralign.collecting.operations import SERVER_FILE
from pluralign.collecting.study import open_study

Call = Callable[..., Result]


@pytest.fixture
def study(call: Call, tmp_path: Path) -> Path:
    found = call("collect", "init", tmp_path / "tea", "-c", "MEX", "-c", "~hill")
    assert found.exit_code == 0, found.output
    return tmp_path / "tea"


@pytest.fixture
def serve(study: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], str]]]:
    """``serve()`` starts the study's server; its process and its address."""
    processes = []

    def start() -> tuple[subprocess.Popen[str], str]:
        words = [sys.executable, "-m", "pluralign.cli.main", "collect", "serve", str(study)]
        process = subprocess.Popen(
            [*words, "--port", "0"], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        processes.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"serving .* at (http://\S+);", line):
                return process, found[1]
        raise AssertionError("the server did not start")

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def test_a_new_study_can_be_served_as_it_is_and_marks_its_texts_as_drafts(
    call: Call, study: Path
) -> None:
    found = open_study(study).settings
    assert [one.id for one in found.communities] == ["MEX", "~hill"]
    assert {one.read_by for one in found.texts.values()} == {""}
    assert "NOT LEGAL ADVICE" in (study / "study.toml").read_text("utf-8")
    rows = [json.loads(line) for line in (study / "prompts.jsonl").open(encoding="utf-8")]
    assert {row["language"] for row in rows} == set(found.languages)
    assert all(len(row["responses"]) >= 3 for row in rows)
    assert {"/secret", "/.server.json", "/*.db"} <= set(
        (study / ".gitignore").read_text("utf-8").splitlines()
    )
    again = call("collect", "init", study)
    assert (again.exit_code, "has a study already" in again.stderr) == (2, True)


@pytest.mark.parametrize("language", ["en", "es", "ar", "hi"])
def test_the_consent_template_explains_the_same_in_every_language(
    study: Path, language: str
) -> None:
    texts = tomllib.loads((study / "study.toml").read_text("utf-8"))["texts"]
    own, english = texts[language], texts["en"]
    for key in ("consent", "policy", "about"):
        assert own[key].count("###") == english[key].count("###")
        assert own[key].count("[") == english[key].count("[")
        assert own[key].count("\n- ") == english[key].count("\n- ")


def test_an_invitation_and_the_status_of_a_study_that_is_not_served(
    call: Call, study: Path, tmp_path: Path
) -> None:
    made = call("collect", "invite", study, "-c", "MEX", "--qr", tmp_path / "poster.svg")
    assert re.match(r"http://127.0.0.1:8000/join/[\w-]{22}\n", made.stdout)
    assert (tmp_path / "poster.svg").read_text("utf-8").startswith("<?xml")
    lost = call("collect", "invite", study, "-c", "MEX", "--qr", tmp_path / "no" / "poster.svg")
    assert (lost.exit_code, "/join/" in lost.stdout) == (2, True)
    unknown = call("collect", "invite", study, "-c", "FRA")
    assert (unknown.exit_code, "name one of MEX, ~hill" in unknown.stderr) == (2, True)
    thin = call("collect", "invite", study, "--thin-first")
    assert (thin.exit_code, "an invitation for MEX" in thin.stderr) == (0, True)
    for wrong in ([], ["-c", "MEX", "--thin-first"]):
        assert call("collect", "invite", study, *wrong).exit_code == 2
    found = json.loads(call("collect", "status", study, "--json").stdout)
    assert found["communities"][1] == {
        "community": "~hill",
        "people": 0,
        "hoped": 50,
        "answers": 0,
        "texts": 0,
    }
    assert call("collect", "pause", study).exit_code == 0
    assert json.loads(call("collect", "status", study, "--json").stdout)["state"] == "paused"


def test_a_prompt_that_cannot_be_read_is_named_before_anything_starts(
    call: Call, study: Path
) -> None:
    rows: dict[str, Any] = {"prompt": "Tea?", "responses": ["Yes"], "language": "en"}
    with (study / "prompts.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(rows) + "\n")
    found = call("collect", "serve", study, "--port", "0")
    assert (found.exit_code, "prompts.jsonl, line 21" in found.stderr) == (2, True)
    assert not (study / "store.db").exists()


@pytest.mark.slow
def test_commands_ask_the_running_server_and_open_the_store_after_it_was_killed(
    call: Call, study: Path, serve: Callable[[], tuple[subprocess.Popen[str], str]]
) -> None:
    process, address = serve()
    assert (study / SERVER_FILE).stat().st_mode & 0o077 == 0
    link = call("collect", "invite", study, "-c", "MEX").stdout.splitlines()[0]
    assert link.startswith(f"{address}/join/")
    assert "You are invited" in _read(link)
    second = call("collect", "serve", study, "--port", "0")
    assert (second.exit_code, "another process" in second.stderr) == (2, True)
    process.kill()
    process.wait()
    assert (study / SERVER_FILE).exists()
    assert call("collect", "status", study).exit_code == 0
    process, address = serve()
    assert "You are invited" in _read(f"{address}/join/{link.rpartition('/')[2]}")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert not (study / SERVER_FILE).exists()
