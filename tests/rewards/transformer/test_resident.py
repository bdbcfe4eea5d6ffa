import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("peft")

from pluralign.core import (
    FloatArray,
    InvalidInput,
    NotEnoughData,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
    rng_for,
)
from pluralign.rewards.transformer import resident
from pluralign.rewards.transformer.model import TransformerRewardModel
from pluralign.rewards.transformer.resident import ResidentRewardModel

Parts = Callable[..., TransformerRewardModel]
RANKS = (2, 4, 3)
STEERS = [
    None,
    Steer.to("GBR"),
    Steer.to("~yoruba"),
    Steer.to("MEX", 0.0),
    Steer.to("MEX", 0.5),
    Steer.to("MEX", 2.0),
    Steer({"GBR": 0.5, "~yoruba": 0.5}),
    Steer({"GBR": 0.2, "MEX": 0.5, "~world": 0.3}, strength=1.5),
    Steer.to("~world"),
]

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
both = pytest.mark.parametrize("kind", ["lora", "full"])


def close_to(found: Any, expected: Any) -> bool:
    return bool(np.allclose(found, expected, atol=1e-5, rtol=1e-5))


def one_by_one(model: TransformerRewardModel, requests: Any, steers: Any) -> FloatArray:
    """Rewards of each request under each steer, as a model gives them whose parts are not kept."""
    return np.stack([model.score(requests, steer) for steer in steers], axis=1)


def copied(model: TransformerRewardModel, root: Path) -> TransformerRewardModel:
    """The same model with its parts in folders of its own."""
    folders = {c: shutil.copytree(path, root / path.name) for c, path in model.folders.items()}
    return TransformerRewardModel(model.backbone, model.form, model.kind, folders)


def rows_seen(model: TransformerRewardModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each forward pass of an encoder has, from now on."""
    rows: list[int] = []
    forward = model.backbone.model.bert.forward

    def watched(*args: Any, **batch: Any) -> Any:
        rows.append(len(batch["input_ids"] if "input_ids" in batch else args[0]))
        return forward(*args, **batch)

    monkeypatch.setattr(model.backbone.model.bert, "forward", watched)
    return rows


@each
def test_rewards_are_those_of_the_model_whose_parts_are_not_kept(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    requests, expected = (
        tiny.requests(9),
        one_by_one(parts(kind, name, RANKS), tiny.requests(9), STEERS),
    )
    with ResidentRewardModel(parts(kind, name, RANKS)) as model:
        assert isinstance(model, SteerableRewardModel)
        assert model.communities == ("GBR", "MEX", "~yoruba")
        assert close_to(model.rewards_under(requests, STEERS), expected)
        for steer, expected_N in zip(STEERS, expected.T, strict=True):
            assert close_to(model.score(requests, steer), expected_N), steer
    assert np.abs(np.diff(expected[:, [0, 1, 2, 4, 5, 6, 7]], axis=1)).max(axis=0).min() > 1e-2


@each
def test_all_scores_are_those_of_the_model_whose_parts_are_not_kept(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    expected = parts(kind, name, RANKS).score_all(tiny.requests(7))
    with ResidentRewardModel(parts(kind, name, RANKS)) as model:
        assert close_to(model.score_all(tiny.requests(7)), expected)
        assert close_to(model.score_all(tiny.requests(7)), expected)


@each
def test_each_request_has_steers_of_its_own_and_its_neighbours_do_not_matter(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    rng, requests = rng_for(0, "steers"), tiny.requests(12)
    expected_N_S = one_by_one(parts(kind, name, RANKS), requests, STEERS)
    with ResidentRewardModel(parts(kind, name, RANKS), blends=2) as model:
        for _ in range(4):
            rows = rng.integers(len(requests), size=8)
            asked = [rng.integers(len(STEERS), size=rng.integers(1, 5)) for _ in rows]
            found = model.rewards_each(
                [requests[i] for i in rows], [[STEERS[k] for k in own] for own in asked]
            )
            assert [len(reward_S) for reward_S in found] == [len(own) for own in asked]
            for i, own, reward_S in zip(rows, asked, found, strict=True):
                assert close_to(reward_S, expected_N_S[i, own])


def test_different_steers_go_through_the_trunk_together_and_nothing_goes_twice(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = tiny.requests(3)
    plain = parts("lora", "encoder")
    with ResidentRewardModel(plain) as model:
        rows = rows_seen(plain, monkeypatch)
        steers = [
            [Steer.to("GBR"), None],
            [Steer.to("MEX", 0.5)],
            [Steer.to("GBR"), Steer.to("MEX", 0.0)],
            [None],
        ]
        found = model.rewards_each([a, b, a, c], steers)
        assert rows == [4]
        assert found[0].tolist() == found[2].tolist()


def test_a_request_is_tokenised_once(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pluralign.rewards.transformer import model as module

    tokenise, lots = module.tokenise, []
    monkeypatch.setattr(
        module,
        "tokenise",
        lambda t, requests, form: lots.append(len(requests)) or tokenise(t, requests, form),
    )
    with ResidentRewardModel(parts("lora", "encoder")) as model:
        model.rewards_under([*tiny.requests(4), *tiny.requests(4)], STEERS)
    assert lots == [4]


def test_short_memory_leaves_each_request_its_own_adapter(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, requests = parts("lora", "encoder"), tiny.requests(5)
    inner, expected = plain.backbone.model.bert, one_by_one(plain, requests, STEERS)
    forward = inner.forward
    with ResidentRewardModel(plain) as model:

        def limited(*args: Any, **batch: Any) -> Any:
            if len(batch["input_ids"] if "input_ids" in batch else args[0]) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return forward(*args, **batch)

        monkeypatch.setattr(inner, "forward", limited)
        assert close_to(model.rewards_under(requests, STEERS), expected)


@pytest.mark.parametrize("name", ["encoder", "roberta"])
def test_more_blends_than_are_kept_are_made_anew(tiny: Any, parts: Parts, name: str) -> None:
    requests = tiny.requests(3)
    steers = [Steer({"GBR": share, "MEX": 1 - share}) for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    plain = parts("lora", name, RANKS)
    inner, expected = plain.backbone.model, one_by_one(plain, requests, steers)
    with ResidentRewardModel(plain, blends=2) as model:
        assert close_to(model.rewards_under(requests, [*steers, None])[:, :5], expected)
        for k in (4, 3, 0, 3, 1, 2):
            assert close_to(model.score(requests, steers[k]), expected[:, k])
            assert len(inner.peft_config) == 3 + 2
        names = {n.rpartition(".")[2] for n, _ in inner.named_modules() if "lora_A." in n}
        assert names == set(inner.peft_config)


def test_the_blend_used_longest_ago_goes_first(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, blend = [], resident.blend_adapters
    monkeypatch.setattr(resident, "blend_adapters", lambda *args: made.append(1) or blend(*args))
    first, second, third = (Steer.to("GBR", strength) for strength in (0.25, 0.5, 0.75))
    with ResidentRewardModel(parts("lora", "encoder"), blends=2) as model:
        for steers, expected in [
            ([first], 1),
            ([second], 2),
            ([first], 2),
            ([third], 3),
            ([first], 3),
            ([second], 4),
        ]:
            model.rewards_under(tiny.requests(1), steers)
            assert len(made) == expected
        model.rewards_under(tiny.requests(1), [third, first])  # first is there: only third is made
        assert len(made) == 5


def test_a_blend_that_cannot_be_put_on_the_model_leaves_nothing(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, requests, steer = parts("lora", "encoder"), tiny.requests(3), Steer.to("GBR", 0.5)
    expected, attach = plain.score(requests, steer), resident.attach

    def failing(*args: Any) -> Any:
        attach(*args)
        raise torch.OutOfMemoryError("CUDA out of memory")

    with ResidentRewardModel(plain) as model:
        with monkeypatch.context() as patched, pytest.raises(torch.OutOfMemoryError):
            patched.setattr(resident, "attach", failing)
            model.score(requests, steer)
        assert len(plain.backbone.model.peft_config) == 3
        assert close_to(model.score(requests, steer), expected)


@both
def test_communities_of_a_pooled_model_share_a_part(
    tiny: Any, parts: Parts, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = parts(kind, "encoder")
    folders = {
        "GBR": three.folders["GBR"],
        "IRL": three.folders["GBR"],
        "MEX": three.folders["MEX"],
    }
    requests, steers = (
        tiny.requests(4),
        [Steer.to("IRL"), Steer({"GBR": 0.25, "IRL": 0.75}), Steer.to("IRL", 0.5)],
    )
    expected = one_by_one(three, requests, [Steer.to("GBR"), Steer.to("GBR"), Steer.to("GBR", 0.5)])
    with ResidentRewardModel(
        TransformerRewardModel(three.backbone, three.form, three.kind, folders)
    ) as model:
        assert close_to(model.rewards_under(requests, steers), expected)
        rows = rows_seen(three, monkeypatch)
        found = model.score_all(requests)
        assert sum(rows) == 8
        assert np.array_equal(found[:, 0], found[:, 1])


@both
def test_unknown_communities_name_near_ones(tiny: Any, parts: Parts, kind: str) -> None:
    with ResidentRewardModel(parts(kind, "encoder")) as model:
        with pytest.raises(UnknownCommunity, match=r"(?s)not steered to '~yorub'.*~yoruba"):
            model.score(tiny.requests(1), Steer.to("~yorub"))
        with pytest.raises(UnknownCommunity, match="GBR"):
            model.rewards_each(tiny.requests(2), [[None], [None, Steer.to("JPN")]])


@both
def test_a_model_with_no_communities_is_its_reference(tiny: Any, parts: Parts, kind: Any) -> None:
    nobody = parts(kind, "encoder")
    nobody = TransformerRewardModel(nobody.backbone, nobody.form, kind, {})
    requests, expected = tiny.requests(3), nobody.score(tiny.requests(3))
    with ResidentRewardModel(nobody) as model:
        assert model.communities == ()
        assert close_to(model.score(requests), expected)
        assert close_to(model.score(requests, Steer.to("~world")), expected)
        with pytest.raises(NotEnoughData, match="steered to nobody"):
            model.score_all(requests)
        with pytest.raises(UnknownCommunity, match="GBR"):
            model.score(requests, Steer.to("GBR"))


@each
def test_a_closed_model_leaves_the_backbone_as_it_was(
    tiny: Any, parts: Parts, kind: str, name: str
) -> None:
    plain, requests = parts(kind, name), tiny.requests(5)
    inner, expected = plain.backbone.model, plain.score_all(tiny.requests(5))
    before = {n: v.clone() for n, v in inner.state_dict().items()}
    learns = {n: p.requires_grad for n, p in inner.named_parameters()}
    modules, attributes = {n: id(m) for n, m in inner.named_modules()}, set(vars(inner))
    model = ResidentRewardModel(plain)
    model.rewards_under(requests, STEERS)
    model.score(requests, Steer.to("MEX"))
    model.close()
    model.close()
    assert list(before) == list(inner.state_dict())
    assert all(torch.equal(v, inner.state_dict()[n]) for n, v in before.items())
    assert {n: p.requires_grad for n, p in inner.named_parameters()} == learns
    assert {n: id(m) for n, m in inner.named_modules()} == modules
    assert set(vars(inner)) == attributes
    assert np.array_equal(plain.score_all(requests), expected)
    with pytest.raises(InvalidInput, match="closed"):
        model.score(requests)
    with ResidentRewardModel(plain) as again:
        assert close_to(again.score_all(requests), expected)


@both
def test_a_stop_in_the_middle_leaves_a_model_that_scores_and_closes(
    tiny: Any, parts: Parts, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, requests = parts(kind, "encoder"), tiny.requests(3)
    before, expected = plain.score(requests), one_by_one(plain, requests, STEERS)
    with ResidentRewardModel(plain) as model:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            stopping = plain.backbone.model.bert
            patched.setattr(
                stopping, "forward", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt)
            )
            model.rewards_under(requests, STEERS)
        assert close_to(model.rewards_under(requests, STEERS), expected)
    assert np.array_equal(plain.score(requests), before)


def test_adapters_are_read_once(tiny: Any, parts: Parts, tmp_path: Path) -> None:
    plain = copied(parts("lora", "encoder", RANKS), tmp_path / "parts")
    requests, expected = tiny.requests(3), one_by_one(plain, tiny.requests(3), STEERS)
    with ResidentRewardModel(plain) as model:
        shutil.rmtree(tmp_path / "parts")
        assert close_to(model.rewards_under(requests, STEERS), expected)


def test_full_copies_are_read_once_as_far_as_memory_goes(
    tiny: Any, parts: Parts, tmp_path: Path
) -> None:
    plain = copied(parts("full", "encoder"), tmp_path / "parts")
    requests, steers = tiny.requests(3), [Steer.to("GBR"), Steer({"GBR": 0.5, "MEX": 0.5})]
    expected = one_by_one(plain, requests, steers)
    size = sum(value.nbytes for value in plain.backbone.model.state_dict().values())
    with ResidentRewardModel(plain, memory=2 * size) as model:
        model.rewards_under(requests, [Steer.to("MEX"), *steers])
        shutil.move(tmp_path / "parts", tmp_path / "away")
        assert close_to(model.rewards_under(requests, steers), expected)
        with pytest.raises(InvalidInput, match="weights are missing"):
            model.score(requests, Steer.to("MEX"))
        shutil.move(tmp_path / "away", tmp_path / "parts")
        assert close_to(model.rewards_under(requests, steers), expected)


def test_without_memory_full_copies_are_read_again(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, blend, steers = [], resident.blend_copies, [Steer.to("GBR"), Steer.to("MEX")]
    monkeypatch.setattr(resident, "blend_copies", lambda *args: read.append(1) or blend(*args))
    expected = one_by_one(parts("full", "encoder"), tiny.requests(3), steers)
    with ResidentRewardModel(parts("full", "encoder"), memory=0) as model:
        assert close_to(model.rewards_under(tiny.requests(3), steers), expected)
        assert close_to(model.rewards_under(tiny.requests(3), steers), expected)
    assert len(read) == 3  # the last steer of a call is the first of the next


def test_weights_are_swapped_once_for_each_steer(
    tiny: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, swaps = parts("full", "encoder"), []
    load = plain.backbone.model.load_state_dict
    monkeypatch.setattr(
        plain.backbone.model, "load_state_dict", lambda weights: swaps.append(1) or load(weights)
    )
    a, b = Steer.to("GBR"), Steer.to("MEX", 0.5)
    with ResidentRewardModel(plain) as model:
        model.rewards_each(tiny.requests(4), [[a, b], [b, a], [a], [b]])
        assert len(swaps) == 2
        model.score(tiny.requests(4), b)
        assert len(swaps) == 2
        model.rewards_under(tiny.requests(4), [None, b])
        assert len(swaps) == 3


@both
def test_a_backbone_in_use_is_not_used_by_anybody_else(tiny: Any, parts: Parts, kind: str) -> None:
    plain, requests = parts(kind, "encoder"), tiny.requests(2)
    with ResidentRewardModel(plain):
        with pytest.raises(InvalidInput, match=r"(?s)already.*close the model"):
            ResidentRewardModel(plain)
        for steer in (None, Steer.to("GBR")):
            with pytest.raises(InvalidInput, match="already"):
                plain.score(requests, steer)
        with pytest.raises(InvalidInput, match="already"):
            plain.score_all(requests)
    assert plain.score_all(requests).shape == (2, 3)


def test_a_part_that_is_missing_is_named_and_leaves_the_backbone_free(
    tiny: Any, parts: Parts, tmp_path: Path
) -> None:
    model = parts("lora", "encoder")
    folders = {"GBR": model.folders["GBR"], "MEX": tmp_path / "gone"}
    with pytest.raises(InvalidInput, match="gone"):
        ResidentRewardModel(TransformerRewardModel(model.backbone, model.form, "lora", folders))
    assert model.score_all(tiny.requests(2)).shape == (2, 3)


def test_nothing_to_score_or_to_score_under_is_an_error(tiny: Any, parts: Parts) -> None:
    with pytest.raises(InvalidInput, match="keep one or more"):
        ResidentRewardModel(parts("lora", "encoder"), blends=0)
    with ResidentRewardModel(parts("lora", "encoder")) as model:
        for nothing in (model.score, model.score_all):
            with pytest.raises(NotEnoughData, match="no requests"):
                nothing([])
        with pytest.raises(NotEnoughData, match="no steers"):
            model.rewards_under(tiny.requests(2), [])
        with pytest.raises(NotEnoughData, match="no steers"):
            model.rewards_each(tiny.requests(2), [[None], []])
        with pytest.raises(InvalidInput, match="2 requests with 1 lists"):
            model.rewards_each(tiny.requests(2), [[None]])
