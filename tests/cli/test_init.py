"""``pluralign init`` writes a settings file that runs as it is."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from pluralign.experiments import first_settings
from pluralign.settings import read_settings, resolve

Call = Callable[..., Result]
OnScreen = Callable[..., str]
Rows = list[dict[str, Any]]
Write = Callable[[Path, Sequence[Mapping[str, Any]]], Path]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path) -> None:
    """A folder to work in, on a machine without the sentence encoder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLURALIGN_CACHE", str(cache))
    monkeypatch.setattr(first_settings, "_ENCODER_PACKAGE", "not_installed_here")


def written(call: Call, data: str, *words: str) -> dict[str, Any]:
    found = call("init", data, "--out", "first.toml", *words)
    assert found.exit_code == 0, found.output
    return tomllib.loads(Path("first.toml").read_text(encoding="utf-8"))


def test_the_written_file_runs_as_it_is(
    call: Call, on_screen: OnScreen, rows: Rows, write_rows: Write
) -> None:
    write_rows(Path("my pairs.jsonl"), rows)
    shown = on_screen("init", "my pairs.jsonl")
    assert "270 pairs" in shown and "pluralign run 'my pairs.toml'" in shown
    settings = tomllib.loads(Path("my pairs.toml").read_text(encoding="utf-8"))
    assert settings["pairs"] == {"source": "jsonl", "path": "my pairs.jsonl"}
    assert settings["trunk"] == {"encoder": "hash"}
    words = ("--set", "repeats=1", "--set", 'methods=["reference", "full"]', "--json")
    found = call("run", "my pairs.toml", *words)
    assert found.exit_code == 0, found.output
    steered = json.loads(found.stdout)["record"]["communities"]["steered"]
    proposed = json.loads(call("init", "my pairs.jsonl", "--force", "--json").stdout)["steered"]
    assert sorted(steered) == sorted(proposed)


def test_a_settings_file_is_never_replaced_without_force(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    write_rows(Path("pairs.jsonl"), rows)
    Path("pairs.toml").write_text("mine = true\n", encoding="utf-8")
    refused = call("init", "pairs.jsonl")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert Path("pairs.toml").read_text(encoding="utf-8") == "mine = true\n"
    assert call("init", "pairs.jsonl", "--force").exit_code == 0
    assert "mine" not in Path("pairs.toml").read_text(encoding="utf-8")


def test_people_are_held_out_where_every_pair_has_one_and_questions_elsewhere(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    write_rows(Path("a.jsonl"), rows)
    assert written(call, "a.jsonl")["split"]["by"] == "rater"
    write_rows(Path("b.jsonl"), [{k: v for k, v in row.items() if k != "rater"} for row in rows])
    split = written(call, "b.jsonl", "--force")["split"]
    assert split["by"] in ("question", "stem")
    assert "draw" not in split
    assert "have no raters" in Path("first.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("people", "draw"), [(40, "hash"), (12, None)])
def test_people_are_dealt_by_a_hash_where_there_are_enough_of_them(
    call: Call, write_rows: Write, people: int, draw: str | None
) -> None:
    row = {"prompt": "Tea?", "rejected": "No", "community": "MEX"}
    rows = [row | {"chosen": f"Yes {i}", "rater": f"r{i % people}"} for i in range(240)]
    write_rows(Path("a.jsonl"), rows)
    assert written(call, "a.jsonl")["split"].get("draw") == draw
    words = ("--set", "repeats=1", "--set", 'methods=["reference", "full"]', "--json")
    assert call("run", "first.toml", *words).exit_code == 0


def test_pairs_of_no_community_are_the_reference_where_there_are_enough(
    call: Call, write_rows: Write
) -> None:
    row = {"prompt": "Tea?", "rejected": "No"}
    world = [row | {"chosen": f"Yes {i}", "rater": f"w{i % 20}"} for i in range(200)]
    mexico = [r | {"community": "MEX", "rater": f"m{i % 20}"} for i, r in enumerate(world)]
    write_rows(Path("a.jsonl"), world + mexico)
    found = json.loads(call("init", "a.jsonl", "--json").stdout)
    assert (found["reference"], found["steered"]) == (["~world"], ["MEX"])
    write_rows(Path("a.jsonl"), world[:50] + mexico)
    found = json.loads(call("init", "a.jsonl", "--json", "--force").stdout)
    assert found["reference"] == "pooled"


def test_thresholds_are_lowered_where_no_community_has_enough_and_the_file_states_it(
    call: Call, write_rows: Write
) -> None:
    row = {"prompt": "Tea?", "rejected": "No", "community": "MEX"}
    few = [row | {"chosen": f"Yes {i}", "rater": f"r{i % 6}"} for i in range(60)]
    write_rows(Path("a.jsonl"), few)
    found = written(call, "a.jsonl")
    assert (found["min_pairs"], found["min_raters"]) == (50, 5)
    assert "Lowered" in Path("first.toml").read_text(encoding="utf-8")


def test_a_setting_that_a_source_needs_is_asked_for_with_the_option_that_gives_it(
    call: Call,
) -> None:
    Path("votes.csv").write_text(
        "question_id,rater_id,thought_a,thought_b,vote\n1,r,1,2,Thought A\n", encoding="utf-8"
    )
    refused = call("init", "votes.csv")
    assert refused.exit_code == 2
    assert "--set pairs.texts=..." in refused.stderr
    Path("texts.txt").write_text(
        "question_id,question,thought_id,thought\n1,Tea?,1,Yes\n1,Tea?,2,No\n", encoding="utf-8"
    )
    found = written(call, "votes.csv", "--set", "pairs.texts=texts.txt")
    assert found["pairs"]["texts"] == "texts.txt"


def test_a_choice_in_numbers_is_asked_for_and_not_guessed(call: Call) -> None:
    lines = [f"Q{i}?,long text {i},text,{1 + i % 2},p{i % 5}" for i in range(30)]
    Path("a.csv").write_text(
        "\n".join(["prompt,response_1,response_2,label,rater", *lines]), encoding="utf-8"
    )
    refused = call("init", "a.csv")
    assert refused.exit_code == 2
    assert "pairs.prefers_a" in refused.stderr
    sides = ("--set", 'pairs.prefers_a=["1"]', "--set", 'pairs.prefers_b=["2"]')
    found = written(call, "a.csv", *sides)
    assert (found["pairs"]["prefers_a"], found["pairs"]["b"]) == (["1"], "response_2")


def test_only_settings_of_the_source_can_be_given(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    write_rows(Path("a.jsonl"), rows)
    refused = call("init", "a.jsonl", "--set", "repeats=3")
    assert refused.exit_code == 2
    assert "pairs.KEY=VALUE" in refused.stderr


def test_names_and_paths_of_any_script_are_written_as_toml_that_reads_back(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    name = 'पसंद "A" \\ é.jsonl'
    odd = 'Land "x" \\ ü'
    write_rows(Path(name), [row | {odd: 1} for row in rows])
    found = written(call, name)
    assert found["pairs"]["path"] == name
    assert resolve(read_settings(Path("first.toml")), base=Path(), where="first.toml").sources


def test_paths_start_from_the_folder_of_the_settings_file(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    write_rows(Path("pairs.jsonl"), rows)
    assert call("init", "pairs.jsonl", "--out", "settings/a.toml").exit_code == 0
    found = tomllib.loads(Path("settings/a.toml").read_text(encoding="utf-8"))
    assert found["pairs"]["path"] == "../pairs.jsonl"


@pytest.mark.parametrize("data", ["nowhere.jsonl", "empty.jsonl", "."])
def test_data_that_cannot_be_read_is_one_readable_error(call: Call, data: str) -> None:
    Path("empty.jsonl").touch()
    refused = call("init", data)
    assert refused.exit_code == 2
    assert refused.stderr.count("error: ") == 1 and "\n  -> " in refused.stderr
    assert list(Path().glob("*.toml")) == []


def test_nothing_in_the_data_can_write_a_line_of_the_settings(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    write_rows(Path("a.jsonl"), [row | {"x\nrepeats = 9": 1} for row in rows])
    assert written(call, "a.jsonl")["repeats"] == 3


def test_several_files_become_a_source_each_and_run_together(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    write_rows(Path("a.jsonl"), rows[::2])
    lines = [",".join(f'"{row[k]}"' for k in ("prompt", "chosen", "rejected")) for row in rows[1:9]]
    Path("b.csv").write_text(
        "\n".join(["prompt,chosen,rejected", *lines, "Tea?,Yes,Yes"]), encoding="utf-8"
    )
    given = ("--set", "pairs.1.community=MEX", "--set", 'pairs.1.license="CC0"')
    found = call("init", "a.jsonl", "b.csv", *given, "--skip-bad", "--json")
    assert found.exit_code == 0, found.output
    looked = json.loads(found.stdout)
    assert [one["source"] for one in looked["sources"]] == ["jsonl", "jsonl"]
    assert (looked["settings"], looked["pairs"]) == ("a-b.toml", len(rows[::2]) + 8)
    settings = tomllib.loads(Path("a-b.toml").read_text(encoding="utf-8"))
    assert settings["name"] == "a-b"
    assert [one["path"] for one in settings["pairs"]] == ["a.jsonl", "b.csv"]
    assert [one.get("community") for one in settings["pairs"]] == [None, "MEX"]
    words = ("--set", "repeats=1", "--set", 'methods=["reference", "full"]', "--json")
    ran = call("run", "a-b.toml", *words)
    assert ran.exit_code == 0, ran.output
    sources = json.loads(ran.stdout)["record"]["data"]["sources"]
    assert [(one["read"], one["kept"]) for one in sources] == [(len(rows[::2]),) * 2, (9, 8)]


def test_a_setting_of_several_files_names_the_number_of_its_file(
    call: Call, rows: Rows, write_rows: Write
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write_rows(Path(name), rows)
    refused = call("init", "a.jsonl", "b.jsonl", "--set", "pairs.community=MEX")
    assert refused.exit_code == 2
    assert "pairs.0." in refused.stderr
