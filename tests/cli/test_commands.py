import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from pluralign.cli.main import app

Call = Callable[..., Result]
OnScreen = Callable[..., str]
Shell = Callable[..., subprocess.CompletedProcess[str]]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def commands() -> list[tuple[str, Any]]:
    """Every command by its words, groups among them."""

    def below(name: str, command: Any) -> list[tuple[str, Any]]:
        command = getattr(command, "loaded", command)
        inner = getattr(command, "commands", {})
        return [
            (name, command),
            *(found for k, c in inner.items() for found in below(f"{name} {k}".strip(), c)),
        ]

    return below("", typer.main.get_command(app))


@pytest.mark.parametrize(
    ("name", "command"), [pytest.param(*found, id=found[0] or "pluralign") for found in commands()]
)
def test_every_command_and_every_option_has_a_help_text(
    call: Call, name: str, command: Any
) -> None:
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"
    found = call(*name.split(), "--help")
    assert found.exit_code == 0
    assert command.help.split("\n")[0].split(".")[0][:40] in " ".join(
        found.stdout.replace("│", " ").split()
    )


@pytest.mark.parametrize(
    ("name", "command"), [pytest.param(*found, id=found[0] or "pluralign") for found in commands()]
)
def test_every_help_has_an_example_that_exists_and_no_word_that_markdown_swallows(
    name: str, command: Any
) -> None:
    text = f"{command.help} {command.epilog or ''}"
    shown = re.findall(r"`pluralign ([^`]+)`", text)
    assert shown, "an example is missing"
    options = {word for _, c in commands() for p in c.params for word in p.opts} | {"--help"}
    used = {word for line in shown for word in line.split() if word.startswith("-")}
    assert used <= options
    helps = [text, *(p.help or "" for p in command.params)]
    assert [t for t in helps if re.search(r"<\w+>", re.sub(r"`[^`]*`", "", t))] == []


def test_the_version_is_printed(call: Call) -> None:
    from pluralign import __version__

    assert call("--version").stdout.strip() == __version__


def test_a_run_prints_tables_for_people_with_one_line_a_row(
    on_screen: OnScreen, config: Path
) -> None:
    with (config.parent / "pairs.jsonl").open("a") as file:
        file.write('{"prompt": "Tea?", "chosen": "Yes", "rejected": "Yes"}\n')
    shown = on_screen("run", config, "--out", config.parent / "out")
    for text in (
        "~hill",
        "against reference",
        "1 chosen equals rejected",
        "note: intervals may be too narrow",
    ):
        assert text in shown
    methods = [line.split()[0] for line in shown.splitlines() if "[" in line][1:4]
    assert methods == ["reference", "full", "scpo"]
    assert max(map(len, shown.splitlines())) <= 80
    assert "--wide adds: " in shown


def test_wide_tables_keep_every_column_and_the_same_numbers(
    on_screen: OnScreen, config: Path
) -> None:
    words = ("run", config, "--out", config.parent / "out")
    narrow, wide = on_screen(*words), on_screen(*words, "--wide")
    assert "against full" in wide and "against full" not in narrow.replace("adds: against full", "")
    intervals = re.findall(r"[-+0-9.]+ \[[-+0-9., ]+\]", narrow)
    assert intervals and set(intervals) <= set(re.findall(r"[-+0-9.]+ \[[-+0-9., ]+\]", wide))


def test_a_run_in_a_pipe_prints_tables_alone_tab_separated(call: Call, config: Path) -> None:
    found = call("run", config, "--out", config.parent / "out")
    summary = lines((config.parent / "out" / "summary.jsonl").read_text())
    methods, communities = found.stdout.split("\n\n")[:2]
    header, *body = [line.split("\t") for line in methods.splitlines()]
    assert header[:4] == ["method", "average", "average_low", "average_high"]
    assert {len(row) for row in body} == {len(header)}
    average = {
        r["method"]: f"{100 * r['value']:.1f}"
        for r in summary
        if r["aggregate"] == "average" and r["subset"] == "all"
    }
    assert {row[0]: row[1] for row in body} == average
    assert communities.startswith("community\tpairs\traters\tscpo")
    assert "Written to" in found.stderr and "encoding the texts of 270 pairs" in found.stderr


def test_a_run_prints_json_alone_on_standard_output_and_progress_elsewhere(
    call: Call, config: Path
) -> None:
    found = call("run", config, "--out", config.parent / "out", "--json")
    told = json.loads(found.stdout)
    assert told["record"] == json.loads((config.parent / "out" / "record.json").read_text())
    assert told["summary"] == lines((config.parent / "out" / "summary.jsonl").read_text())
    assert "encoding the texts of 270 pairs" in found.stderr


def test_the_folder_of_a_run_names_the_models_in_it(call: Call, config: Path) -> None:
    call("run", config, "--out", config.parent / "out")
    found = call("score", config.parent / "out", config)
    assert found.exit_code == 2
    assert str(config.parent / "out" / "models" / "seed-3" / "full") in found.stderr


def test_a_name_may_contain_brackets(on_screen: OnScreen, config: Path) -> None:
    name = 'name="[nothing] a [b]"'
    shown = on_screen("run", config, "--out", config.parent / "out", "--set", name)
    assert "[nothing] a [b]" in shown


def test_a_run_without_a_community_to_measure_reports_it(
    call: Call, config: Path, rows: list[dict[str, Any]], write_rows: Callable[..., Path]
) -> None:
    lonely = [
        row if row["community"] == "~world" else row | {"rater": row["community"]} for row in rows
    ]
    write_rows(config.parent / "pairs.jsonl", lonely)
    found = call("run", config, "--out", config.parent / "out", "--set", "min_raters=1")
    assert found.exit_code == 0, found.output
    assert "~hill has no test pairs; it is not measured" in found.stderr


def test_settings_are_explained_and_nothing_is_run(call: Call, config: Path) -> None:
    words = ("run", config, "--out", config.parent / "out", "--explain", "--set", "scpo.tau=0.6")
    explained = {
        row["key"]: (row["value"], row["from"]) for row in json.loads(call(*words, "--json").stdout)
    }
    assert explained["scpo.tau"] == ("0.6", "--set")
    assert explained["seed"] == ("3", "tiny.toml")
    assert explained["repeats"] == ("1", "default")
    shown = call(*words).stdout
    assert "scpo.tau" in shown and "--set" in shown and "default" in shown
    assert not (config.parent / "out").exists()


def test_set_takes_numbers_texts_and_lists(call: Call, config: Path) -> None:
    sets = ["repeats=2", "communities=['~hill']", "pairs.license=CC0", "split.test=0.3"]
    words = [word for text in sets for word in ("--set", text)]
    record = json.loads(
        call("run", config, "--out", config.parent / "out", "--json", *words).stdout
    )["record"]
    assert record["seeds"] == [3, 4]
    assert record["communities"]["steered"] == ["~hill"]
    assert record["data"]["sources"][0]["license"] == "CC0"
    assert record["settings"]["split"]["test"] == 0.3


def test_a_run_goes_to_a_folder_of_its_name(
    call: Call, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    assert call("run", "tiny.toml", "--json").exit_code == 0
    assert (config.parent / "runs" / "tiny" / "results.jsonl").is_file()


def test_a_finished_run_prints_the_same_again(call: Call, config: Path) -> None:
    words = ("run", config, "--out", config.parent / "out", "--json")
    first, again = call(*words), call(*words)
    assert json.loads(first.stdout)["summary"] == json.loads(again.stdout)["summary"]
    assert "resuming earlier work" in again.stderr


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([], ["~coast", "~hill", "~isle", "~marsh", "~river", "~world"]),
        (["~hill"], ["~hill"]),
        (["~hill", "World"], ["~hill", "~world"]),
    ],
)
def test_scores_are_printed_for_the_communities_asked_for(
    call: Call, trained: Path, config: Path, labels: list[str], expected: list[str]
) -> None:
    words = [word for label in labels for word in ("--community", label)]
    found = call(
        "score", trained / "models" / "seed-3" / "scpo", config.parent / "pairs.jsonl", *words
    )
    told = lines(found.stdout)
    assert len(told) == 270
    assert all(list(row["rewards"]) == list(row["margins"]) == expected for row in told)
    assert "270 rows read, 270 scored" in found.stderr
    assert ("~world is the reference (World)" in found.stderr) == ("~world" in expected)


def test_a_community_that_nobody_trained_on_is_scored_by_the_prior_and_every_row_says_so(
    call: Call, trained: Path, config: Path
) -> None:
    words = ("score", trained / "models" / "seed-3" / "full", config.parent / "pairs.jsonl")
    found = call(*words, "-c", "Kenya", "-c", "~hill")
    assert found.exit_code == 0, found.output
    assert all(row["heads"] == {"KEN": "prior"} for row in lines(found.stdout))
    assert "Kenya (KEN): nobody there trained the model; the head of 5 communities" in found.stderr
    refused = call(*words, "-c", "Kenya", "--unknown", "error")
    assert refused.exit_code == 2
    assert "not steered to 'Kenya'" in refused.stderr


def test_a_model_is_adapted_to_a_community_that_then_is_scored(
    call: Call, trained: Path, config: Path, tmp_path: Path
) -> None:
    model, choices = trained / "models" / "seed-3" / "full", tmp_path / "kenya.jsonl"
    choices.write_text(
        "".join(
            json.dumps({"prompt": "Tea?", "chosen": f"Yes {k}", "rejected": "No", "rater": f"r{k}"})
            + "\n"
            for k in range(4)
        )
    )
    words = ("adapt", model, choices, "-c", "Kenya", "--out")
    done = call(*words, tmp_path / "kenya")
    assert done.exit_code == 0, done.output
    assert "Kenya (KEN) has a head from 4 choices of 4 people" in done.stderr
    told = json.loads(call(*words, tmp_path / "again", "--json").stdout)
    assert (told["head"], told["choices"], len(told["margins"])) == ("adapted", 4, 4)
    for name in ("card.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "kenya" / name).read_bytes()
    scored = lines(call("score", tmp_path / "kenya", choices, "-c", "KEN").stdout)
    after = sorted(one["after"] for one in told["margins"])
    assert all(row["heads"] == {"KEN": "adapted"} for row in scored)
    assert sorted(row["margins"]["KEN"] for row in scored) == pytest.approx(after, abs=1e-4)
    none = call("adapt", model, "-c", "KEN", "--out", tmp_path / "none")
    assert "no choice of its people is known" in none.stderr


def test_adapt_replaces_no_trained_head_and_no_folder(
    call: Call, trained: Path, config: Path, tmp_path: Path
) -> None:
    model = trained / "models" / "seed-3" / "full"
    words = ("adapt", model, config.parent / "pairs.jsonl", "-c", "~hill", "--out")
    refused = call(*words, tmp_path / "new")
    assert refused.exit_code == 2
    assert "trained for ~hill" in refused.stderr
    assert not (tmp_path / "new").exists()
    done = call(*words, tmp_path / "new", "--overwrite")
    assert done.exit_code == 0
    assert "people of ~hill trained the model" in done.stderr
    assert "the folder is not empty" in call(*words, tmp_path / "new", "--overwrite").stderr


def test_the_world_is_the_reference(call: Call, trained: Path, config: Path) -> None:
    told = [
        lines(
            call(
                "score",
                trained / "models" / "seed-3" / m,
                config.parent / "pairs.jsonl",
                "-c",
                "~world",
            ).stdout
        )
        for m in ("scpo", "reference")
    ]
    assert told[0] == told[1]


def test_scores_are_the_margins_recorded(call: Call, trained: Path, config: Path) -> None:
    import pyarrow.parquet

    told = lines(
        call("score", trained / "models" / "seed-3" / "full", config.parent / "pairs.jsonl").stdout
    )
    margins = {row["id"]: row["margins"] for row in told}
    table = pyarrow.parquet.read_table(
        trained / "predictions" / "seed-3" / "full.parquet"
    ).to_pylist()
    for row in table:
        assert margins[row["pair"]]["~hill"] == pytest.approx(row["margin:~hill"], abs=1e-4)
        assert margins[row["pair"]]["~world"] == pytest.approx(row["reference"], abs=1e-4)


def test_scores_go_to_a_file_that_appears_whole(call: Call, trained: Path, config: Path) -> None:
    out = config.parent / "scores.jsonl"
    (config.parent / "one.jsonl").write_text(
        '{"id": 5, "prompt": "Tea?", "response": "Yes"}\n{"prompt": "Tea?", "response": " "}\n'
    )
    found = call(
        "score",
        trained / "models" / "seed-3" / "full",
        config.parent / "one.jsonl",
        "-o",
        out,
        "-c",
        "~hill",
    )
    (row,) = lines(out.read_text())
    assert (row["line"], row["id"], set(row["rewards"])) == (1, "5", {"~hill"})
    assert found.stdout == ""
    assert "2 rows read, 1 scored; 1 dropped: empty response" in found.stderr
    assert [p.name for p in config.parent.iterdir() if p.name.startswith(".")] == []


def test_no_strength_is_the_reference(call: Call, trained: Path, config: Path) -> None:
    words = ("score", trained / "models" / "seed-3" / "full", config.parent / "pairs.jsonl", "-c")
    told = lines(call(*words, "~hill", "--strength", "0").stdout)
    world = lines(call(*words, "~world").stdout)
    assert [row["rewards"]["~hill"] for row in told] == [row["rewards"]["~world"] for row in world]
    assert call(*words, "~hill", "--strength", "-1").exit_code == 2


def test_long_right_to_left_and_emoji_texts_are_scored(
    call: Call, trained: Path, config: Path
) -> None:
    said = ["שלום " * 20_000, "👩‍👩‍👧😀" * 12_500, "\u202eمرحبا\u202c"]
    odd = config.parent / "odd.jsonl"
    odd.write_text(
        "".join(json.dumps({"prompt": t, "response": t}, ensure_ascii=False) + "\n" for t in said),
        "utf-8",
    )
    found = call("score", trained / "models" / "seed-3" / "full", odd)
    assert found.exit_code == 0
    assert len(lines(found.stdout)) == 3


def test_sources_are_listed_with_what_they_need(call: Call) -> None:
    told = {row["name"]: row for row in json.loads(call("data", "list", "--json").stdout)}
    assert {
        "jsonl",
        "votes",
        "global_opinions",
        "shares",
        "wvs",
        "prism",
        "community_alignment",
        "society",
    } <= set(told)
    assert told["jsonl"]["needs"] == ["path"]
    assert all(row["about"] for row in told.values())
    shown = call("data", "list").stdout
    assert all(name in shown for name in told)


def test_a_source_is_shown_with_counts_licence_and_people(
    call: Call, on_screen: OnScreen, config: Path
) -> None:
    path = config.parent / "few.jsonl"
    pair = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "community": "Britain"}
    found = [
        pair | {"rater": "ana"},
        pair | {"rater": "ben"},
        pair | {"rejected": "Yes"},
        pair | {"chosen": " "},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    told = json.loads(call("data", "show", path, "--json", "--set", "license=CC0").stdout)
    assert told["license"] == "CC0"
    assert (told["pairs"], told["people"]) == ({"GBR": 2}, {"GBR": 2})
    assert (told["tally"]["read"], told["tally"]["kept"]) == (4, 2)
    assert told["tally"]["dropped"] == {"chosen equals rejected": 1, "empty response": 1}
    shown = on_screen("data", "show", path)
    for text in (
        "4 rows read = 2 kept + 2 dropped; 2 pairs",
        "licence: not stated",
        "dropped: 1 empty response",
        "GBR",
    ):
        assert text in shown
    piped = call("data", "show", path)
    assert piped.stdout == "community\tpairs\tpeople\nGBR\t2\t2\n"
    assert "licence: not stated" in piped.stderr


def test_the_cache_is_measured_and_cleared(
    call: Call, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(config.parent / "cache"))
    assert json.loads(call("data", "cache", "--json").stdout)["entries"] == 0
    assert call("run", config, "--out", config.parent / "out", "--json").exit_code == 0
    held = json.loads(call("data", "cache", "--json").stdout)
    assert held["entries"] > 100 and held["bytes"] > 0 and not held["cleared"]
    assert "cleared" in call("data", "cache", "--clear").stdout
    assert json.loads(call("data", "cache", "--json").stdout)["bytes"] == 0


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error(trained: Path, config: Path) -> None:
    many = config.parent / "many.jsonl"
    many.write_text((config.parent / "pairs.jsonl").read_text().replace('"id"', '"was"') * 20)
    line = [
        sys.executable,
        "-m",
        "pluralign.cli.main",
        "score",
        str(trained / "models" / "seed-3" / "full"),
        str(many),
    ]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["line"] == 1
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == "scoring many.jsonl ...\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_run_stopped_by_hand_names_the_command_that_resumes_it(
    shell: Shell, config: Path
) -> None:
    out = config.parent / "out"
    words = ("run", config, "--out", out, "--set", "repeats=400")
    line = [sys.executable, "-m", "pluralign.cli.main", *map(str, words)]
    heard = {
        "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    }  # whatever shell started the suite
    with subprocess.Popen(
        line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, **heard
    ) as process:
        while not (out / "predictions" / "seed-3" / "scpo.parquet").is_file():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("stopped; to resume, give the same command again\n")
    assert not (out / "record.json").exists()
    assert [p for p in (out / "predictions").rglob("*") if p.name.startswith(".")] == []


def test_a_source_that_makes_no_pair_is_an_error_with_its_counts(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "pairs.jsonl").write_text(
        '{"prompt": "Tea?", "chosen": "Yes", "rejected": "Yes"}\n'
    )

    result = call("data", "show", tmp_path / "pairs.jsonl")

    assert result.exit_code == 2
    assert "1 row read = 0 kept + 1 dropped" in result.stderr
    assert "no pair can be made of this source" in result.stderr
    assert "1 x chosen equals rejected" in result.stderr


def test_a_survey_without_its_folder_names_the_files_and_their_source(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers.jsonl").write_text("{}\n")

    result = call("survey", "evaluate", "answers.jsonl", "--survey", "wvs", "--out", "out")

    assert result.exit_code == 2
    for word in (
        "worldvaluessurvey.org",
        "questions.json",
        "country_proportions.json",
        "a folder wvs",
    ):
        assert word in result.stderr.replace("\n", " ")


def test_scores_are_a_table_in_a_terminal_and_the_same_numbers_in_a_pipe(
    call: Call, on_screen: OnScreen, trained: Path, tmp_path: Path
) -> None:
    replies = tmp_path / "replies.jsonl"
    replies.write_text('{"id": "a", "prompt": "Tea?", "response": "Yes"}\n' * 60)
    replies.write_text(replies.read_text().replace('"id": "a", ', ""))
    words = ("score", trained / "models" / "seed-3" / "full", replies)
    reward = lines(call(*words, "-c", "~hill").stdout)[0]["rewards"]["~hill"]
    shown = on_screen(*words, "-c", "~hill")
    assert f"{reward:+.3f}" in shown
    assert "... and 10 more rows" in shown
    assert "... and" not in on_screen(*words, "-c", "~hill", "--wide")
    assert max(map(len, on_screen(*words).splitlines())) <= 80
    assert lines(call(*words, "--json").stdout) == lines(call(*words).stdout)
