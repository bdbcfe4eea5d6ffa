"""A foreign model's card opens no encoder that the user has not named, by whatever command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import InvalidSettings, RewardRequest
from pluralign.encoders import HashEncoder
from pluralign.huggingface.trusting import TRUSTED, remember
from pluralign.models import open_model, trunks
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel, save_reward_model

NAME = "somebody/encoder"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the encoders that were opened; each is a hash encoder."""
    names: list[str] = []

    def encoder_named(name: str, cache: object = None) -> HashEncoder:
        names.append(name)
        return HashEncoder()

    monkeypatch.setattr(trunks, "encoder_named", encoder_named)
    return names


def saved(folder: Path, **trunk: Any) -> Path:
    model = LinearRewardModel(EmbeddingTrunk(HashEncoder()), np.ones(512))
    save_reward_model(
        model, folder, {"kind": "embedding", "encoder": NAME, "interaction": 0.5} | trunk
    )
    return folder


def test_a_foreign_encoder_is_opened_on_the_users_word_alone(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path / "model")
    with pytest.raises(InvalidSettings, match=r"(?s)somebody/encoder.*--trust-encoder"):
        open_model(folder)
    assert opened == []

    open_model(folder, trust_encoder=NAME)
    monkeypatch.setenv(TRUSTED, NAME)
    assert open_model(folder).score([RewardRequest("a", "b")]).shape == (1,)
    assert opened == [NAME, NAME]


def test_an_encoder_that_the_user_has_named_in_settings_needs_no_word(
    tmp_path: Path, opened: list[str]
) -> None:
    remember(NAME)
    open_model(saved(tmp_path / "model"))

    assert opened == [NAME]


@pytest.mark.parametrize("command", ["score", "rewardbench", "serve", "export"])
def test_every_command_refuses_it_and_takes_the_users_word(
    tmp_path: Path, opened: list[str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi")
    folder = saved(tmp_path / "model")
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"prompt": "a", "chosen": "b", "rejected": "c"}) + "\n")
    more = {
        "score": [str(pairs)],
        "rewardbench": [str(pairs), "--out", str(tmp_path / "out")],
        "serve": ["--port", "0"],
        "export": ["--out", str(tmp_path / "out")],
    }[command]
    found = CliRunner().invoke(app, [command, str(folder), *more])

    assert found.exit_code == 2
    assert f"--trust-encoder '{NAME}'" in found.stderr
    assert opened == []
    if command != "serve":  # it would go on serving
        CliRunner().invoke(app, [command, str(folder), *more, "--trust-encoder", NAME])
        assert opened == [NAME]


@pytest.mark.parametrize("name", ["somebody/model", "../../../elsewhere", "/elsewhere"])
def test_a_foreign_transformer_is_not_opened_unasked(tmp_path: Path, name: str) -> None:
    folder = saved(tmp_path / "run/models/seed-0/full", kind="transformer", model=name)
    with pytest.raises(InvalidSettings, match="--trust-encoder"):
        open_model(folder)


def test_a_link_out_of_the_run_is_not_inside_it(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/config.json").write_text("{}")
    folder = saved(tmp_path / "run/models/seed-0/full", kind="transformer", model="../reference")
    (tmp_path / "run/models/seed-0/reference").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InvalidSettings, match="--trust-encoder"):
        open_model(folder)


def test_a_card_cannot_allow_code_to_run(tmp_path: Path) -> None:
    inside = tmp_path / "run/models/seed-0/reference"
    inside.mkdir(parents=True)
    (inside / "config.json").write_text(
        '{"model_type": "bert", "auto_map": {"AutoConfig": "planted.Config"}}'
    )
    (inside / "planted.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    folder = saved(
        tmp_path / "run/models/seed-0/full",
        kind="transformer",
        model="../reference",
        trust_remote_code=True,
    )
    with pytest.raises(InvalidSettings, match=r"asks to run the code.*was not run"):
        open_model(folder)

    assert not (tmp_path / "ran").exists()
