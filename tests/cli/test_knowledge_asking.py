"""``pluralign knowledge ask`` and ``score``, as users call them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.knowledge_tests import write_blend
from typer.testing import Result

Call = Callable[..., Result]
OnScreen = Callable[..., str]

SIMULATED = ("--set", "model.kind=simulated", "--set", "model.default_culture=USA")


@pytest.fixture(autouse=True)
def blend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    write_blend(Path("blend"))


def test_a_test_is_asked_and_scored_with_two_commands(call: Call, on_screen: OnScreen) -> None:
    asked = on_screen(
        "knowledge", "ask", "blend", *SIMULATED, "--in", "fa,en", "--place", "both", "--form",
        "both", "-c", "IRN", "-c", "USA", "--out", "run",
    )  # fmt: skip
    assert "pluralign knowledge score run" in asked and "not named" in asked
    shown = on_screen("knowledge", "score", "run", "--wide")
    assert "typical" in shown and "One of several options" in shown and "Iran" in shown
    found = json.loads(call("knowledge", "score", "run", "--json").stdout)
    rows = {(r["metric"], r["language"], r["form"]) for r in found["results"]}
    assert {("answer_credit", "fa", "short"), ("accuracy", "en", "options")} <= rows


def test_asks_are_shown_word_for_word_without_a_model(call: Call) -> None:
    words = ["knowledge", "ask", "blend", "--model", "none", "--in", "fa", "--show", "1"]
    shown = call(*words)
    assert shown.exit_code == 0, shown.output
    assert "fa / short / named / IRN / breakfast" in shown.stdout.replace("place ", "")
    assert "ایران" in shown.stdout and not Path("runs").exists()
    found = json.loads(call(*words, "--json").stdout)
    assert found["asks"] == 4 and len(found["shown"]) == 1


def test_options_override_a_settings_file(call: Call) -> None:
    Path("mine.toml").write_text(
        'draws = 3\nlanguages = ["fa"]\n[test]\npath = "blend"\n[model]\nkind = "simulated"\n',
        encoding="utf-8",
    )
    found = call("knowledge", "ask", "--settings", "mine.toml", "--in", "en", "--explain", "--json")
    lines = {line["key"]: line for line in json.loads(found.stdout)}
    assert lines["draws"]["value"] == "3" and lines["draws"]["from"] == "mine.toml"
    assert lines["languages"]["value"] == "['en']" and lines["languages"]["from"] == "--set"
    assert lines["test.source"]["value"] == "blend"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ask", "absent", "--model", "m"), "no such file"),
        (("ask", "blend"), "a model must be named\n  -> add --model"),
        (("ask", "blend", "--base-url", "http://x"), "a model must be named"),
        (("ask", "--model", "m"), "a test must be named"),
        (("ask", "blend", "--model", "m", "--language", "xx9"), "--language: no language"),
        (("ask", "blend", "absent", "--model", "m"), "no such file"),
        (("ask", "blend", "--model", "m", "--base-url", "http://x", "--likelihood"), "local model"),
        (("score",), "one of a folder and --answers"),
        (("score", "blend"), "no asked.json"),
        (("score", "--answers", "a.jsonl"), "--test and --out"),
        (("score", "--answers", "a.jsonl", "--test", "blend", "--out", "o"), "a.jsonl"),
    ],
)
def test_bad_input_ends_with_one_message(call: Call, words: tuple[str, ...], message: str) -> None:
    found = call("knowledge", *words)
    assert found.exit_code == 2
    assert message in found.stderr and "Traceback" not in found.output


def test_a_table_that_names_no_community_is_asked_and_scored_with_two_options(call: Call) -> None:
    row = {"id": "1", "question": "پایتخت ایران کجاست؟", "candidates": ["شیراز", "تهران"]}
    Path("exam.jsonl").write_text(json.dumps(row | {"answer": "۲"}), encoding="utf-8")
    words = ("knowledge", "ask", "exam.jsonl", "--set", "model.kind=simulated", "--form", "options")
    refused = call(*words)
    assert refused.exit_code == 2 and "--community IRN --language fa" in refused.stderr
    assert call(*words, "-c", "IRN", "--language", "fa", "--out", "run").exit_code == 0
    found = json.loads(call("knowledge", "score", "run", "--json").stdout)
    accuracy = [
        r for r in found["results"] if (r["metric"], r["model"]) == ("accuracy", "simulated")
    ]
    assert [(r["community"], r["value"]) for r in accuracy] == [("IRN", 1.0)]


def test_several_tests_are_asked_and_scored_as_one(call: Call) -> None:
    words = ("knowledge", "ask", "blend/Iran.jsonl", "blend/US.jsonl", "blend/Mexico.jsonl")
    done = call(
        *words, *SIMULATED, "--form", "options", "--language", "en", "--out", "run", "--json"
    )
    (row,) = json.loads(done.stdout)["answers"]
    assert (row["communities"], row["answers"]) == (3, 12)
    assert json.loads(call("knowledge", "score", "run", "--json").stdout)["results"]
    explained = json.loads(call(*words, *SIMULATED, "--explain", "--json").stdout)
    assert {"test.1.path", "test.3.path"} <= {line["key"] for line in explained}
    Path("blend/US.jsonl").unlink()
    gone = call("knowledge", "score", "run")
    assert gone.exit_code == 2 and "no longer at" in gone.stderr and "US.jsonl" in gone.stderr


def test_asks_in_the_same_words_are_counted_once(call: Call) -> None:
    words = ("knowledge", "ask", "blend", *SIMULATED, "--place", "unnamed", "--language", "en")
    assert "12 asks in all, 4 different ones" in call(*words, "--show", "1").output
    assert json.loads(call(*words, "--show", "1", "--json").stdout)["different"] == 4


@pytest.mark.parametrize("command", ["check", "people"])
def test_a_community_chooses_the_questions_of_a_test_in_every_command(
    call: Call, command: str
) -> None:
    found = json.loads(call("knowledge", command, "blend", "-c", "Iran", "--json").stdout)
    assert found["kept"] == 4
    assert sum(found["dropped"].values()) == 8


def test_blank_lines_of_recorded_answers_are_counted_like_other_skipped_rows(
    on_screen: OnScreen,
) -> None:
    row = {"model": "mine", "community": "IRN", "question_id": "drink", "language": "en"}
    Path("mine.jsonl").write_text(f"\n{json.dumps(row | {'answer': 'tea'})}\n\n\n", "utf-8")
    shown = on_screen(
        "knowledge", "score", "--answers", "mine.jsonl", "--test", "blend", "--out", "o"
    )
    assert "3 x blank line" in shown and "note: blank" not in shown


def test_questions_whose_place_cannot_be_left_out_are_named_before_a_model_is_asked(
    call: Call,
) -> None:
    Path("lima.toml").write_text(
        'community = "PER"\nlanguage = "es"\n'
        '[[question]]\nid = "q1"\ntext.es = "¿Qué se come?"\n'
        'answers = [{ es = ["pan"], people = 2 }]\n'
        '[[question]]\nid = "q2"\ntext.es = "¿Qué comen los peruanos del Perú?"\n'
        'answers = [{ es = ["ceviche"], people = 2 }]\n',
        encoding="utf-8",
    )
    words = ("knowledge", "ask", "lima.toml", "--model", "none", "--place", "unnamed", "--show=1")
    shown = call(*words)
    assert "note: questions in es that still name their place" in shown.output
    assert "q2 (PER)" in shown.output
    (note,) = json.loads(call(*words, "--json").stdout)["notes"]
    assert "q2 (PER); reword" in note
