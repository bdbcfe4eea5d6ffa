"""Several adapters as one: equal to merging by hand; shares by the prompt."""

import json

import numpy as np
import pytest

from pluralign.core import InvalidInput, Steer, UnknownCommunity
from pluralign.methods.policies.palette import blend_policies, shares_by_prompt

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    from tests.respondents.conftest import build_chat_model

    return build_chat_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def adapters(base, tmp_path_factory):
    """Two adapters of different rank and scale, with weights by chance."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapters")
    for seed, (name, rank, alpha) in enumerate((("MEX", 2, 8), ("GBR", 3, 3))):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_pretrained(base)
        config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear")
        adapted = peft.get_peft_model(model, config)
        for parameter_name, parameter in adapted.named_parameters():
            if "lora_B" in parameter_name:
                parameter.data.normal_(std=0.1)
        adapted.save_pretrained(folder / name)
    return {name: folder / name for name in ("MEX", "GBR")}


def _weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def _merged(base, adapter):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return _weights(model)


def test_a_blend_is_the_start_plus_shares_of_what_each_adapter_adds(base, adapters, tmp_path):
    steer = Steer({"MEX": 0.6, "GBR": 0.3, "~world": 0.1}, strength=0.5)
    blend_policies(adapters, steer, tmp_path / "blend")
    start, found = _merged(base, None), _merged(base, tmp_path / "blend")
    one, other = _merged(base, adapters["MEX"]), _merged(base, adapters["GBR"])
    for name, value in start.items():
        wanted = value + 0.3 * (one[name] - value) + 0.15 * (other[name] - value)
        torch.testing.assert_close(found[name], wanted, atol=1e-5, rtol=1e-4)
    shares = json.loads((tmp_path / "blend/blend.json").read_text())["shares"]
    assert shares == pytest.approx({"MEX": 0.3, "GBR": 0.15})


def test_a_blend_of_one_community_is_its_adapter(base, adapters, tmp_path):
    blend_policies(adapters, Steer.to("MEX"), tmp_path / "blend")
    found, wanted = _merged(base, tmp_path / "blend"), _merged(base, adapters["MEX"])
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, atol=1e-6, rtol=1e-5)


def test_a_community_without_an_adapter_and_a_steer_of_the_world_alone_are_refused(
    adapters, tmp_path
):
    with pytest.raises(UnknownCommunity, match="KEN"):
        blend_policies(adapters, Steer.to("KEN"), tmp_path / "blend")
    with pytest.raises(InvalidInput, match="no community has a share"):
        blend_policies(adapters, Steer.to("~world"), tmp_path / "blend")
    assert not (tmp_path / "blend").exists()


def test_adapters_of_another_base_or_kind_are_refused(adapters, tmp_path):
    import shutil

    for change, message in (
        ({"base_model_name_or_path": "other"}, "different base models"),
        ({"use_rslora": True}, "cannot be blended exactly"),
    ):
        other = tmp_path / message.replace(" ", "-")
        shutil.copytree(adapters["GBR"], other)
        config = json.loads((other / "adapter_config.json").read_text())
        (other / "adapter_config.json").write_text(json.dumps(config | change))
        changed = {"MEX": adapters["MEX"], "GBR": other}
        with pytest.raises(InvalidInput, match=message):
            blend_policies(changed, Steer({"MEX": 0.5, "GBR": 0.5}), tmp_path / "blend")


def test_shares_by_the_prompt_go_to_the_nearest_community_and_sum_to_one():
    rng = np.random.default_rng(0)
    centroid = np.linalg.qr(rng.normal(size=(6, 3)))[0].T
    near = centroid[[2, 0]]
    cold, warm = shares_by_prompt(near, centroid, 0.01), shares_by_prompt(near, centroid, 1e6)
    assert cold.argmax(axis=1).tolist() == [2, 0]
    assert cold.max(axis=1) == pytest.approx([1, 1])
    assert warm == pytest.approx(np.full((2, 3), 1 / 3), abs=1e-4)
    assert shares_by_prompt(near, centroid).sum(axis=1) == pytest.approx([1, 1])
    with pytest.raises(ValueError, match="above 0"):
        shares_by_prompt(near, centroid, 0.0)
