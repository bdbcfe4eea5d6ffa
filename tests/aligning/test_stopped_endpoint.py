"""A server that stops half-way: all that it answered is kept, and the same command goes on."""

import json

import pytest
from tests.respondents.servers import Behaviour, completion, serving

from pluralign.aligning import read_align_stage, run_align
from pluralign.runs.folder import read_rows
from pluralign.simulation.bank import PHRASES

PHRASE = [phrase for phrases in PHRASES.values() for side in phrases for phrase in side]


def _dies_after(answers, asked):
    """A server that answers as many requests, each with another text, and then fails."""

    def say(body):
        with asked.lock:
            number = len(asked.bodies)
        if number > answers:
            return 500, json.dumps({"error": {"message": "out of memory"}}).encode()
        text = PHRASE[number % len(PHRASE)]
        return 200, completion({"role": "assistant", "content": text})

    return say


@pytest.fixture
def prompts_of_a_server(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"Plan {k}?"}) + "\n" for k in range(60)))
    return path


def _tables(url, rewards, prompts):
    return {
        "model": {
            "kind": "endpoint",
            "name": "the-model",
            "base_url": f"{url}/v1",
            "retries": 0,
            "concurrency": 1,
        },
        "reward": {"model": str(rewards / "model")},
        "prompts": {"path": str(prompts), "test": 0.4, "validation": 0.3},
        "sample": {"n": 2},
    }


@pytest.mark.slow
def test_answers_are_kept_and_only_the_missing_ones_are_asked_for_again(
    rewards, prompts_of_a_server, tmp_path, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    out, behaviour = tmp_path / "run", Behaviour()
    behaviour.say = _dies_after(90, behaviour)
    with serving(behaviour) as url:
        tables = _tables(url, rewards, prompts_of_a_server)
        run_align(tables, out, until="sample")
        kept = read_rows(out / "sample/candidates.jsonl")
        summary = read_align_stage(out, "sample")
        assert len(kept) == 90
        assert summary["failed"] == 30
        ((reason, failures),) = summary["reasons of failures"].items()
        assert "out of memory" in reason
        assert failures == 30
        asked = len(behaviour.bodies)
        behaviour.say = _dies_after(10_000, behaviour)
        outcome = run_align(tables, out)
        assert len(behaviour.bodies) - asked == 30
    rows = read_rows(out / "sample/candidates.jsonl")
    assert rows[:90] == kept
    assert len(rows) == 120
    assert outcome.stages["sample"]["failed"] == 0
    assert outcome.results
