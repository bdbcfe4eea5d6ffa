"""A model writes examples of a task from documents; a stopped run loses nothing."""

import json
import re

import numpy as np
import pytest

from pluralign import open_run
from pluralign.aligning import load_router
from pluralign.aligning.result_rows import START_MODEL, MeasuredPolicy
from pluralign.aligning.task_data import (
    evaluating,
    read_task_stage,
    routing,
    run_align_task,
    task_run,
)
from pluralign.aligning.task_data.measuring import TASK, TaskPolicy
from pluralign.core import InvalidInput, InvalidSettings, NotEnoughData, Reply
from pluralign.runs.folder import read_rows

pytest.importorskip("bm25s")
SENTENCE = "On day {k} the {place} cook number {k} serves dish {k}{k} to family {k}{k}{k}."


class Writer:
    """Asks for words of the passage; stops after some replies where it is told to."""

    name = fingerprint = "writer"

    def __init__(self, stop_after=None):
        self.asked, self.stop_after = 0, stop_after

    def complete(self, conversations, sampling, heard=None):
        replies = []
        for i, talk in enumerate(conversations):
            if self.stop_after is not None and self.asked >= self.stop_after:
                raise InvalidInput("the server is gone", where="http://127.0.0.1:1")
            self.asked += 1
            words = re.search(r"Text:\n\n(.*?)\n\nItems", talk[-1].content, re.S)[1].split()
            options = [" ".join(words[5:8]), "nobody", f"family {sampling.seed}"]
            found = {"question": " ".join(words), "options": options, "answer": "A"}
            replies.append(Reply(text=json.dumps(found), finish_reason="stop"))
            if heard is not None:
                heard(i, replies[-1])
        return replies


@pytest.fixture
def tables(tmp_path):
    for place in ("hill", "coast"):
        folder = tmp_path / place
        folder.mkdir()
        lines = [SENTENCE.format(k=k, place=place) for k in range(9)]
        (folder / "days.txt").write_text("\n\n".join(lines))
    examples = [
        {"question": f"Who serves dish {k} on a day?", "options": ["cook", "family"], "answer": "A"}
        for k in range(3)
    ]
    test = {"question": SENTENCE.format(k=4, place="hill"), "options": ["a", "b"], "answer": "a"}
    rows = {"examples": examples, "test": [test]}
    for name, own in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    return {
        "task": {name: str(tmp_path / f"{name}.jsonl") for name in rows},
        "documents": [
            {"community": "~hill", "path": str(tmp_path / "hill"), "license": "CC-BY-4.0"},
            {"community": "~coast", "path": str(tmp_path / "coast")},
        ],
        "model": {"name": "any", "device": "cpu"},
        "search": {"words": 14, "passages": 9},
        "write": {"n": 9},
    }


@pytest.fixture
def opened(monkeypatch):
    """Sets the model that is opened."""
    return lambda chat: monkeypatch.setattr(task_run, "open_chat_model", lambda *_: chat)


def test_examples_are_grounded_in_documents_of_their_community_and_keep_document_and_licence(
    tables, opened, tmp_path
):
    opened(Writer())
    outcome = run_align_task(tables, tmp_path / "run", until="keep")
    rows = read_rows(tmp_path / "run/keep/~hill.jsonl")
    assert {row["document"] for row in rows} == {"days.txt"}
    assert {row["license"] for row in rows} == {"CC-BY-4.0"}
    assert all("hill" in row["question"] and row["answer"] in row["options"] for row in rows)
    assert outcome.stages["keep"]["~hill"] == {
        "kept": 8,
        "documents": 1,
        "left out": {"a near copy of a test item": 1},
    }
    assert outcome.stages["keep"]["~coast"]["kept"] == 8
    assert read_task_stage(tmp_path / "run", "search")["~hill"]["passages found"] == 9
    assert outcome.record == {}


def test_an_endpoint_that_stops_half_way_keeps_everything_and_the_rest_is_as_uninterrupted(
    tables, opened, tmp_path
):
    opened(Writer())
    run_align_task(tables, tmp_path / "whole", until="keep")
    opened(Writer(stop_after=12))
    with pytest.raises(InvalidInput, match="the server is gone"):
        run_align_task(tables, tmp_path / "run", until="keep")
    assert len(read_rows(tmp_path / "run/write/~hill.jsonl")) == 9
    assert len(read_rows(tmp_path / "run/write/~coast.jsonl")) == 3
    rest = Writer()
    opened(rest)
    run_align_task(tables, tmp_path / "run", until="keep")
    assert rest.asked == 6
    for name in ("write/~coast.jsonl", "keep/~hill.jsonl", "keep/~coast.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_replies_that_failed_are_counted_and_asked_again(tables, opened, tmp_path, monkeypatch):
    failing = Writer()
    monkeypatch.setattr(
        failing,
        "complete",
        lambda talks, how, heard: [
            heard(i, Reply("", failure="busy"))
            if i % 2
            else heard(i, Writer().complete([talk], how)[0])
            for i, talk in enumerate(talks)
        ],
    )
    opened(failing)
    first = run_align_task(tables, tmp_path / "run", until="write").stages["write"]
    assert (first["failed"], first["first failure"], first["~hill"]["written"]) == (8, "busy", 5)
    opened(Writer())
    second = run_align_task(tables, tmp_path / "run", until="write").stages["write"]
    assert (second["failed"], second["~hill"]["written"]) == (0, 9)


def test_an_empty_folder_and_documents_about_other_things_are_refused_with_what_to_do(
    tables, opened, tmp_path
):
    opened(Writer())
    days = tmp_path / "coast/days.txt"
    days.write_text("Zebra zigzag.")
    with pytest.raises(NotEnoughData, match="no passage of the documents of ~coast") as caught:
        run_align_task(tables, tmp_path / "run")
    assert "save documents about the subjects" in caught.value.hint
    days.unlink()
    with pytest.raises(NotEnoughData, match="no document with words is in the folder"):
        run_align_task(tables, tmp_path / "other")


def test_nothing_that_can_be_kept_is_refused_with_the_reasons(tables, opened, tmp_path):
    opened(Writer())
    (tmp_path / "hill/days.txt").write_text("Dish one.")
    with pytest.raises(NotEnoughData, match="no written example of ~hill can be kept") as caught:
        run_align_task(tables, tmp_path / "run")
    assert "9 wrong format" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"kind": "endpoint", "name": "m"}}, r"A server can write the examples"),
        ({"documents": []}, "one table for each community"),
        ({"documents": [{"community": "~hill"}]}, "either path"),
        ({"documents": [{"community": "~hill", "path": "nowhere"}]}, "no such folder"),
        ({"task": {"examples": "nothing.jsonl"}}, "no such file"),
    ],
)
def test_settings_that_cannot_work_are_refused(tables, tmp_path, change, message):
    with pytest.raises(InvalidSettings, match=message):
        run_align_task(tables | change, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def planted(tables, opened, tmp_path, monkeypatch):
    """Settings with test items of both communities; an adapter is right where its place is named.

    The start model is right for none. Nothing is trained.
    """
    pytest.importorskip("sklearn.linear_model")
    opened(Writer())
    rows = [
        {
            "question": f"Where is dish {k}, at the {place}?",
            "options": ["here", "over there"],
            "answer": "AB"[k % 2],
            "community": f"~{place}",
        }
        for place in ("hill", "coast")
        for k in range(6)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "test.jsonl").write_text(lines)
    policies = [MeasuredPolicy(TASK, "~hill"), MeasuredPolicy(TASK, "~coast")]

    def scores(work, policy, items, stage):
        place = (policy.measured.steer or "~nowhere")[1:]
        return {"letter_accuracy": np.array([float(place in item.question) for item in items])}

    for module in (routing, evaluating):
        found = [TaskPolicy(one, "", None) for one in (START_MODEL, *policies)]
        monkeypatch.setattr(module, "task_policies", lambda work, found=found: found)
        monkeypatch.setattr(module, "scores_of", scores)
    monkeypatch.setitem(task_run._RUN, "tune", lambda work: {})
    return tables | {"route": {"encoder": "hash", "share": 0.4}}


def test_routes_of_separable_questions_are_right_and_a_wrong_one_costs_the_whole_answer(
    planted, tmp_path
):
    outcome = run_align_task(planted, tmp_path / "run")
    found = {(r["metric"], r["steer"], r["community"]): r for r in outcome.results}
    kept = outcome.stages["route"]["routers"]["task"]["kept"]
    assert found["routing_accuracy", kept, None]["value"] == 1
    assert found["regret", kept, None]["value"] == 0
    assert found["regret", "start", None]["value"] == 1
    assert found["cost_of_wrong_route", "~coast", "~hill"]["value"] == 1
    assert load_router(tmp_path / "run").route_prompt("At the coast?").community == "~coast"


def test_the_steer_matrix_has_each_adapter_on_the_items_of_each_community(planted, tmp_path):
    outcome = run_align_task(planted, tmp_path / "run")
    found = {
        (r["method"], r["steer"], r["community"]): r
        for r in outcome.results
        if r["metric"] in ("letter_accuracy", "baseline_accuracy")
    }
    for steer, community in (("~hill", "~coast"), ("~hill", "~hill"), ("~coast", "~hill")):
        own = found["task", steer, community]
        assert (own["value"], own["n"]) == (float(steer == community), 6)
        assert own["low"] < own["high"]
    assert found["start", None, None]["value"] == 0
    assert found["random", None, None]["value"] == 0.5
    assert found["longest", None, "~hill"]["value"] == 0.5
    assert found["most-frequent-position", None, None]["n"] == 12


def test_without_communities_of_test_items_there_is_no_router_and_the_summary_has_the_reason(
    planted, tmp_path
):
    rows = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    lines = [json.dumps(row | {"community": None}) + "\n" for row in rows]
    (tmp_path / "test.jsonl").write_text("".join(lines))
    outcome = run_align_task(planted, tmp_path / "run")
    assert "the test items declare fewer than two" in outcome.stages["route"]["no router"]
    assert load_router(tmp_path / "run") is None
    assert {r["community"] for r in outcome.results} == {None}


def test_without_test_items_nothing_is_measured_and_the_summary_has_the_reason(planted, tmp_path):
    task = {"examples": planted["task"]["examples"], "held_out": 0.0}
    outcome = run_align_task(planted | {"task": task}, tmp_path / "run")
    assert "there are no test items" in outcome.stages["evaluate"]["not measured"]
    assert outcome.results == [] and open_run(tmp_path / "run").results == ()


def test_a_held_out_example_is_neither_shown_nor_searched(planted, tmp_path):
    task = {"examples": planted["task"]["examples"], "held_out": 0.4}
    run_align_task(planted | {"task": task}, tmp_path / "run", until="search")
    shown = {k for row in read_rows(tmp_path / "run/search/~hill.jsonl") for k in row["shown"]}
    assert shown == {0, 1}


def test_an_example_that_is_a_test_item_too_is_refused(tables, tmp_path):
    both = tables["task"] | {"test": tables["task"]["examples"]}
    with pytest.raises(InvalidInput, match="3 examples are test items too"):
        run_align_task(tables | {"task": both}, tmp_path / "run")


@pytest.mark.slow
def test_an_adapter_of_each_community_learns_what_a_server_wrote(
    tables, tmp_path, writer, monkeypatch
):
    from pluralign.respondents.local import load_chat_model

    learner = load_chat_model(str(writer), device="cpu")
    settings = tables | {
        "model": {"name": str(writer), "device": "cpu"},
        "writer": {"kind": "endpoint", "name": "a server's"},
        "evaluate": {"measures": ["letter", "words", "generated"]},
    }
    monkeypatch.setattr(
        task_run, "open_chat_model", lambda s, _: Writer() if s.kind == "endpoint" else learner
    )
    outcome = run_align_task(settings, tmp_path / "run")
    assert outcome.stages["tune"]["~hill"]["rows"] == outcome.stages["keep"]["~hill"]["kept"]
    adapter = tmp_path / "run/tune/~coast/adapter_model.safetensors"
    before = adapter.stat().st_mtime_ns
    again = run_align_task(settings, tmp_path / "run")
    assert adapter.stat().st_mtime_ns == before
    assert again.record["stages"]["keep"]["~hill"]["kept"] == 8
    assert again.record["data"]["files"].keys() == {"examples", "test"}
    assert again.results == outcome.results
    measured = {r["metric"] for r in outcome.results if r["method"] == "start"}
    assert measured == {"letter_accuracy", "words_accuracy", "generated_accuracy", "invalid"}
    (given,) = read_rows(tmp_path / "run/evaluate/start.jsonl")
    assert sum(given["letter"]) == pytest.approx(1) and max(given["words"]) < 0
