import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from pluralign.core import InvalidInput, InvalidSettings
from pluralign.rewards.transformer.backbones import ModelSource, load_backbone
from pluralign.rewards.transformer.heads import check_length, scalar_head
from pluralign.rewards.transformer.tokenized_texts import TextForm
from pluralign.rewards.transformer.trunk import RequestEncoder, TransformerTrunk


def scores(tiny: Any, backbone: Any) -> Any:
    return TransformerTrunk(RequestEncoder(backbone, tiny.form(backbone))).features(
        tiny.requests(6)
    )[:, 0]


@pytest.mark.parametrize("name", ["base", "causal"])
def test_a_model_without_a_reward_gets_a_head_that_is_zero(tiny: Any, name: str) -> None:
    backbone = tiny.load(name)
    head = scalar_head(backbone.model)[2]
    assert not backbone.has_head
    assert (head.out_features, backbone.model.config.num_labels) == (1, 1)
    assert backbone.model.config.problem_type == "regression"
    assert scores(tiny, backbone).tolist() == [0.0] * 6


@pytest.mark.parametrize("name", ["encoder", "decoder", "roberta", "chat"])
def test_a_model_with_a_reward_keeps_it(tiny: Any, name: str) -> None:
    backbone = tiny.load(name)
    plain = AutoModelForSequenceClassification.from_pretrained(tiny.folder(name))
    assert backbone.has_head
    assert not backbone.model.training
    assert torch.equal(scalar_head(backbone.model)[2].weight, scalar_head(plain)[2].weight)
    assert scores(tiny, backbone).std() > 0.01


def test_layers_that_a_model_lacks_are_drawn_alike_every_time(tiny: Any, tmp_path: Path) -> None:
    from transformers import RobertaConfig, RobertaModel

    shutil.copytree(tiny.folder("roberta"), tmp_path / "headless")
    config = RobertaConfig.from_pretrained(tmp_path / "headless")
    RobertaModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "headless")
    source = ModelSource(str(tmp_path / "headless"), device="cpu")
    torch.manual_seed(1)
    first = load_backbone(source)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    second = load_backbone(source)
    assert not first.has_head
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.fingerprint == second.fingerprint
    for (name, a), b in zip(first.model.named_parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b), name


def test_several_outputs_are_asked_about_not_guessed(tiny: Any) -> None:
    with pytest.raises(
        InvalidSettings, match=r"3 outputs, not one reward: toxic, helpful, humour"
    ) as caught:
        tiny.load("labels")
    assert "trunk.label" in str(caught.value)
    with pytest.raises(
        InvalidSettings, match=r"trunk.label is 'kind', but the model has 3 outputs"
    ):
        tiny.load("labels", label="kind")
    with pytest.raises(InvalidSettings, match="3 outputs"):
        tiny.load("labels", label="3")


def test_the_output_that_was_chosen_is_the_reward_by_name_or_number(tiny: Any) -> None:
    by_name, by_number = tiny.load("labels", label="helpful"), tiny.load("labels", label="1")
    plain = AutoModelForSequenceClassification.from_pretrained(tiny.folder("labels")).eval()
    requests = tiny.requests(6)
    batch = by_name.tokenizer(
        [r.prompt for r in requests],
        [r.response for r in requests],
        padding=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        logits = plain(**batch).logits.numpy()
    assert by_name.model.config.num_labels == 1
    assert np.allclose(scores(tiny, by_name), logits[:, 1], atol=1e-5)
    assert np.array_equal(scores(tiny, by_name), scores(tiny, by_number))
    assert (
        by_name.fingerprint
        == by_number.fingerprint
        != tiny.load("labels", label="humour").fingerprint
    )


def test_a_chosen_output_can_be_saved_and_loaded_as_a_model_of_one(
    tiny: Any, tmp_path: Path
) -> None:
    backbone = tiny.load("labels", label="humour")
    backbone.model.save_pretrained(tmp_path / "one")
    backbone.tokenizer.save_pretrained(tmp_path / "one")
    again = load_backbone(ModelSource(str(tmp_path / "one"), device="cpu"))
    assert np.allclose(scores(tiny, again), scores(tiny, backbone), atol=1e-6)


def test_a_missing_pad_token_is_set_reported_and_saved(tiny: Any, tmp_path: Path) -> None:
    backbone = tiny.load("causal")
    assert backbone.notes == (
        "the tokenizer has no pad token: '</s>' is used, and saved with the model",
    )
    assert tiny.load("decoder").notes == ()
    backbone.tokenizer.save_pretrained(tmp_path)
    backbone.model.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path).pad_token == "</s>"
    assert json.loads((tmp_path / "config.json").read_text())["pad_token_id"] == 2


def test_code_that_comes_with_a_model_is_not_run_unless_allowed(tiny: Any, tmp_path: Path) -> None:
    shutil.copytree(tiny.folder("encoder"), tmp_path / "own")
    config = json.loads((tmp_path / "own" / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "configuration_own.OwnConfig"}
    (tmp_path / "own" / "config.json").write_text(json.dumps(config))
    (tmp_path / "own" / "configuration_own.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    )
    with pytest.raises(
        InvalidSettings, match=r"configuration_own.OwnConfig.*was not run"
    ) as caught:
        load_backbone(ModelSource(str(tmp_path / "own"), device="cpu"))
    assert "trust_remote_code" in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_not_a_model_is_named(tiny: Any, tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "owner/base"}'
    )
    with pytest.raises(InvalidInput, match=r"(?s)an adapter, not a model.*owner/base"):
        load_backbone(ModelSource(str(tmp_path / "adapter")))
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "tokenizer.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"config.json, model.safetensors missing"):
        load_backbone(ModelSource(str(tmp_path / "half")))
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text('{"model_type": "no-such-kind"}')
    with pytest.raises(InvalidInput, match="no-such-kind"):
        load_backbone(ModelSource(str(tmp_path / "odd")))


@pytest.mark.parametrize("gone", ["model.safetensors", "tokenizer.json"])
def test_the_error_for_a_folder_names_the_missing_file(
    tiny: Any, tmp_path: Path, gone: str
) -> None:
    shutil.copytree(tiny.folder("encoder"), tmp_path / "part")
    (tmp_path / "part" / gone).unlink()
    with pytest.raises(InvalidInput, match=r"model|tokenizer") as caught:
        load_backbone(ModelSource(str(tmp_path / "part"), device="cpu"))
    assert str(tmp_path / "part") in str(caught.value)


def test_the_error_for_an_unreachable_hub_names_the_missing_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        InvalidInput, match=r"'owner/unknown': config.json, tokenizer.json and the weights"
    ) as caught:
        load_backbone(ModelSource("owner/unknown"))
    assert "give a folder" in str(caught.value)


def test_a_name_that_the_hub_would_not_allow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InvalidInput, match="no/such/folder"):
        load_backbone(ModelSource("no/such/folder"))


def test_random_weights_need_no_weights_and_are_the_same_every_time(
    tiny: Any, tmp_path: Path
) -> None:
    shutil.copytree(tiny.folder("encoder"), tmp_path / "config")
    (tmp_path / "config" / "model.safetensors").unlink()
    source = ModelSource(str(tmp_path / "config"), device="cpu", random_weights=True)
    torch.manual_seed(1)
    first = load_backbone(source)
    torch.manual_seed(2)
    second = load_backbone(source)
    assert np.array_equal(scores(tiny, first), scores(tiny, second))
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint.startswith("random-")


def test_a_fingerprint_changes_with_the_weights_the_tokenizer_and_the_number_format(
    tiny: Any, tmp_path: Path
) -> None:
    same = tiny.load("encoder").fingerprint
    assert same == tiny.load("encoder").fingerprint
    shutil.copytree(tiny.folder("encoder"), tmp_path / "other")
    found = {same, tiny.load("encoder", precision="bfloat16").fingerprint}
    (tmp_path / "other" / "README.md").write_text("nothing that decides a score")
    assert load_backbone(ModelSource(str(tmp_path / "other"), device="cpu")).fingerprint == same
    for change in ("weights", "tokenizer"):
        if change == "weights":
            model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "other")
            with torch.no_grad():
                next(model.parameters())[5, 0] += 1e-3
            model.save_pretrained(tmp_path / "other")
        else:
            path = tmp_path / "other" / "tokenizer.json"
            path.write_text(path.read_text().replace('"tea"', '"té"'))
        found.add(load_backbone(ModelSource(str(tmp_path / "other"), device="cpu")).fingerprint)
    assert len(found) == 4


def test_a_limit_beyond_the_models_positions_is_refused(tiny: Any) -> None:
    for name, most in (("encoder", 256), ("roberta", 255)):
        backbone = tiny.load(name)
        check_length(backbone.model, TextForm("pair", most))
        with pytest.raises(InvalidSettings, match=rf"reads {most} tokens"):
            RequestEncoder(backbone, TextForm("pair", most + 1))
    check_length(tiny.load("decoder").model, TextForm("plain", 4096))
