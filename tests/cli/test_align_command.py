"""``pluralign align`` on the command line."""

import json

from typer.testing import CliRunner

from pluralign.cli.align_tables import show_align_stage
from pluralign.cli.main import app
from pluralign.cli.output import Output


def test_paths_of_options_are_relative_to_the_working_directory_not_to_the_config(
    tmp_path, monkeypatch
):
    (tmp_path / "configs").mkdir()
    config = tmp_path / "configs/align.toml"
    config.write_text('[model]\nname = "mine"\n[sample]\nn = 4\n')
    (tmp_path / "p.jsonl").write_text('{"prompt": "Tea?"}\n')
    monkeypatch.chdir(tmp_path)
    options = ["--reward", "runs/a", "--judge", "http://127.0.0.1:9", "--prompts", "p.jsonl"]
    done = CliRunner().invoke(app, ["align", str(config), *options, "--explain", "--json"])
    assert done.exit_code == 0, done.output
    value = {row["key"]: row["value"] for row in json.loads(done.stdout)}
    assert value["reward.model"] == str(tmp_path / "runs/a")
    assert value["reward.judge"] == "http://127.0.0.1:9"
    assert value["prompts.path"] == str(tmp_path / "p.jsonl")
    assert value["sample.n"] == "4"


def test_a_folder_without_a_reward_model_gets_a_message(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(json.dumps({"prompt": f"{n}?"}) + "\n" for n in range(4))
    (tmp_path / "p.jsonl").write_text(rows)
    given = ["--model", "mine", "--reward", "none", "--prompts", "p.jsonl"]
    done = CliRunner().invoke(app, ["align", *given])
    assert done.exit_code == 2
    assert "no saved reward model here" in done.output


def test_an_unknown_method_and_unknown_shares_are_named_with_the_setting_alone(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "Tea?"}\n')
    given = ["--model", "mine", "--reward", "none", "--prompts", str(tmp_path / "p.jsonl")]
    done = CliRunner().invoke(app, ["align", *given, "--set", 'methods=["ppo"]'])
    assert "'best-of-n', 'raft', 'dpo', 'orpo', 'grpo' or 'rloo', not 'ppo'" in done.output
    done = CliRunner().invoke(app, ["align", *given, "--set", 'palette.shares={"~hill"=-1}'])
    assert "palette.shares.~hill: Input should be greater than or equal to 0" in done.output


def test_each_policy_of_a_stage_has_a_line(capsys):
    summary = {
        "selected": {
            "raft/~hill": {"rows": 1200, "no two candidates differ in reward by the gap": 3},
            "raft/~coast": {"rows": 54, "rows_too_long": 0},
        },
        "empty": 0,
    }
    show_align_stage("select", summary, Output())
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "select",
        "  selected:",
        "    raft/~hill: rows 1,200, no two candidates differ in reward by the gap 3",
        "    raft/~coast: rows 54",
    ]


def test_with_data_task_the_settings_and_stages_are_those_of_a_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples.jsonl").write_text('{"prompt": "Tea?", "answer": "Yes."}\n')
    (tmp_path / "texts").mkdir()
    config = tmp_path / "task.toml"
    config.write_text(
        '[task]\nexamples = "examples.jsonl"\n[model]\nname = "mine"\n'
        '[[documents]]\ncommunity = "MEX"\npath = "texts"\n'
    )
    done = CliRunner().invoke(app, ["align", str(config), "--data", "task", "--explain", "--json"])
    assert done.exit_code == 0, done.output
    value = {row["key"]: row["value"] for row in json.loads(done.stdout)}
    assert value["task.examples"] == str(tmp_path / "examples.jsonl")
    empty = CliRunner().invoke(app, ["align", str(config), "--data", "task"])
    assert empty.exit_code == 2
    assert "no document with words is in the folder" in empty.output
    other = CliRunner().invoke(app, ["align", str(config), "--data", "task", "--until", "score"])
    assert "must be one of search, write, keep, tune, route, evaluate" in other.output
    rehearsed = CliRunner().invoke(app, ["align", str(config), "--data", "task", "--dry-run"])
    assert rehearsed.exit_code == 2
    assert "--dry-run: a run on a task cannot be rehearsed" in rehearsed.output
    without = CliRunner().invoke(app, ["align", str(config), "--explain"])
    assert without.exit_code == 2
