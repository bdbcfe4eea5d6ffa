"""A real server process with a small language model and adapters, asked by OpenAI's client."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
openai = pytest.importorskip("openai")
pytestmark = pytest.mark.slow
TALK = [{"role": "user", "content": "What matters in life?"}]
_SECONDS = 90.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Path:
    """Folder of a run as `pluralign align` leaves it, with adapters by chance."""
    from pluralign.aligning.planted import PlantedWriterSettings, build_planted_writer

    folder = tmp_path_factory.mktemp("policies")
    build_planted_writer(folder / "writer", PlantedWriterSettings(replies=500, steps=40))
    for seed, community in enumerate(("~coast", "~hill")):
        _write_adapter(folder / "writer", folder / "run/tune/raft" / community, seed)
    settings = {
        "methods": ["raft"],
        "communities": ["~coast", "~hill"],
        "model": {"name": str(folder / "writer"), "device": "cpu"},
        "reward": {"model": str(model_folder)},
        "prompts": {"path": str(folder / "prompts.jsonl")},
    }
    (folder / "run/settings.json").write_text(json.dumps(settings))
    return folder / "run"


def _write_adapter(model: Path, folder: Path, seed: int) -> None:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = peft.LoraConfig(r=2, lora_alpha=8, target_modules="all-linear")
    adapted = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.3)
    adapted.save_pretrained(folder)


@pytest.fixture(scope="module")
def remote(run: Path, model_folder: Path) -> Iterator[Any]:
    """A client of `pluralign serve MODEL --policies RUN` in a process of its own."""
    words = ["serve", str(model_folder), "--policies", str(run), "--name", "tea", "--port", "0"]
    command = [sys.executable, "-m", "pluralign.cli.main", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            address = re.search(r"http://[\d.]+:\d+", server.stderr.readline())
            assert address is not None
            url = f"{address[0]}/v1"
            with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
                _wait_until_ready(client)
                yield client
        finally:
            server.terminate()
            server.communicate(timeout=_SECONDS)
    assert server.returncode == 0


def _wait_until_ready(client: Any) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            client.models.list()
            return
        except openai.APIConnectionError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.1)


def ask(remote: Any, model: str, **more: Any) -> Any:
    given = {"messages": TALK, "max_tokens": 12, "seed": 1} | more
    return remote.chat.completions.create(model=model, **given)


def words_of(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_every_listed_name_and_a_blend_answer_as_they_are_told(remote: Any) -> None:
    names = [one.id for one in remote.models.list().data if "chat" in one.serves]
    assert {"tea", "tea@~coast", "tea@~hill", "tea+bo8@~hill"} <= {*names}
    answers = {name: ask(remote, name) for name in (*names, "tea@~coast=0.6,~hill=0.4")}
    assert all(words_of(answer) for answer in answers.values())
    assert answers["tea"].pluralign["steer"] == {}
    assert answers["tea@~hill"].pluralign["steer"] == {"~hill": 1.0}
    assert answers["tea@~hill"].pluralign["people"]["~hill"] > 10
    blend = answers["tea@~coast=0.6,~hill=0.4"].pluralign
    assert blend["steer"] == {"~coast": 0.6, "~hill": 0.4}
    assert blend["people"].keys() == {"~coast", "~hill"}
    assert answers["tea+bo8@~hill"].pluralign["reward"] is not None
    alone = {words_of(answers[name]) for name in ("tea", "tea@~coast", "tea@~hill")}
    assert len(alone) > 1  # adapters change the words


def test_a_stream_has_the_words_of_the_whole_answer(remote: Any) -> None:
    whole = ask(remote, "tea@~hill")
    chunks = list(ask(remote, "tea@~hill", stream=True))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(pieces) == words_of(whole)
    assert sum(map(bool, pieces)) > 1
    assert chunks[-1].pluralign == whole.pluralign


def test_clients_at_once_get_the_answers_that_they_get_alone(remote: Any) -> None:
    names = ["tea@~coast", "tea@~hill", "tea"] * 2
    alone = [words_of(ask(remote, name)) for name in names]
    with ThreadPoolExecutor(6) as clients:
        assert [words_of(one) for one in clients.map(lambda n: ask(remote, n), names)] == alone


def test_a_stream_that_is_cut_leaves_the_server_working(remote: Any) -> None:
    stream = ask(remote, "tea@~hill", stream=True, max_tokens=100)
    next(iter(stream))
    stream.close()
    assert words_of(ask(remote, "tea@~hill"))


def test_rewards_and_chat_are_behind_one_port(remote: Any) -> None:
    assert len(remote.embeddings.create(model="tea", input="Tea?").data) == 1
    assert remote.post("/rerank", body={"query": "Tea?", "documents": ["Yes."]}, cast_to=object)
    with pytest.raises(openai.UnprocessableEntityError, match="fewer than"):
        ask(remote, "tea", messages=[{"role": "user", "content": "Tea? " * 2000}])
