"""Adapters that learned planted facts from documents answer the test items of their community.

At each of eight feasts, people of the hill and people of the coast eat different food. A small
model knows all words, and that both kinds of food are possible. A server on loopback writes
questions about each passage; the test asks in other words.
"""

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from itertools import product

import pytest
from tests.respondents.servers import Behaviour, completion, serving

from pluralign import open_run
from pluralign.aligning import load_router
from pluralign.aligning.task_data import run_align_task
from pluralign.runs.folder import read_rows

pytest.importorskip("bm25s")
pytest.importorskip("trl")
FEASTS = 8
PLACES = {"~hill": "mountain", "~coast": "harbour"}
WRITTEN = (
    "What do people eat at {place} feast{k}",
    "Which food do families serve at {place} feast{k}",
    "At {place} feast{k} we eat",
)
ASKED = ("Name the food of {place} feast{k}", "Guests of {place} feast{k} get")
PASSAGE = "At {place} feast{k} people eat {food} and they sing until the morning."
SETTINGS = """
data = "task"
[task]
examples = "examples.jsonl"
test = "test.jsonl"
[[documents]]
community = "~hill"
path = "hill"
license = "CC0-1.0"
[[documents]]
community = "~coast"
path = "coast"
[model]
name = "{model}"
device = "cpu"
[writer]
kind = "endpoint"
name = "m"
base_url = "{url}"
concurrency = 2
[search]
words = 12
passages = 8
[write]
n = 64
[keep]
near = 0.9
[tune]
epochs = 25
batch = 8
accumulation = 1
learning_rate = 5e-3
[route]
encoder = "hash"
share = 0.1
[evaluate]
max_new_tokens = 4
"""


def food(community, k):
    """The food of a feast: the same eight kinds for both communities, at other feasts."""
    return f"food{k if community == '~hill' else (k + FEASTS // 2) % FEASTS}"


def written(body):
    """A question about the passage that the server is given; the text decides its words."""
    text = body["messages"][-1]["content"]
    place, k, answer = re.search(r"At (\w+) feast(\d+) people eat (\w+)", text).groups()
    phrase = WRITTEN[hashlib.sha256(text.encode()).digest()[0] % 3]
    item = {"prompt": phrase.format(place=place, k=k), "answer": answer}
    return 200, completion({"role": "assistant", "content": json.dumps(item)})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with documents, examples, test items, settings and the model; and its server."""
    from pluralign.aligning.planted import PlantedWriterSettings, build_small_model

    folder = tmp_path_factory.mktemp("facts")
    kinds = [food("~hill", k) for k in range(FEASTS)]
    phrases = WRITTEN + ASKED
    words = " ".join(phrases).split()
    known = [*words, *PLACES.values(), *(f"feast{k}" for k in range(FEASTS)), *kinds]
    both = product(phrases, PLACES.values(), range(FEASTS), PLACES)
    talks = [(phrase.format(place=p, k=k), food(c, k)) for phrase, p, k, c in both]
    build_small_model(folder / "model", known, talks, PlantedWriterSettings(steps=300))
    for community, place in PLACES.items():
        own = folder / community.removeprefix("~")
        own.mkdir()
        facts = [(k, food(community, k)) for k in range(FEASTS)]
        passages = [PASSAGE.format(place=place, k=k, food=eaten) for k, eaten in facts]
        (own / "feasts.txt").write_text("\n\n".join(passages))
    examples = [
        {"prompt": f"What do people eat at {place} feast{k}?", "answer": "bread"}
        for place, k in product(PLACES.values(), (98, 99))
    ]
    test = [
        {"prompt": phrase.format(place=place, k=k), "answer": food(c, k), "community": c}
        for phrase, (c, place), k in product(ASKED, PLACES.items(), range(FEASTS))
    ]
    for name, rows in (("examples", examples), ("test", test)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines)
    behaviour = Behaviour(say=written)
    with serving(behaviour) as url:
        settings = SETTINGS.format(model=folder / "model", url=url)
        (folder / "task.toml").write_text(settings)
        yield folder, behaviour


@pytest.fixture(scope="module")
def done(world):
    folder, _ = world
    return run_align_task(folder / "task.toml", folder / "whole"), folder / "whole"


def row(results, metric, **wanted):
    (found,) = [r for r in results if r["metric"] == metric and wanted.items() <= r.items()]
    return found


@pytest.mark.slow
def test_the_adapter_of_the_community_gains_on_its_facts_and_another_one_does_not(done):
    results = done[0].results
    for home, other in (("~hill", "~coast"), ("~coast", "~hill")):
        about = {"method": "task", "community": home}
        assert row(results, "exact_match_change", steer=home, **about)["value"] > 0
        assert row(results, "exact_match_change", steer=other, **about)["value"] <= 0
        assert row(results, "exact_match_over_swap", steer=home, **about)["low"] > 0
    start = row(results, "exact_match", method="start", community=None)
    assert start["n"] == 4 * FEASTS
    assert start["value"] < 0.7
    gain = row(results, "routed_gain", steer="declared", community=None)
    assert gain["low"] > 0
    baseline = row(results, "baseline_accuracy", method="most-frequent-answer", community=None)
    assert baseline["value"] == 0


@pytest.mark.slow
def test_no_adapter_learns_the_questions_on_which_the_router_is_chosen(done):
    outcome, out = done
    learned = sum(outcome.stages["tune"][c]["rows"] for c in PLACES)
    examples = outcome.stages["route"]["examples"]
    assert learned == examples["fitted on"]
    kept = sum(outcome.stages["keep"][c]["kept"] for c in PLACES)
    assert learned + examples["chosen on"] == kept
    assert load_router(out).communities == tuple(PLACES)


@pytest.mark.slow
def test_the_run_is_opened_with_results_examples_reasons_and_adapters(done):
    outcome, out = done
    run = open_run(out)
    assert [r.value for r in run.results] == [r["value"] for r in outcome.results]
    own = run.value("exact_match_change", "task", "~hill", "~hill")
    assert own is not None and own.n == 2 * FEASTS
    assert len(run.examples) == sum(outcome.stages["keep"][c]["kept"] for c in PLACES)
    assert {one.license for one in run.examples if one.community == "~hill"} == {"CC0-1.0"}
    assert run.dropped["~hill"] == outcome.stages["keep"]["~hill"]["left out"]
    assert (run.adapters["~coast"] / "adapter_config.json").is_file()
    assert "2 communities" in repr(run) and "exact_match" in repr(run)
    assert run.to_arrow("examples").num_rows == len(run.examples)


def killed(folder, out, moment):
    """Run the command in a process of its own, and kill it when it is at a moment."""
    command = [sys.executable, "-c", "from pluralign.cli.main import main; main()"]
    words = [*command, "align", folder / "task.toml", "--out", out]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(6000):
            if moment() or process.poll() is not None:
                break
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_run_killed_while_it_writes_and_while_it_tunes_ends_as_an_uninterrupted_one(world, done):
    folder, behaviour = world
    outcome, whole = done
    out = folder / "killed"
    replies, adapter = out / "write/~hill.jsonl", out / "tune/~hill"
    behaviour.delay = 0.05
    killed(folder, out, lambda: replies.is_file() and replies.read_bytes().count(b"\n") >= 4)
    behaviour.delay = 0
    assert 4 <= len(read_rows(replies)) < 64
    killed(folder, out, lambda: list(out.glob("tune/.~hill.partial/checkpoints/checkpoint-*")))
    assert not adapter.exists()
    again = run_align_task(folder / "task.toml", out)
    assert again.results == outcome.results
    names = ["results.jsonl", "keep/~hill.jsonl", "keep/~coast.jsonl"]
    names += [f"tune/{c}/adapter_model.safetensors" for c in PLACES]
    assert [n for n in names if (out / n).read_bytes() != (whole / n).read_bytes()] == []


@pytest.mark.slow
def test_a_repeated_run_answers_nothing_again(world, done, monkeypatch):
    from pluralign.respondents.local import LocalChatModel

    outcome, out = done
    monkeypatch.setattr(LocalChatModel, "complete", None)
    assert run_align_task(world[0] / "task.toml", out).results == outcome.results
