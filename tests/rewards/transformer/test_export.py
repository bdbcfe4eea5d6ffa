"""Exported models and adapters, loaded by their own libraries, score as the original did."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import DamagedFile, FloatArray, InvalidInput, InvalidSettings, Steer
from pluralign.rewards import LinearRewardModel
from pluralign.rewards.transformer.backbones import Backbone, ModelSource, load_backbone
from pluralign.rewards.transformer.config import TrainingConfig
from pluralign.rewards.transformer.export import export_adapter, export_heads, export_model
from pluralign.rewards.transformer.finetuning import fine_tune
from pluralign.rewards.transformer.model import TransformerRewardModel
from pluralign.rewards.transformer.saving import load_parts, save_parts
from pluralign.rewards.transformer.tokenized_texts import TextForm
from pluralign.rewards.transformer.training_rows import WeightedPairs
from pluralign.rewards.transformer.trunk import RequestEncoder, TransformerTrunk, own_head

transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

STEERS = [Steer.to("GBR"), Steer({"GBR": 0.7, "MEX": 0.3}, strength=1.4), None]
QUICK = TrainingConfig(
    max_steps=4, batch=8, learning_rate=2e-2, held_out=0, checkpoints=0, rank=3, warmup=0
)


@pytest.fixture(scope="module")
def trained(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``trained("encoder", "lora")``: a model of two communities, trained for a few steps."""
    made: dict[tuple[str, str], TransformerRewardModel] = {}

    def build(name: str, kind: Any) -> TransformerRewardModel:
        if (name, kind) not in made:
            backbone = tiny.load(name)
            root = tmp_path_factory.mktemp(f"{name}-{kind}")
            folders = {}
            for seed, community in enumerate(("GBR", "MEX")):
                pairs = tiny.pairs(24, seed, (community,))
                folders[community] = root / "parts" / community
                config = QUICK.model_copy(update={"seed": seed})
                data = WeightedPairs(pairs, np.ones(len(pairs)))
                fine_tune(backbone, tiny.form(backbone), kind, data, folders[community], config)
            made[name, kind] = TransformerRewardModel(backbone, tiny.form(backbone), kind, folders)
        return made[name, kind]

    return build


def plain_scores(folder: Path, tiny: Any, form: TextForm) -> FloatArray:
    """Rewards that Transformers alone gives, one text at a time."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return np.array(
        [float(model(**_inputs(tokenizer, r, form)).logits[0, 0]) for r in tiny.requests(12)]
    )


def _inputs(tokenizer: Any, request: Any, form: TextForm) -> Any:
    if form.kind == "pair":
        return tokenizer(request.prompt, request.response, return_tensors="pt")
    if form.kind == "chat":
        turns = [
            {"role": "user", "content": request.prompt},
            {"role": "assistant", "content": request.response},
        ]
        text = tokenizer.apply_chat_template(turns, tokenize=False)
        return tokenizer(text, add_special_tokens=False, return_tensors="pt")
    return tokenizer(
        f"{request.prompt}\n\n{request.response}{tokenizer.eos_token}", return_tensors="pt"
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("name", ["encoder", "decoder", "chat"])
def test_an_exported_model_scores_as_ours(
    trained: Any, tiny: Any, tmp_path: Path, name: str, kind: str
) -> None:
    model = trained(name, kind)
    for number, steer in enumerate(STEERS):
        export_model(model, steer, tmp_path / str(number))
        found = plain_scores(tmp_path / str(number), tiny, model.form)
        np.testing.assert_allclose(found, model.score(tiny.requests(12), steer), atol=1e-4)
    assert (
        np.abs(model.score(tiny.requests(12), STEERS[0]) - model.score(tiny.requests(12))).max()
        > 1e-2
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_an_exported_adapter_scores_as_ours(
    trained: Any, tiny: Any, tmp_path: Path, name: str
) -> None:
    model = trained(name, "lora")
    for number, steer in enumerate(STEERS[:2]):
        export_adapter(model, steer, tmp_path / str(number))
        base = transformers.AutoModelForSequenceClassification.from_pretrained(
            tiny.folder(name), num_labels=1
        )
        loaded = peft.PeftModel.from_pretrained(base, tmp_path / str(number)).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / str(number))
        requests = tiny.requests(6)
        found = [float(loaded(**_inputs(tokenizer, r, model.form)).logits[0, 0]) for r in requests]
        np.testing.assert_allclose(found, model.score(requests, steer), atol=1e-4)


@pytest.mark.slow
def test_an_exported_folder_has_the_files_that_servers_need(
    trained: Any, tiny: Any, tmp_path: Path
) -> None:
    export_model(trained("decoder", "lora"), STEERS[0], tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["architectures"] == ["LlamaForSequenceClassification"]
    assert (config["problem_type"], config["id2label"]) == ("regression", {"0": "reward"})
    assert config["pad_token_id"] == tiny.load("decoder").tokenizer.pad_token_id
    assert transformers.AutoConfig.from_pretrained(tmp_path / "model").num_labels == 1
    export_adapter(trained("decoder", "lora"), STEERS[0], tmp_path / "adapter")
    adapter = json.loads((tmp_path / "adapter/adapter_config.json").read_text())
    assert adapter["task_type"] == "SEQ_CLS" and "score" in adapter["modules_to_save"]
    assert adapter["base_model_name_or_path"] == str(tiny.folder("decoder"))


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_a_head_on_the_frozen_model_exports_as_a_model(
    tiny: Any, tmp_path: Path, name: str
) -> None:
    backbone = tiny.load(name)
    form = tiny.form(backbone)
    trunk = TransformerTrunk(RequestEncoder(backbone, form, "hidden"))
    reference_D = own_head(backbone)
    delta_1_D = np.random.default_rng(0).normal(size=(1, len(reference_D)))
    delta_1_D[:, -1] = 0  # a difference of two features never moves the bias
    model = LinearRewardModel(trunk, reference_D, ("GBR",), delta_1_D)
    export_heads(model, backbone, form, Steer.to("GBR", 0.5), tmp_path / "model")
    found = plain_scores(tmp_path / "model", tiny, form)
    np.testing.assert_allclose(
        found, model.score(tiny.requests(12), Steer.to("GBR", 0.5)), atol=1e-4
    )


@pytest.mark.slow
def test_a_failed_export_gives_the_reason_and_leaves_nothing(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"(?s)no adapter.*as a model"):
        export_adapter(trained("encoder", "full"), STEERS[0], tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="not empty"):
        export_model(trained("encoder", "full"), STEERS[0], tmp_path / "full")
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def saved(model: TransformerRewardModel) -> Path:
    root = model.folders["GBR"].parents[1]
    trunk = {
        "kind": "transformer",
        "community": model.kind,
        "model": "tiny",
        "max_length": 128,
        "overlong": "cut",
    }
    save_parts(model, root, trunk)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lora", "full"])
def test_saved_parts_score_as_before(trained: Any, tiny: Any, kind: str) -> None:
    model = trained("encoder", kind)
    loaded = load_parts(saved(model), tiny.load("encoder"))
    assert loaded.communities == ("GBR", "MEX")
    np.testing.assert_allclose(
        loaded.score_all(tiny.requests(8)), model.score_all(tiny.requests(8)), atol=1e-6
    )


@pytest.mark.slow
def test_parts_of_another_model_are_refused(trained: Any, tiny: Any) -> None:
    folder = saved(trained("encoder", "lora"))
    other: Backbone = load_backbone(ModelSource(str(tiny.folder("roberta")), device="cpu"))
    with pytest.raises(InvalidInput, match="the parts were trained from"):
        load_parts(folder, other)


@pytest.mark.slow
def test_a_part_that_lost_a_file_is_recognised(trained: Any, tiny: Any) -> None:
    folder = saved(trained("decoder", "lora"))
    path = folder / "parts/GBR/adapter_model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(DamagedFile, match="altered"):
        load_parts(folder, tiny.load("decoder"))
    path.write_bytes(whole)


@pytest.mark.slow
def test_a_planted_part_is_refused_before_it_is_put_on_the_model(trained: Any, tiny: Any) -> None:
    model = trained("decoder", "lora")
    path = model.folders["GBR"] / "adapter_config.json"
    plain = path.read_text(encoding="utf-8")
    planted = json.loads(plain) | {"megatron_config": {"a": 1}, "megatron_core": "planted"}
    path.write_text(json.dumps(planted), encoding="utf-8")
    try:
        with pytest.raises(InvalidSettings, match="code of its own"):
            load_parts(saved(model), tiny.load("decoder"))
    finally:
        path.write_text(plain, encoding="utf-8")
