"""Tests of knowledge are asked and scored: what was planted is found, and runs are resumed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.knowledge_tests import PLACES, write_blend
from tests.respondents.servers import Behaviour, serving

from pluralign import open_run
from pluralign.core import InvalidInput, InvalidSettings, NotEnoughData, Silent
from pluralign.evaluation.knowledge import KnowledgeRow
from pluralign.runs import KnowledgeRun
from pluralign.runs.folder import read_rows
from pluralign.settings import ResolvedKnowledge, knowledge_source, resolve_knowledge
from pluralign.sources.recorded_knowledge import KnowledgeNames
from pluralign.surveying import evaluate_knowledge, run_knowledge, score_folder


@pytest.fixture
def blend(tmp_path: Path) -> Path:
    return write_blend(tmp_path / "blend")


def settings(blend: Path, model: Mapping[str, Any] | None = None, **more: Any) -> ResolvedKnowledge:
    simulated = {"kind": "simulated", "default_culture": "USA", "knowledge": 1.0}
    tables = {"test": {"path": str(blend)}, "model": simulated | dict(model or {})}
    return resolve_knowledge(tables | more, base=Path(), where="test")


def credit(run: KnowledgeRun, place: str, **asked: Any) -> float:
    row = run.value("answer_credit", "simulated", place, "en", **asked)
    assert isinstance(row, KnowledgeRow)
    return row.value


def test_a_planted_default_culture_answers_where_no_place_is_named(
    blend: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run_knowledge(settings(blend, place="both", form="both"), out)
    score_folder(out)
    run = open_run(out)
    assert isinstance(run, KnowledgeRun)
    for form in ("short", "options"):
        for place in PLACES:
            assert credit(run, place, form=form) == 1.0
            unnamed = credit(run, place, form=form, place_named=False)
            assert unnamed == (1.0 if place == "USA" else 0.0)
    person = run.value("person_credit", "people", "IRN", "en")
    assert person is not None and person.value == pytest.approx(0.6)
    assert {one.community for one in run.scored} == set(PLACES)
    assert "simulated" in repr(run)


class Notes(Silent):
    """Keeps the notes of a run."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, text: str) -> None:
        self.found.append(text)


class Stopping(Silent):
    """Stops the run after some answers, as a kill does."""

    def progress(self, done: int, total: int | None = None) -> None:
        if done == 5:
            raise KeyboardInterrupt


def test_a_run_that_was_stopped_and_repeated_equals_an_uninterrupted_one(
    blend: Path, tmp_path: Path
) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    how = settings(blend, {"knowledge": 0.5}, place="both", form="both", draws=2)
    run_knowledge(how, whole)
    with pytest.raises(KeyboardInterrupt):
        run_knowledge(how, resumed, Stopping())
    assert len(read_rows(resumed / "answers.jsonl")) == 5
    partial = score_folder(resumed)
    assert any("asks have an answer" in note for note in partial.record["notes"])
    run_knowledge(how, resumed)
    for name in ("answers.jsonl", "asked.json"):
        assert (whole / name).read_bytes() == (resumed / name).read_bytes()
    assert score_folder(whole).results == score_folder(resumed).results
    with pytest.raises(InvalidSettings, match="other settings"):
        run_knowledge(settings(blend), resumed)


def test_an_endpoint_that_stops_halfway_keeps_its_answers_and_is_asked_for_the_rest(
    blend: Path, tmp_path: Path
) -> None:
    def say(body: dict[str, Any]) -> tuple[int, bytes]:
        from tests.respondents.servers import completion, refusal

        if stopped and len(behaviour.bodies) > 6:
            return 400, refusal("no more")
        words = body["messages"][-1]["content"]
        return 200, completion({"role": "assistant", "content": "" if "fruit" in words else "tea"})

    stopped, behaviour = True, Behaviour(say=say)
    with serving(behaviour) as url:
        model = {"kind": "endpoint", "name": "m", "base_url": f"{url}/v1", "retries": 0}
        model |= {"concurrency": 1}
        tables = {"test": {"path": str(blend)}, "model": model, "languages": ["en"]}
        first = run_knowledge(tables, tmp_path / "run")
        assert len(first.answers) == 6 and first.failed == 6
        stopped = False
        second = run_knowledge(tables, tmp_path / "run")
    assert len(second.answers) == 12 and second.failed == 0
    assert len(behaviour.bodies) == 12 + 6
    assert sum(not answer.text for answer in second.answers) == 3
    found = score_folder(tmp_path / "run").results
    empty = [r.value for r in found if r.metric == "empty_rate"]
    assert empty == [0.25, 0.25, 0.25]


def test_answers_of_another_program_are_scored_with_the_names_that_they_lack(
    blend: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("question_id,answer,community\ndrink,tea,Iran\nfruit,?,IRN\n", encoding="utf-8")
    source = knowledge_source({"path": str(blend)}, tmp_path, "--test")
    names = KnowledgeNames(model="mine", language="en")
    found = evaluate_knowledge([path], source, tmp_path / "out", names=names)
    (row,) = (r for r in found.results if (r.model, r.metric) == ("mine", "answer_credit"))
    assert (row.community, row.value, row.n) == ("IRN", 0.5, 2)
    with pytest.raises(InvalidInput, match="no model"):
        evaluate_knowledge([path], source, tmp_path / "out")


def test_answers_in_a_language_that_the_test_lacks_are_counted_in_a_note(
    blend: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    rows = ["drink,Tee,IRN,de", "fruit,Apfel,USA,de", "drink,tea,IRN,en", "fruit,mango,MEX,es"]
    head = "question_id,answer,community,language"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    source = knowledge_source({"path": str(blend)}, tmp_path, "--test")
    names = KnowledgeNames(model="mine")
    found = evaluate_knowledge([path], source, tmp_path / "out", names=names)
    (note,) = (note for note in found.record["notes"] if "does not have" in note)
    assert note.startswith("2 answers in a language that the test does not have")
    assert "(de 2; the test has en, fa)" in note
    path.write_text("\n".join([head, *rows[2:]]), encoding="utf-8")
    found = evaluate_knowledge([path], source, tmp_path / "out", names=names)
    assert not any("does not have" in note for note in found.record["notes"])


def test_a_test_without_counts_has_no_typical_person_and_says_so(tmp_path: Path) -> None:
    row = {"id": 1, "question": "؟", "candidates": ["الف", "ب", "پ"], "answer": "۲"}
    (tmp_path / "t.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    table = {"path": str(tmp_path / "t.jsonl"), "community": "IRN", "language": "fa"}
    tables = {"test": table, "model": {"kind": "simulated"}, "form": "options"}
    run_knowledge(tables, tmp_path / "run")
    found = score_folder(tmp_path / "run")
    assert any("no counts of people" in note for note in found.record["notes"])
    assert {row.metric for row in found.results} == {
        "answer_credit", "accuracy", "accuracy_of_valid", "invalid_rate",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"languages": ["xx"]}, "no question to ask"),
        ({"communities": ["FRA"]}, "no question to ask"),
    ],
)
def test_nothing_to_ask_is_refused_with_the_reasons(
    blend: Path, tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotEnoughData, match=message) as error:
        run_knowledge(settings(blend, **more), tmp_path / "run")
    assert "xx" in str(error.value.hint) or "FRA" in str(error.value.hint)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"method": "likelihood"}, "scores options"),
        ({"method": "likelihood", "form": "options", "model": {"kind": "endpoint", "name": "m"}},
         "needs a local model"),
        ({"languages": ["fa", "fa"]}, "each once"),
        ({"test": {"path": "absent"}}, "no such file"),
        ({"test": {"language": "fa"}}, "must be named"),
        ({"test": {"paht": "x"}}, "unknown key"),
        ({"test": {"source": "blendd", "path": "."}}, "no source of knowledge"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(
    blend: Path, tables: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidSettings, match=message):
        resolve_knowledge(
            {"test": {"path": str(blend)}, "model": {"kind": "simulated"}} | tables, base=Path()
        )


def test_a_folder_without_answers_cannot_be_scored(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"no asked\.json"):
        score_folder(tmp_path)


def test_a_region_whose_local_name_is_not_known_is_reported(tmp_path: Path) -> None:
    test = tmp_path / "isfahan.toml"
    test.write_text(
        'community = "IRN/isfahan"\nlanguage = "fa"\n[[question]]\nid = "1"\n'
        'text.fa = "شیرینی اصفهان چیست؟"\nanswers = [{ fa = ["گز"], people = 2 }]\n',
        encoding="utf-8",
    )
    notes = Notes()
    run_knowledge(settings(test, {"default_culture": None}, place="both"), tmp_path / "run", notes)
    assert any("may name the place by a name that is not known" in note for note in notes.found)


def test_a_last_answer_that_was_cut_off_is_left_out_on_request(blend: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run_knowledge(settings(blend), out)
    answers = out / "answers.jsonl"
    answers.write_bytes(answers.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match="not JSON"):
        score_folder(out)
    read = score_folder(out, skip_bad=True).record["data"]["answers"]
    assert read["dropped"] == {"not JSON": 1}


def test_a_test_whose_words_changed_after_it_was_asked_is_reported(tmp_path: Path) -> None:
    test, out = tmp_path / "lima.toml", tmp_path / "run"
    text = (
        'community = "PER"\nlanguage = "es"\n[[question]]\nid = "1"\n'
        'text.es = "¿Qué se come?"\nanswers = [{ es = ["ceviche"], people = 2 }]\n'
    )
    test.write_text(text, encoding="utf-8")
    run_knowledge(settings(test, {"default_culture": None}), out)
    changed = "the questions of the test are no longer those that were asked"
    test.write_text(text.replace("people = 2", "people = 3"), encoding="utf-8")
    assert changed not in score_folder(out).record["notes"]
    test.write_text(text.replace("come", "bebe"), encoding="utf-8")
    assert changed in score_folder(out).record["notes"]


def test_a_test_that_was_moved_is_given_again(blend: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run_knowledge(settings(blend), out)
    moved = blend.rename(tmp_path / "moved")
    with pytest.raises(InvalidSettings, match=r"no longer at .*blend\n.*--test"):
        score_folder(out)
    assert score_folder(out, knowledge_source({"path": str(moved)}, Path(), "test")).results


def test_a_limit_takes_the_same_questions_everywhere(blend: Path, tmp_path: Path) -> None:
    found = run_knowledge(settings(blend, limit=2, languages=["en"]), tmp_path / "run")
    asked: dict[str, set[str]] = {}
    for one in found.asks:
        asked.setdefault(one.community, set()).add(one.ask.question.id)
    assert len(set(map(frozenset, asked.values()))) == 1
    assert {len(ids) for ids in asked.values()} == {2}


def test_a_run_with_a_limit_and_options_that_is_repeated_asks_the_same(
    blend: Path, tmp_path: Path
) -> None:
    chosen = settings(blend, limit=1, form="options", languages=["en"], communities=["IRN"])
    first = run_knowledge(chosen, tmp_path / "run")
    written = (tmp_path / "run" / "answers.jsonl").read_bytes()
    again = run_knowledge(chosen, tmp_path / "run")
    assert len(first.answers) == 1 and again.asks == first.asks
    assert (tmp_path / "run" / "answers.jsonl").read_bytes() == written


def test_notes_report_words_that_no_native_reader_has_signed(blend: Path, tmp_path: Path) -> None:
    reporter = Notes()
    run_knowledge(settings(blend), tmp_path / "run", reporter)
    assert any("machine-written" in note and "fa" in note for note in reporter.found)
