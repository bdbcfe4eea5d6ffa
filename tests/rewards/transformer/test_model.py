from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

pytest.importorskip("peft")

from pluralign.core import DamagedFile, InvalidInput, NotEnoughData, Steer, UnknownCommunity
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.blending import Adapter, blend_adapters, coefficients
from pluralign.rewards.transformer.model import TransformerRewardModel
from pluralign.rewards.transformer.trunk import RequestEncoder, TransformerTrunk

IDS = ("GBR", "MEX", "~yoruba")
Parts = Callable[..., TransformerRewardModel]


# PEFT 0.21 reads a property that Transformers 5.23 has renamed.
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)

CASES = [
    ("lora", "encoder"),
    ("lora", "decoder"),
    ("lora", "roberta"),
    ("full", "encoder"),
    ("full", "decoder"),
]
each = pytest.mark.parametrize(("kind", "name"), CASES)


def weights_of_part(
    tiny: Any, name: str, model: TransformerRewardModel, community: str
) -> dict[str, torch.Tensor]:
    """All parameters of a community's model, as PEFT merges them."""
    if model.kind == "full":
        return load_file(model.folders[community] / "model.safetensors")
    from peft import PeftModel

    merged = PeftModel.from_pretrained(
        tiny.load(name).model, model.folders[community]
    ).merge_and_unload()
    return {n: v.detach().clone() for n, v in merged.state_dict().items()}


def scores_of_weights(tiny: Any, name: str, weights: dict[str, torch.Tensor], requests: Any) -> Any:
    backbone: Backbone = tiny.load(name)
    backbone.model.load_state_dict(weights)
    return TransformerTrunk(RequestEncoder(backbone, tiny.form(backbone))).features(requests)[:, 0]


@each
def test_a_steer_is_the_blend_of_parameters(tiny: Any, parts: Parts, kind: str, name: str) -> None:
    model, requests = parts(kind, name, (2, 4, 3)), tiny.requests(12)
    base = {n: v.clone() for n, v in tiny.load(name).model.state_dict().items()}
    whole = {c: weights_of_part(tiny, name, model, c) for c in IDS}
    for shares, strength in [
        ({"GBR": 0.5, "MEX": 0.5}, 1.0),
        ({"GBR": 0.3, "~world": 0.7}, 1.0),
        ({"MEX": 1.0}, 0.4),
    ]:
        own = {c: s for c, s in shares.items() if c != "~world"}
        blended = {
            n: v + strength * sum(s * (whole[c][n] - v) for c, s in own.items())
            if v.is_floating_point()
            else v
            for n, v in base.items()
        }
        found = model.score(requests, Steer(shares, strength=strength))
        expected = scores_of_weights(tiny, name, blended, requests)
        assert np.allclose(found, expected, atol=2e-5, rtol=1e-4), shares
        assert np.abs(found - model.score(requests)).max() > 1e-2


@each
def test_a_whole_share_is_the_part_itself_and_no_strength_the_reference(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    model, requests = parts(kind, name), tiny.requests(12)
    reference = TransformerTrunk(RequestEncoder(tiny.load(name), model.form)).features(requests)[
        :, 0
    ]
    assert np.allclose(model.score(requests), reference, atol=1e-5)
    for community in IDS:
        own = scores_of_weights(tiny, name, weights_of_part(tiny, name, model, community), requests)
        assert np.allclose(model.score(requests, Steer.to(community)), own, atol=2e-5, rtol=1e-4)
        none = Steer({community: 1.0}, strength=0.0)
        assert np.allclose(model.score(requests, none), reference, atol=1e-5)
    assert np.allclose(model.score(requests, Steer.to("~world")), reference, atol=1e-5)


@each
def test_all_scores_are_the_scores_of_each_community(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    model, requests = parts(kind, name), tiny.requests(17)
    found = model.score_all(requests)
    assert found.shape == (17, 3)
    assert model.communities == IDS
    for column, community in enumerate(IDS):
        assert np.allclose(
            found[:, column], model.score(requests, Steer.to(community)), atol=2e-5, rtol=1e-4
        )
    assert np.abs(np.diff(found, axis=1)).min(axis=0).max() > 1e-4


@each
def test_order_duplicates_and_batches_do_not_change_scores(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    model, requests = parts(kind, name), tiny.requests(11)
    small = TransformerRewardModel(model.backbone, model.form, model.kind, model.folders, tokens=60)
    found = model.score_all(requests)
    again = small.score_all([*requests[::-1], *requests])
    assert np.allclose(again[:11][::-1], found, atol=2e-5, rtol=1e-4)
    assert np.allclose(again[11:], found, atol=2e-5, rtol=1e-4)


@each
def test_scoring_leaves_the_model_as_it_was(tiny: Any, parts: Parts, kind: str, name: str) -> None:
    model, requests = parts(kind, name), tiny.requests(5)
    inner = model.backbone.model
    before = {n: v.clone() for n, v in inner.state_dict().items()}
    learns = {n: p.requires_grad for n, p in inner.named_parameters()}
    modules = {n: id(m) for n, m in inner.named_modules()}
    model.score_all(requests)
    model.score(requests, Steer({"GBR": 0.5, "MEX": 0.5}))
    assert list(before) == list(inner.state_dict())
    assert all(torch.equal(v, inner.state_dict()[n]) for n, v in before.items())
    assert {n: p.requires_grad for n, p in inner.named_parameters()} == learns
    assert {n: id(m) for n, m in inner.named_modules()} == modules
    assert not any("peft" in key for key in vars(inner))


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_failure_in_the_middle_leaves_the_model_as_it_was(
    tiny: Any, parts: Parts, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = parts(kind, "encoder")
    inner, before = (
        model.backbone.model,
        {n: v.clone() for n, v in model.backbone.model.state_dict().items()},
    )
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(
            inner.bert, "forward", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        model.score(tiny.requests(3), Steer.to("GBR"))
    assert all(torch.equal(v, inner.state_dict()[n]) for n, v in before.items())
    assert list(before) == list(inner.state_dict())


def test_adapters_go_through_the_trunk_together(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, rows = parts("lora", "encoder"), []
    forward = model.backbone.model.bert.forward

    def watched(*args: Any, **batch: Any) -> Any:
        rows.append(len(batch["input_ids"]) if "input_ids" in batch else len(args[0]))
        return forward(*args, **batch)

    monkeypatch.setattr(model.backbone.model.bert, "forward", watched)
    model.score_all(tiny.requests(6))
    assert rows == [18]


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_short_memory_halves_the_batch_of_every_community(
    tiny: Any, parts: Parts, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, requests, said = parts(kind, "decoder"), tiny.requests(12), []
    expected = model.score_all(requests)
    inner = model.backbone.model.model
    forward = inner.forward

    def limited(*args: Any, **batch: Any) -> Any:
        if len(batch["input_ids"] if "input_ids" in batch else args[0]) > 9:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **batch)

    monkeypatch.setattr(inner, "forward", limited)
    short = TransformerRewardModel(
        model.backbone, model.form, model.kind, model.folders, tokens=2000, note=said.append
    )
    assert np.allclose(short.score_all(requests), expected, atol=2e-5, rtol=1e-4)
    together = 36 if kind == "lora" else 12
    assert said[0].startswith(f"out of memory with {together} requests")


def test_communities_of_a_pooled_model_share_a_part_and_shares_add_up(
    tiny: Any, parts: Parts
) -> None:
    model, requests = parts("lora", "encoder"), tiny.requests(5)
    folders = {
        "GBR": model.folders["GBR"],
        "IRL": model.folders["GBR"],
        "MEX": model.folders["MEX"],
    }
    pooled = TransformerRewardModel(model.backbone, model.form, "lora", folders)
    found = pooled.score_all(requests)
    assert np.array_equal(found[:, 0], found[:, 1])
    both = pooled.score(requests, Steer({"GBR": 0.25, "IRL": 0.75}))
    assert np.allclose(both, found[:, 0], atol=1e-5)
    assert pooled.by_folder({"GBR": 0.25, "IRL": 0.5, "MEX": 0.25}) == {
        folders["GBR"]: 0.75,
        folders["MEX"]: 0.25,
    }


def test_unknown_communities_name_near_ones(tiny: Any, parts: Parts) -> None:
    model = parts("lora", "encoder")
    with pytest.raises(UnknownCommunity, match=r"(?s)not steered to 'yoruba'.*~yoruba"):
        model.score(tiny.requests(1), Steer.to("yoruba"))
    with pytest.raises(UnknownCommunity, match="GBR"):
        model.score(tiny.requests(1), Steer.to("JPN"))
    assert coefficients(Steer({"GBR": 0.5, "~world": 0.5}, strength=0.5), IDS) == {"GBR": 0.25}
    assert coefficients(Steer({"~world": 1.0}), ("~world",)) == {"~world": 1.0}


def test_nothing_to_score_or_no_community_to_steer_to_is_an_error(tiny: Any, parts: Parts) -> None:
    model = parts("lora", "encoder")
    with pytest.raises(NotEnoughData, match="no requests"):
        model.score([])
    with pytest.raises(NotEnoughData, match="no requests"):
        model.score_all([])
    with pytest.raises(NotEnoughData, match="steered to nobody"):
        TransformerRewardModel(model.backbone, model.form, "lora", {}).score_all(tiny.requests(1))
    with pytest.raises(InvalidInput, match="no adapter"):
        parts("full", "encoder").adapter({Path("x"): 1.0})


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_part_that_is_missing_or_damaged_is_named(
    tiny: Any, parts: Parts, tmp_path: Path, kind: str
) -> None:
    model = parts(kind, "encoder")
    gone = TransformerRewardModel(
        model.backbone, model.form, model.kind, {"GBR": tmp_path / "gone"}
    )
    with pytest.raises(InvalidInput, match="gone"):
        gone.score_all(tiny.requests(1))
    part = tmp_path / "part"
    part.mkdir()
    for path in model.folders["GBR"].iterdir():
        content = path.read_bytes()
        (part / path.name).write_bytes(
            content[: len(content) // 2] if path.suffix == ".safetensors" else content
        )
    broken = TransformerRewardModel(model.backbone, model.form, model.kind, {"GBR": part})
    with pytest.raises(DamagedFile, match=r"(?s)truncated or altered.*train this part again"):
        broken.score_all(tiny.requests(1))


def test_a_blended_adapter_is_written_and_read_back(
    tiny: Any, parts: Parts, tmp_path: Path
) -> None:
    from peft import PeftModel

    model, requests = parts("lora", "encoder", (2, 4, 3)), tiny.requests(6)
    shares = {model.folders["GBR"]: 0.5, model.folders["MEX"]: 0.25}
    blend = model.adapter(shares)
    assert blend.config["r"] == blend.config["lora_alpha"] == 6
    blend.write(tmp_path / "blend")
    again = Adapter.read(tmp_path / "blend")
    assert all(torch.equal(v, again.tensors[n]) for n, v in blend.tensors.items())
    backbone = tiny.load("encoder")
    merged = PeftModel.from_pretrained(backbone.model, tmp_path / "blend").merge_and_unload()
    found = scores_of_weights(tiny, "encoder", merged.state_dict(), requests)
    steer = Steer({"GBR": 0.5, "MEX": 0.25, "~world": 0.25})
    assert np.allclose(found, model.score(requests, steer), atol=2e-5, rtol=1e-4)


def test_adapters_on_different_modules_are_not_blended(
    tiny: Any, parts: Parts, tmp_path: Path
) -> None:
    model = parts("lora", "encoder")
    first, second = (Adapter.read(model.folders[c]) for c in IDS[:2])
    fewer = Adapter(second.config, {k: v for k, v in second.tensors.items() if "layer.1" not in k})
    head = model.backbone.model.classifier.state_dict()
    with pytest.raises(InvalidInput, match="different modules"):
        blend_adapters([(first, 0.5), (fewer, 0.5)], head)


def test_a_full_copy_in_several_files_is_read(tiny: Any, parts: Parts, tmp_path: Path) -> None:
    model, requests = parts("full", "encoder"), tiny.requests(4)
    weights = load_file(model.folders["GBR"] / "model.safetensors")
    names = sorted(weights)
    for k, half in enumerate((names[::2], names[1::2])):
        save_file(
            {n: weights[n].contiguous() for n in half},
            tmp_path / f"model-0000{k + 1}-of-00002.safetensors",
        )
    sharded = TransformerRewardModel(model.backbone, model.form, "full", {"GBR": tmp_path})
    assert np.allclose(
        sharded.score_all(requests)[:, 0], model.score_all(requests)[:, 0], atol=1e-6
    )


@pytest.mark.parametrize(("kind", "name"), [("lora", "encoder"), ("full", "encoder")])
def test_names_and_tuples_score_as_steers_and_requests_do(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    model, requests = parts(kind, name, (2, 4, 3)), tiny.requests(4)
    tuples = [(request.prompt, request.response) for request in requests]
    expected = model.score(requests, Steer.to("MEX"))
    np.testing.assert_array_equal(model.score(tuples, "Mexico"), expected)
    np.testing.assert_array_equal(model.score_all(tuples), model.score_all(requests))
    assert repr(model).startswith("TransformerRewardModel(steers to GBR, MEX, ~yoruba; ")
    assert len(repr(model)) < 300


@pytest.mark.parametrize(("kind", "name"), [("lora", "encoder"), ("full", "encoder")])
def test_a_margin_is_explained_as_the_reference_and_what_a_community_adds(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    model = parts(kind, name, (2, 4, 3))
    reference, added = model.explain("Tea?", "Yes, please.", "No.", "MEX").parts
    both = [("Tea?", "Yes, please."), ("Tea?", "No.")]
    yes, no = model.score(both, "MEX").astype(float)
    before, after = model.score(both).astype(float)
    assert (reference.source, added.source) == ("reference", "MEX")
    assert reference.total == pytest.approx(before - after)
    assert reference.total + added.total == pytest.approx(yes - no)
    blend = model.explain("Tea?", "Yes, please.", "No.", {"MEX": 0.5, "GBR": 0.5})
    assert [part.source for part in blend.parts] == ["reference", "blend"]
    with pytest.raises(InvalidInput, match="for linear heads, not for a TransformerRewardModel"):
        model.explain("Tea?", "Yes, please.", "No.", "MEX", pairs=[])
