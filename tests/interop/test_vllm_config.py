"""Settings of vLLM for the policies of a run: names, ranks and paths."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import InvalidInput, InvalidSettings
from pluralign.interop import vllm_config

yaml = pytest.importorskip("yaml")


@pytest.fixture
def run(tmp_path):
    """``run({"MEX": {"r": 8}})`` is a run with these adapters."""

    def write(adapters, methods=("raft",)):
        folder = tmp_path / "tea"
        for community, config in adapters.items():
            adapter = folder / "tune/raft" / community.replace("/", "_")
            adapter.mkdir(parents=True)
            (adapter / "adapter_config.json").write_text(json.dumps(config))
        settings = {
            "methods": list(methods),
            "communities": [*adapters] or ["MEX"],
            "model": {"name": "owner/start"},
            "reward": {"model": "rewards"},
            "prompts": {"path": "prompts.jsonl"},
        }
        folder.mkdir(exist_ok=True)
        (folder / "settings.json").write_text(json.dumps(settings))
        return folder

    return write


def test_the_file_has_the_start_model_and_an_adapter_of_each_community(run):
    folder = run({"MEX": {"r": 8}, "MEX/oaxaca": {"r": 24}})
    config = vllm_config(folder)
    assert yaml.safe_load(config.yaml()) == {
        "model": "owner/start",
        "served-model-name": "tea",
        "enable-lora": True,
        "max-lora-rank": 32,
        "max-loras": 2,
        "max-cpu-loras": 2,
        "lora-modules": [
            f"tea@MEX={folder / 'tune/raft/MEX'}",
            f"tea@MEX/oaxaca={folder / 'tune/raft/MEX_oaxaca'}",
        ],
    }
    assert config.names == ["tea", "tea@MEX", "tea@MEX/oaxaca"]


def test_the_command_line_says_the_same_as_the_file(run):
    config = vllm_config(run({"MEX": {"r": 8}, "~hill": {"r": 8}}), name="my tea")
    words = shlex.split(config.command())
    assert words[:3] == ["vllm", "serve", "owner/start"]
    for name, value in yaml.safe_load(config.yaml()).items():
        if name == "model":
            continue
        after = words[words.index(f"--{name}") + 1 :]
        expected = (
            []
            if value is True
            else [str(v) for v in value]
            if isinstance(value, list)
            else [str(value)]
        )
        assert after[: len(expected)] == expected


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"r": 8, "use_dora": True}, "use_dora"),
        ({"r": 8, "modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"r": 8, "rank_pattern": {"q_proj": 600}}, "at most 512"),
    ],
)
def test_an_adapter_that_vllm_cannot_load_is_refused(run, config, told):
    with pytest.raises(InvalidInput, match=told):
        vllm_config(run({"MEX": config}))


def test_a_run_without_adapters_is_refused(run):
    with pytest.raises(InvalidSettings, match="trained no adapters"):
        vllm_config(run({}, methods=["best-of-n"]))


def test_the_command_writes_the_file_and_prints_how_to_start(run, tmp_path):
    out = tmp_path / "new" / "vllm.yaml"
    done = CliRunner().invoke(app, ["vllm", str(run({"MEX": {"r": 8}})), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert f"vllm serve --config {out}" in done.output
    assert yaml.safe_load(out.read_text())["max-lora-rank"] == 8
    wrong = CliRunner().invoke(
        app, ["vllm", str(tmp_path / "tea"), "--out", str(tmp_path / "a.json")]
    )
    assert wrong.exit_code == 2
    assert "vllm.yaml" in wrong.output
