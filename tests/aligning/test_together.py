"""Negatively-correlated sampling: several answers in one call, retries, failures, coverage."""

import json
from dataclasses import dataclass, field

import pytest

from pluralign.aligning import align_run, compare_coverage, run_align
from pluralign.core import InvalidInput, InvalidSettings, NotEnoughData, Reply
from pluralign.runs.folder import read_rows
from pluralign.settings import resolve_align
from pluralign.simulation.bank import PHRASES

SENTENCES = [pole[0] for poles in PHRASES.values() for pole in poles]


@dataclass
class Scripted:
    """A chat model: asked for several answers it writes them, unless it has a bad day."""

    bad: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    name: str = "scripted"
    fingerprint: str = "scripted 1"

    def complete(self, conversations, sampling, heard=None):
        replies = []
        for i, (turn,) in enumerate(conversations):
            prompt = turn.content.rpartition("\n\n")[2]
            self.asked.append((prompt, sampling.seed, sampling.max_new_tokens))
            start = sum(map(ord, prompt)) + sampling.seed
            chosen = [SENTENCES[(start + 3 * k) % len(SENTENCES)] for k in range(4)]
            if self.bad.get(prompt, 0) > 0:
                self.bad[prompt] -= 1
                chosen = chosen[:3]
            replies.append(Reply("\n".join(f"### {text}" for text in chosen)))
            if heard is not None:
                heard(i, replies[-1])
        return replies


@pytest.fixture
def run(tables, tmp_path, monkeypatch):
    """A function that samples and scores with a scripted model."""

    def run(chat, out="run", **sample):
        monkeypatch.setattr(align_run, "open_chat_model", lambda *_: chat)
        tables["sample"] = {"n": 8, "kind": "negatively-correlated"} | sample
        tables["prompts"]["limit"] = 40
        return run_align(tables, tmp_path / out, until="score"), tmp_path / out

    return run


def test_each_call_asks_for_four_answers_with_room_for_all_of_them(run):
    chat = Scripted()
    outcome, out = run(chat, max_new_tokens=30)
    assert len(chat.asked) == 80  # two calls for each of 40 prompts
    assert {room for _, _, room in chat.asked} == {120}
    rows = read_rows(out / "sample/candidates.jsonl")
    assert len(rows) == 320
    assert outcome.stages["sample"]["failed"] == 0
    by_prompt = {}
    for row in rows:
        by_prompt.setdefault(row["prompt"], set()).add(row["number"])
    assert set(map(frozenset, by_prompt.values())) == {frozenset(range(8))}


def test_a_wrong_number_of_answers_is_asked_for_again_and_then_counted(run):
    chat = Scripted()
    run(chat, "first")
    twice, always = (prompt for prompt, _, _ in chat.asked[:2])
    worse = Scripted(bad={twice: 2, always: 99})
    outcome, out = run(worse)
    assert [seed for prompt, seed, _ in worse.asked if prompt == twice][:3] == [0, 1, 2]
    summary = outcome.stages["sample"]
    assert summary["failed"] == 8
    assert summary["reasons of failures"] == {"the reply has 3 answers instead of 4": 8}
    assert len(read_rows(out / "sample/candidates.jsonl")) == 312
    scored = {row["prompt"] for row in read_rows(out / "score/rewards.jsonl")}
    assert len(scored) == 39


def test_a_stopped_sampling_goes_on_with_the_answers_that_are_missing(run):
    _, whole = run(Scripted(), "whole")
    _, out = run(Scripted())
    path = out / "sample/candidates.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:50]))
    (out / "sample/summary.json").unlink()
    again = Scripted()
    run(again)
    assert len(again.asked) == 68  # without the first twelve prompts, whose first four are there
    key = lambda row: (row["prompt"], row["number"], row["text"])  # noqa: E731
    assert sorted(map(key, read_rows(path))) == sorted(
        map(key, read_rows(whole / "sample/candidates.jsonl"))
    )


def test_a_model_that_never_follows_the_instruction_is_named_with_the_reason(run, prompts):
    texts = [json.loads(line)["prompt"] for line in prompts.read_text().splitlines()]
    with pytest.raises(NotEnoughData, match="answered no prompt") as error:
        run(Scripted(bad=dict.fromkeys(texts, 99)))
    assert "3 answers instead of 4" in str(error.value)


def test_calls_of_four_answers_need_a_multiple_of_four(tables):
    tables["sample"] = {"n": 6, "kind": "negatively-correlated"}
    with pytest.raises(InvalidSettings, match=r"in_one_call \(4\) must divide sample.n \(6\)"):
        resolve_align(tables)


def _scored(folder, rewards):
    """A run whose answers have these rewards: prompt -> answers -> communities."""
    rows = [
        {"prompt": p, "number": k, "reward": dict(zip("AB", values, strict=True))}
        for p, answers in rewards.items()
        for k, values in enumerate(answers)
    ]
    (folder / "score").mkdir(parents=True)
    path = folder / "score/rewards.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_answers_that_differ_in_values_cover_more_communities(tmp_path):
    alike = {"p": [(2.0, 0.0), (1.0, -1.0)], "q": [(0.0, 2.0), (-1.0, 1.0)]}
    apart = {"p": [(2.0, 0.0), (0.0, 2.0)], "q": [(0.0, 2.0), (2.0, 0.0)], "r": [(1.0, 1.0)] * 2}
    rows = compare_coverage(_scored(tmp_path / "a", alike), _scored(tmp_path / "b", apart))
    found = {(row["metric"], row["way"]): row["value"] for row in rows}
    assert found["covered", "before"] == 0.5
    assert found["covered", "after"] == 1.0
    assert found["favourites", "difference"] == 0.5
    assert {row["n"] for row in rows} == {2}  # the third prompt is in one run only


def test_runs_of_other_sizes_are_not_compared(tmp_path):
    two = _scored(tmp_path / "a", {"p": [(1.0, 1.0)] * 2, "q": [(1.0, 1.0)] * 2})
    three = _scored(tmp_path / "b", {"p": [(1.0, 1.0)] * 3, "q": [(1.0, 1.0)] * 3})
    with pytest.raises(InvalidInput, match=r"\(2, 2\) and \(3, 2\)"):
        compare_coverage(two, three)
