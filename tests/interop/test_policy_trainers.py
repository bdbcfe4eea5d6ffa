"""Commands for verl and OpenRLHF: every key that our side must know is known, and the data fits."""

import json
import runpy
import shlex
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pluralign.interop import compute_score
from pluralign.serving.openrlhf import GetReward

RECIPE = Path(__file__).resolve().parents[2] / "recipes/align/other_trainer.py"


@pytest.fixture
def recipe(folder, tmp_path, monkeypatch, capsys):
    """A function that runs the recipe with a saved model in place of a server."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": f"Tea or {n}?"}) + "\n" for n in range(20)))

    def run(trainer, *words):
        given = ["--prompts", str(prompts), "--server", str(folder), "--model", "m"]
        out = ["--out", str(tmp_path / "out")]
        monkeypatch.setattr(sys, "argv", [str(RECIPE), trainer, *given, *out, *words])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(RECIPE), run_name="__main__")
        return end.value.code, capsys.readouterr(), tmp_path / "out"

    return run


def _words(script):
    return shlex.split(script.read_text().partition("\n")[2].replace("\\\n", " "))


def test_the_rows_and_arguments_of_verl_give_a_column_for_each_reward_key(recipe):
    code, _, out = recipe("verl", "-c", "~hill", "-c", "~coast")
    assert code == 0
    options = dict(word.split("=", 1) for word in _words(out / "verl.sh") if "=" in word)
    start = "+reward.custom_reward_function.reward_kwargs."
    ours = {key.removeprefix(start): v for key, v in options.items() if key.startswith(start)}
    ours["communities"] = json.loads(ours["communities"])
    rows = pq.read_table(out / "train.parquet").to_pylist()
    assert len(rows) == 18
    assert pq.read_table(out / "validation.parquet").num_rows == 2
    found = compute_score("pluralign", "Tea.", "", rows[0]["extra_info"], **ours)
    assert set(json.loads(options["+algorithm.gdpo_reward_keys"])) <= found.keys()


@pytest.mark.parametrize("communities", [["~hill"], ["~hill", "~coast"]])
def test_the_labels_of_openrlhf_are_read_by_the_server(recipe, communities):
    code, _, out = recipe("openrlhf", *(w for c in communities for w in ("-c", c)))
    assert code == 0
    words = _words(out / "openrlhf.sh")
    assert words[words.index("--reward.remote_url") + 1].endswith("/get_reward")
    row = json.loads((out / "train.jsonl").read_text().splitlines()[0])
    assert row[words[words.index("--data.input_key") + 1]][0]["content"] == "Tea or 0?"
    label = row[words[words.index("--data.label_key") + 1]]
    assert GetReward(query=["x"], prompts=["x"], labels=[label]).labels == (label,)
    if len(communities) > 1:
        assert json.loads(label) == {"blend": {"~hill": 0.5, "~coast": 0.5}}


def test_a_dry_run_prints_the_command_and_writes_nothing(recipe):
    code, printed, out = recipe("verl", "--dry-run")
    assert code == 0
    assert "algorithm.adv_estimator=gdpo" in printed.out
    assert "20 prompts" in printed.out
    assert not out.exists()


def test_a_single_prompt_leaves_verl_nothing_to_learn_from(recipe, tmp_path):
    (tmp_path / "prompts.jsonl").write_text(json.dumps({"prompt": "Tea or milk?"}))
    code, printed, out = recipe("verl", "-c", "~hill")
    assert code == 2
    assert "verl needs at least 2 prompts, got 1" in printed.err
    assert "one of verl's prompts is for validation" in printed.err
    assert not out.exists()
    assert recipe("openrlhf", "-c", "~hill")[0] == 0


def test_a_community_that_the_server_does_not_know_is_named(recipe):
    code, printed, out = recipe("verl", "-c", "~cost", "--dry-run")
    assert code == 2
    assert "did you mean ~coast" in printed.err
    assert not out.exists()
