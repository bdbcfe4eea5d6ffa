"""A run is checked without the weights of the language model; so is every recipe."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pluralign.aligning import dry_run, run_align
from pluralign.cli.main import app
from pluralign.core import InvalidInput, InvalidSettings, Sampling, UnknownCommunity
from pluralign.huggingface.training_folders import TrainingFolder
from pluralign.methods import adapter_training
from pluralign.methods.adapter_training import Pace
from pluralign.methods.policies import ONLINE, OnlineReward, PolicyTuningConfig, online
from pluralign.metrics import RewardScale
from pluralign.respondents.local import load_chat_model
from pluralign.settings import read_settings, resolve_align

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "recipes/align").glob("*.toml"))
trl = pytest.importorskip("trl")
CONFIGS = {
    "raft": trl.SFTConfig,
    "dpo": trl.DPOConfig,
    "grpo": trl.GRPOConfig,
    "rloo": trl.RLOOConfig,
}


@pytest.fixture
def bare(writer, tmp_path):
    """The folder of the small model without its weights."""
    folder = tmp_path / "bare"
    shutil.copytree(writer, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_passes_with_ones_own_files(recipe, bare, rewards, prompts, tmp_path):
    model = [] if "together" in recipe.stem else ["--model", str(bare)]
    given = [
        *("--prompts", str(prompts), "--reward", str(rewards / "model")),
        *("--judge", str(rewards / "judge"), "-c", "~hill", "-c", "~coast"),
        *("--out", str(tmp_path / "out"), "--dry-run", "--json"),
    ]
    done = CliRunner().invoke(app, ["align", str(recipe), *model, *given])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["checked"]["communities"] == "~hill, ~coast"
    assert not (tmp_path / "out").exists()
    header = recipe.read_text(encoding="utf-8").partition("\nname =")[0]
    assert {"--dry-run", f"recipes/align/{recipe.name}"} <= set(re.split(r"[\s]", header))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_the_installed_trainers_accept_every_option_of_a_recipe(recipe, writer, prompts, tmp_path):
    chat = load_chat_model(str(writer), device="cpu")
    overrides = [f'prompts.path="{prompts}"']
    resolved = resolve_align(read_settings(recipe), base=tmp_path, overrides=overrides)
    settings, place = resolved.settings, TrainingFolder(tmp_path / "out", "identity")
    pace = Pace(1000, settings.tune.epochs, settings.tune.batch, settings.tune.accumulation, 1e-5)
    shared = adapter_training._arguments(chat, place, settings.tune, pace, seed=0)
    scale = RewardScale(0.0, 1.0)
    joint = OnlineReward(("MEX", "GBR"), lambda *_: None, (scale, scale))
    sampling = Sampling(1.0, 1.0, settings.sample.max_new_tokens)
    for method in settings.tuned:
        own = {}
        if method in ONLINE:
            own = online._own_arguments(method, joint, settings.tune, sampling)
        made = CONFIGS[method](**shared | own)
        assert made.max_steps == pace.steps
        assert made.gradient_checkpointing
        if method == "grpo":
            assert made.multi_objective_aggregation == "normalize_then_sum"
            assert made.beta > 0


@pytest.mark.slow
def test_trainings_are_counted_as_they_are_then_run(tables, tmp_path):
    tables |= {
        "methods": ["raft", "grpo"],
        "communities": ["~hill"],
        "tune": {"batch": 16, "accumulation": 1, "epochs": 0.1},
        "prompts": tables["prompts"] | {"limit": 60},
    }
    planned = dry_run(resolve_align(tables), tmp_path / "run")
    assert planned.resumed == []
    outcome = run_align(tables, tmp_path / "run", until="tune")
    trained = outcome.stages["tune"]["trained"]
    steps = {row["policy"]: row["steps"] for row in planned.policies}
    assert steps == {name: facts["steps"] for name, facts in trained.items()}
    from safetensors.torch import load_file

    weights = load_file(tmp_path / "run/tune/raft/~hill/adapter_model.safetensors")
    counted = {row["trained_parameters"] for row in planned.policies}
    assert counted == {sum(value.numel() for value in weights.values())}
    again = dry_run(resolve_align(tables), tmp_path / "run")
    assert again.resumed[0] == "finished stages: sample, score, select, tune"
    assert "finished training: grpo/~hill" in again.resumed
    for name in planned.files:
        if name.startswith(("sample/", "score/", "select/", "tune/")):
            assert (tmp_path / "run" / name).exists(), name
    other = resolve_align(tables | {"seed": 5})
    with pytest.raises(InvalidSettings, match="other settings or data: seed was 0, is 5"):
        dry_run(other, tmp_path / "run")


def test_a_community_that_the_reward_model_lacks_is_found_without_weights(tables, bare, tmp_path):
    tables |= {"communities": ["~river"], "model": {"name": str(bare)}}
    with pytest.raises(UnknownCommunity, match="~river"):
        dry_run(resolve_align(tables), tmp_path / "run")


def test_a_folder_that_is_no_causal_model_is_named(tables, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "nothing"}')
    tables["model"] = {"name": str(tmp_path)}
    with pytest.raises(InvalidInput, match="not that of a causal model"):
        dry_run(resolve_align(tables), tmp_path / "run")


def test_several_processes_share_nothing_but_the_training(tables, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("pluralign.huggingface.processes.wait_for_all", lambda: None)
    with pytest.raises(InvalidSettings, match="share the stage tune only"):
        run_align(tables, tmp_path / "run")


def test_defaults_are_valid_for_every_method(tables):
    tables["methods"] = ["best-of-n", "raft", "dpo", "orpo", "grpo", "rloo"]
    assert resolve_align(tables).settings.tune == PolicyTuningConfig()
