"""Parts from anywhere: none scores with tensors that are missing, misshapen or not finite."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import DamagedFile
from pluralign.rewards.transformer.model import TransformerRewardModel
from pluralign.rewards.transformer.saving import load_parts, save_parts

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
Parts = Callable[..., TransformerRewardModel]
WEIGHTS = {"lora": "adapter_model.safetensors", "full": "model.safetensors"}


@pytest.fixture
def part_of(parts: Parts, tmp_path: Path) -> Callable[[str], TransformerRewardModel]:
    """A model of one community, whose part lies in a folder of its own."""

    def make(kind: str) -> TransformerRewardModel:
        model = parts(kind, "encoder")
        shutil.copytree(model.folders["GBR"], tmp_path / "model/parts/GBR")
        return replace(model, folders={"GBR": tmp_path / "model/parts/GBR"})

    return make


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    change(tensors)
    save_file(
        {name: value.contiguous() for name, value in tensors.items()},
        path,
        metadata={"format": "pt"},
    )


def first(tensors: dict[str, Any], ending: str = "weight") -> str:
    return next(name for name in sorted(tensors) if name.endswith(ending))


@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop(first(t)), "missing|two matrices|does not fit"),
        (lambda t: t.clear(), "missing|does not fit"),
        (lambda t: t.update(more=torch.zeros(3)), "'?more'?.*|does not fit"),
        (lambda t: t.update({first(t): t[first(t)].T[:1]}), "does not fit|two matrices"),
        (lambda t: t.update({first(t): t[first(t)].to(torch.int8)}), "must contain floats"),
        (lambda t: t[first(t)].fill_(float("nan")), "not finite"),
        (lambda t: t[first(t)].view(-1)[:1].fill_(float("-inf")), "not finite"),
    ],
    ids=["one missing", "all missing", "one more", "a shape", "integers", "nan", "inf"],
)  # fmt: skip
def test_tensors_that_do_not_fit_are_refused(
    tiny: Any,
    part_of: Callable[[str], Any],
    kind: str,
    change: Callable[[dict[str, Any]], object],
    said: str,
) -> None:
    model = part_of(kind)
    before = model.score(tiny.requests(2))
    changed(model.folders["GBR"] / WEIGHTS[kind], change)
    with pytest.raises(DamagedFile, match=rf"(?s)({said}).*train this part again"):
        model.score_all(tiny.requests(2))
    assert (model.score(tiny.requests(2)) == before).all(), "the reference was changed"


@pytest.mark.parametrize(
    "settings",
    [
        {"r": 0},
        {"r": "2"},
        {"r": None},
        {"r": True},
        {"lora_alpha": float("nan")},
        {"lora_alpha": []},
        {"r": 3},
    ],
)
def test_an_adapter_of_a_rank_that_is_none_is_refused(
    tiny: Any, part_of: Callable[[str], Any], settings: dict[str, Any]
) -> None:
    model = part_of("lora")
    path = model.folders["GBR"] / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    with pytest.raises(
        DamagedFile, match=r"(?s)(r must be a whole number|rank 3).*train this part again"
    ):
        model.score_all(tiny.requests(1))


@pytest.mark.parametrize("text", ["", "[]", "7", "[" * 9_000, '{"r":' + "9" * 5_000 + "}"])
def test_settings_of_an_adapter_that_are_none_are_refused(
    tiny: Any, part_of: Callable[[str], Any], text: str
) -> None:
    model = part_of("lora")
    (model.folders["GBR"] / "adapter_config.json").write_text(text)
    with pytest.raises(DamagedFile, match=r"adapter_config\.json: not "):
        model.score_all(tiny.requests(1))


@pytest.mark.parametrize("name", ["model-2.safetensors", "model.safetensors.index.json"])
def test_a_file_that_the_card_does_not_list_is_refused(
    tiny: Any, part_of: Callable[[str], Any], name: str
) -> None:
    model = part_of("full")
    folder = model.folders["GBR"].parents[1]
    trunk = {
        "kind": "transformer",
        "community": "full",
        "model": "tiny",
        "max_length": 128,
        "overlong": "cut",
    }
    save_parts(model, folder, trunk)
    assert load_parts(folder, tiny.load("encoder")).communities == ("GBR",)
    (model.folders["GBR"] / name).write_text("{}")
    with pytest.raises(DamagedFile, match="does not list this file"):
        load_parts(folder, tiny.load("encoder"))
