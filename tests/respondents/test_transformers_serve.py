"""The endpoint respondent with a real server: ``transformers serve`` with a tiny model."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pluralign.asking import load_strategy, put
from pluralign.cli.main import app
from pluralign.core import Sampling
from pluralign.respondents.chat import ChatRespondent
from pluralign.respondents.endpoint import EndpointChatModel, EndpointSettings
from pluralign.respondents.local import load_chat_model
from pluralign.runs.folder import read_rows
from pluralign.simulation import SocietySurvey

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def server(tiny_chat_model: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("transformers")),
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(
        [*command, "--device", "cpu"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for _ in range(240):
            if process.poll() is not None:
                pytest.fail(f"the server ended: {process.stdout.read() if process.stdout else ''}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
                break
            except OSError:
                time.sleep(0.25)
        else:
            pytest.fail("the server did not start in a minute")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait(timeout=10)


@pytest.mark.slow
def test_a_real_server_gives_the_words_that_the_same_model_writes_here(
    server: str, tiny_chat_model: Path
) -> None:
    survey = SocietySurvey(questions=3).survey()
    asks = put(load_strategy("culture_aware"), survey, ["~hill", "~river"])
    sampling = Sampling(temperature=0.0, max_new_tokens=6)
    chat = EndpointChatModel(
        EndpointSettings(str(tiny_chat_model), server, concurrency=2, timeout_s=60)
    )
    there = ChatRespondent(chat, sampling).answer(asks)
    here = ChatRespondent(load_chat_model(str(tiny_chat_model), device="cpu"), sampling).answer(
        asks
    )
    assert [reply.failure for reply in there] == [None] * 6
    assert [reply.text for reply in there] == [reply.text for reply in here]


def one_that_writes_digits(model: Path, folder: Path) -> Path:
    """A copy of a model that may write nothing but 1, 2, 3 or 4."""
    shutil.copytree(model, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"] | {
        added["content"]: added["id"] for added in tokenizer["added_tokens"]
    }
    path = folder / "generation_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["suppress_tokens"] = [
        id_ for token, id_ in vocabulary.items() if token not in set("1234")
    ]
    path.write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_a_survey_is_run_from_the_command_line_against_a_real_server(
    server: str, tiny_chat_model: Path, tmp_path: Path
) -> None:
    model = one_that_writes_digits(tiny_chat_model, tmp_path / "digits")
    words = [
        "survey",
        "run",
        "--survey",
        "society_survey",
        "--base-url",
        server,
        "--model",
        str(model),
    ]
    words += ["-s", "culture_aware", "-c", "~hill", "-c", "~river", "--out", str(tmp_path / "run")]
    for setting in (
        "limit=4",
        "model.called=tiny",
        "sampling.max_new_tokens=1",
        "model.concurrency=2",
    ):
        words += ["--set", setting]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    rows = read_rows(tmp_path / "run/recorded.jsonl")
    assert [row["model"] for row in rows] == ["tiny"] * 8
    assert {row["answer"] for row in rows} <= set("1234")
    results = read_rows(tmp_path / "run/results.jsonl")
    assert {row["value"] for row in results if row["metric"] == "refusal_rate"} == {0}
    assert any(
        row["metric"] == "cultural_alignment_score" and row["model"] == "tiny" for row in results
    )
