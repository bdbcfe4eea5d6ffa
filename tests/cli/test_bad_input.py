"""Bad settings or input: exit code 2, one readable message, no traceback, no half-written file."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Call = Callable[..., Result]
Shell = Callable[..., subprocess.CompletedProcess[str]]
GOOD = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "rater": "ana"}


def assert_refused(found: Result, *said: str) -> None:
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    assert found.stdout == ""
    assert found.stderr.count("error: ") == 1
    for text in said:
        assert text in found.stderr


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("nmae='x'", ["tiny.toml: nmae: unknown key", "did you mean 'name'?"]),
        ("split.bye='rater'", ["tiny.toml: split.bye: unknown key", "did you mean 'by'?"]),
        ("scpo.tua=0.5", ["tiny.toml: scpo.tua: unknown key", "did you mean 'tau'?"]),
        ("pairs.psth='x'", ["tiny.toml: pairs.psth: unknown key", "did you mean 'path'?"]),
        (
            "methods=['scop']",
            ["tiny.toml: methods: there is no method 'scop'", "did you mean 'scpo'?"],
        ),
        (
            "pairs.source=jsonk",
            ["tiny.toml: pairs.source: there is no source 'jsonk'", "did you mean 'jsonl'?"],
        ),
        (
            "communities=['Mexcio']",
            ["tiny.toml: communities: no community is known as 'Mexcio'", "MEX"],
        ),
        ("communities=['~hil']", ["communities: no pair belongs to '~hil'", "the data has ~hill"]),
        (
            "communities=MEX",
            ["communities: must be a list, got 'MEX'", """--set 'communities=["MEX"]'"""],
        ),
        ("methods=full, scpo", ["methods: must be a list", """methods=["full", "scpo"]"""]),
        (
            "reference.fit_on=MEX",
            ["reference.fit_on: must be a list", """reference.fit_on=["MEX"]"""],
        ),
        ("reference.fit_on=['NZL']", ["reference.fit_on: no pair belongs to 'NZL'"]),
        ("scpo.tau=0", ["tiny.toml: scpo: tau must be in (0, 1], got 0.0"]),
        ("scpo.tau=1.2", ["tau must be in (0, 1], got 1.2"]),
        ("scpo.tau=nan", ["tau must be in (0, 1], got nan"]),
        ("scpo.beta=0", ["beta must be a number > 0, got 0.0"]),
        ("scpo.beta=-1", ["beta must be a number > 0, got -1.0"]),
        ("min_pairs=100000", ["no community has 100,000 pairs", "lower min_pairs"]),
        ("split.test=1.5", ["tiny.toml: split.test"]),
        ("split.by=prism", ["tiny.toml: split.by", "PRISM only"]),
        ("pairs.path='no.jsonl'", ["tiny.toml: pairs.path: no such file"]),
        (
            "pairs.path='$PLURALIGN_NO_SUCH/a.jsonl'",
            ["PLURALIGN_NO_SUCH is not set", "export PLURALIGN_NO_SUCH="],
        ),
        ("reference.model='nowhere'", ["tiny.toml: reference"]),
        ("trunk.encoder='./no/such/encoder'", ["./no/such/encoder"]),
        ("scpo.tau", ["--set", "scpo.tau=0.6"]),
    ],
)
def test_a_bad_setting_is_refused(call: Call, config: Path, setting: str, said: list[str]) -> None:
    if "such/encoder" in setting:
        pytest.importorskip("sentence_transformers")
    out = config.parent / "out"
    assert_refused(call("run", config, "--out", out, "--json", "--set", setting), *said)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tau = 0\n", "tiny.toml: scpo: tau must be in (0, 1], got 0.0"),
        ("beta = -2.0\n", "tiny.toml: scpo: beta must be a number > 0, got -2.0"),
        ("tua = 0.5\n", "tiny.toml: scpo.tua: unknown key"),
    ],
)
def test_a_bad_table_in_the_file_is_refused(call: Call, config: Path, text: str, said: str) -> None:
    config.write_text(f"{config.read_text(encoding='utf-8')}\n[scpo]\n{text}", encoding="utf-8")
    assert_refused(call("run", config, "--out", config.parent / "out", "--json"), said)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{broken", "not JSON"),
        ("[1, 2]", "must be a JSON object"),
        (
            json.dumps({"prompt": "Tea?", "chosen": "Yes", "rejcted": "No"}),
            "is 'rejcted' meant as 'rejected'?",
        ),
        (
            json.dumps(GOOD | {"strength": "strong"}),
            "'strength': the value must be a number, got 'strong'",
        ),
        (
            json.dumps(GOOD | {"strength": float("inf")}),
            "'strength': the value must be a number, got inf",
        ),
        (json.dumps(GOOD | {"weight": -1}), "weight must be >= 0, got -1"),
        (json.dumps(GOOD | {"community": "Mexcio"}), "Mexcio"),
        (
            json.dumps(GOOD | {"id": "twice"}) + "\n" + json.dumps(GOOD | {"id": "twice"}),
            "'twice' was used before",
        ),
    ],
)
def test_a_bad_row_is_named_with_file_and_line_and_can_be_skipped(
    call: Call, config: Path, rows: list[dict[str, Any]], line: str, said: str
) -> None:
    path, out = config.parent / "pairs.jsonl", config.parent / "out"
    with path.open("a") as file:
        file.write(line + "\n")
    number = len(rows) + 1 + line.count("\n")
    assert_refused(
        call("run", config, "--out", out, "--json"), f"{path}:{number}: ", said, "--skip-bad"
    )
    assert not out.exists()
    found = call("run", config, "--out", out, "--json", "--skip-bad")
    assert found.exit_code == 0, found.stderr
    (source,) = json.loads(found.stdout)["record"]["data"]["sources"]
    assert sum(source["dropped"].values()) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD | {"rejected": "Yes"}, "chosen equals rejected"),
        (GOOD | {"chosen": " "}, "empty response"),
        (GOOD | {"prompt": ""}, "empty prompt"),
    ],
)
def test_a_row_no_pair_can_be_made_of_is_dropped_and_counted(
    call: Call, config: Path, row: dict[str, Any], reason: str
) -> None:
    with (config.parent / "pairs.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    found = call("run", config, "--out", config.parent / "out", "--json")
    record = json.loads((config.parent / "out" / "record.json").read_text())
    assert found.exit_code == 0
    assert record["data"]["sources"][0]["dropped"] == {reason: 1}


def test_a_settings_file_that_is_not_toml_is_refused(call: Call, config: Path) -> None:
    config.write_text("name = \n", encoding="utf-8")
    assert_refused(call("run", config), str(config), "not valid TOML", "line 1")
    assert_refused(call("run", config.parent / "no.toml"), "no.toml: no such file")
    assert_refused(call("run", config.parent), "cannot be read")


def test_a_folder_that_is_not_this_run_s_is_refused(call: Call, config: Path) -> None:
    mine = config.parent / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    for more in ([], ["--fresh"]):
        assert_refused(
            call("run", config, "--out", mine, "--json", *more), "not empty and contains no run"
        )
    assert [p.name for p in mine.iterdir()] == ["thesis.txt"]
    out = config.parent / "out"
    assert call("run", config, "--out", out, "--json").exit_code == 0
    before = (out / "results.jsonl").read_bytes()
    assert_refused(
        call("run", config, "--out", out, "--json", "--set", "seed=4"),
        "other settings or data",
        "--fresh",
    )
    assert (out / "results.jsonl").read_bytes() == before
    assert call("run", config, "--out", out, "--json", "--set", "seed=4", "--fresh").exit_code == 0
    assert_refused(call("run", config, "--out", config, "--json"), "a file, not a folder")
    assert_refused(call("run", config, "--out", config / "below", "--json"), "Not a directory")


def test_a_truncated_or_altered_model_is_refused(call: Call, trained: Path, config: Path) -> None:
    model = config.parent / "model"
    shutil.copytree(trained / "models" / "seed-3" / "full", model)
    pairs, weights, card = (
        config.parent / "pairs.jsonl",
        model / "model.safetensors",
        model / "card.json",
    )
    blob, text = weights.read_bytes(), card.read_text()
    weights.write_bytes(blob[:-3])
    assert_refused(call("score", model, pairs), str(weights), "truncated or altered")
    weights.write_bytes(bytes([*blob[:-1], blob[-1] ^ 1]))
    assert_refused(call("score", model, pairs), str(weights), "truncated or altered")
    weights.write_bytes(blob)
    card.write_text(text.replace("~hill", "~mill"))
    assert_refused(call("score", model, pairs), str(card), "altered after it was saved")
    card.write_text(text[:100])
    assert_refused(call("score", model, pairs), str(card), "truncated or not written by pluralign")
    assert_refused(call("score", config.parent, pairs), "no saved reward model here")


def test_scores_of_a_broken_file_leave_no_file(call: Call, trained: Path, config: Path) -> None:
    model, bad = trained / "models" / "seed-3" / "full", config.parent / "bad.jsonl"
    good = (config.parent / "pairs.jsonl").read_text()
    out = config.parent / "scores.jsonl"
    for content, said in (
        (good + "{broken\n", "bad.jsonl:"),
        ('{"prompt": "?", "response": " "}\n', "no row was scored"),
    ):
        bad.write_text(content)
        assert_refused(call("score", model, bad, "--out", out), said)
        assert [p.name for p in config.parent.iterdir() if "scores" in p.name] == []
    assert_refused(
        call("score", model, config.parent / "pair.jsonl"),
        "no such file",
        "did you mean 'pairs.jsonl'?",
    )
    nowhere = config.parent / "no" / "such.jsonl"
    assert_refused(
        call("score", model, config.parent / "pairs.jsonl", "--out", nowhere),
        "No such file or directory",
    )
    assert_refused(
        call("score", model, config.parent / "pairs.jsonl", "--out", config.parent),
        "Is a directory",
    )


def test_a_community_that_a_model_does_not_know_is_refused(
    call: Call, trained: Path, config: Path
) -> None:
    found = call(
        "score", trained / "models" / "seed-3" / "full", config.parent / "pairs.jsonl", "-c", "~hil"
    )
    assert_refused(found, "not steered to '~hil'", "did you mean ~hill?")


def test_an_unknown_source_or_setting_of_it_is_refused(call: Call, config: Path) -> None:
    assert_refused(
        call("data", "show", "jsonk"), "there is no source 'jsonk'", "did you mean 'jsonl'?"
    )
    assert_refused(call("data", "show", "jsonl"), "jsonl.path")
    assert_refused(
        call("data", "show", "society", "--set", "sede=1"), "unknown key", "did you mean 'seed'?"
    )
    assert_refused(call("data", "show", config.parent / "no.jsonl"), "no such file")


def test_a_survey_without_its_files_names_the_files_and_their_source(
    call: Call, tmp_path: Path
) -> None:
    found = call("survey", "run", "--survey", "wvs", "--model", "m", "--out", tmp_path / "out")
    assert_refused(found, "survey.path", "worldvaluessurvey.org", "questions.json")


@pytest.mark.slow
def test_people_see_one_message_on_standard_error(shell: Shell, config: Path) -> None:
    out = config.parent / "out"
    done = shell("run", config, "--out", out, "--set", "scpo.tau=2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: tiny.toml: scpo: tau must be in (0, 1], got 2.0\n"
        "  -> 0.7 is the published value; 1 keeps every pair\n"
    )
    with (config.parent / "pairs.jsonl").open("a") as file:
        file.write("{broken\n")
    done = shell("run", config, "--out", out)
    assert done.returncode == 2
    assert "pairs.jsonl:271: not JSON" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
    done = shell("score", "--community")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["fastapi", "uvicorn"])
def test_a_server_without_its_packages_is_refused_with_the_extra(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    pytest.importorskip("fastapi")
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "pluralign.serving.server_process", raising=False)
    found = call("serve", tmp_path)
    assert found.exit_code == 2
    assert f"'{module}' is not installed" in found.stderr
    assert "pip install 'pluralign[serve]'" in found.stderr
