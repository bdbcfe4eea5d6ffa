"""A planted folder of a model runs nothing, whatever door it comes in by."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from pluralign.core import DamagedFile, InvalidInput, InvalidSettings, PluralignError
from pluralign.encoders import encoder_named
from pluralign.huggingface.safety import (
    refuse_code,
    refuse_damaged_weights,
    refuse_modules_elsewhere,
    refuse_pickles,
)
from pluralign.respondents.local import load_chat_model
from pluralign.rewards.transformer.backbones import ModelSource, load_backbone

pytest.importorskip("sentence_transformers")

MODULES = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
Plant = Callable[[Path], None]


def plain(folder: Path) -> Path:
    """A folder that looks like a sentence encoder and like a language model."""
    folder.mkdir()
    write(folder / "config.json", {"model_type": "bert", "architectures": ["BertModel"]})
    write(folder / "modules.json", MODULES)
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "planted.py").write_text(
        f"open({str(folder.parent / 'ran')!r}, 'w').close()\nclass Writer: pass\n"
    )
    return folder


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def changed(name: str, **settings: Any) -> Plant:
    def plant(folder: Path) -> None:
        path = folder / name
        known = json.loads(path.read_text()) if path.is_file() else {}
        write(path, known | settings)

    return plant


def module(**settings: Any) -> Plant:
    return lambda folder: write(folder / "modules.json", [MODULES[0] | settings])


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cbuiltins\nexec\n.")


def pickled_beside_other_tensors(folder: Path) -> None:
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense/other.safetensors").write_bytes(b"")
    (folder / "2_Dense/pytorch_model.bin").write_bytes(b"cbuiltins\nexec\n.")


FOR_ALL: list[Plant] = [
    changed(
        "config.json", auto_map={"AutoModel": "planted.Writer", "AutoConfig": "planted.Writer"}
    ),
    changed("tokenizer_config.json", auto_map={"AutoTokenizer": ["planted.Writer", None]}),
    changed("config.json", text_config={"auto_map": {"AutoModel": "planted.Writer"}}),
    changed("config.json", attn_implementation="somebody/kernel"),
    pickled,
]
FOR_ENCODERS: list[Plant] = [
    module(type="planted.Writer"),
    module(type="os.path"),
    module(type="owner/repo--planted.Writer"),
    module(path="../elsewhere"),
    module(path="/tmp"),
    module(path="onnx"),
    changed(
        "router_config.json", types={"../elsewhere": "sentence_transformers.models.Transformer"}
    ),
    changed("router_config.json", types={"onnx": "sentence_transformers.models.Transformer"}),
    pickled_beside_other_tensors,
    changed("sentence_bert_config.json", model_args={"trust_remote_code": True}),
    changed("2_Dense/config.json", activation_function="planted.Writer"),
    changed("router_config.json", types={"query_0": "planted.Writer"}),
    changed("1_Words/wordembedding_config.json", tokenizer_class="planted.Writer"),
    changed("adapter_config.json", base_model_name_or_path="somebody/else"),
]


def refused(open_it: Callable[[], object], folder: Path) -> None:
    with pytest.raises((InvalidInput, InvalidSettings)) as caught:
        open_it()
    assert "Traceback" not in str(caught.value)
    assert not (folder.parent / "ran").exists()


@pytest.mark.parametrize("plant", [*FOR_ALL, *FOR_ENCODERS])
@pytest.mark.parametrize("prefix", ["", "static:"])
def test_a_planted_encoder_is_refused_before_it_is_loaded(
    tmp_path: Path, plant: Plant, prefix: str
) -> None:
    folder = plain(tmp_path / "model")
    plant(folder)

    refused(lambda: encoder_named(f"{prefix}{folder}", tmp_path / "cache"), folder)


@pytest.mark.parametrize("plant", FOR_ALL)
def test_a_planted_trunk_is_refused_before_it_is_loaded(tmp_path: Path, plant: Plant) -> None:
    folder = plain(tmp_path / "model")
    plant(folder)

    refused(lambda: load_backbone(ModelSource(str(folder), device="cpu")), folder)


@pytest.mark.parametrize("plant", FOR_ALL)
def test_a_planted_language_model_is_refused_before_it_is_loaded(
    tmp_path: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    folder = plain(tmp_path / "model")
    plant(folder)

    refused(lambda: load_chat_model(str(folder)), folder)


@pytest.mark.parametrize(
    "plant",
    [pickled, changed("adapter_config.json", megatron_config={"a": 1}, megatron_core="planted")],
)
def test_a_planted_adapter_is_refused_before_it_is_loaded(
    tmp_path: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch, tiny_chat_model: Path
) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    folder = plain(tmp_path / "adapter")
    write(
        folder / "adapter_config.json",
        {"base_model_name_or_path": str(tiny_chat_model), "peft_type": "LORA"},
    )
    plant(folder)

    refused(lambda: load_chat_model(str(tiny_chat_model), adapter=folder), folder)


def test_a_plain_folder_is_not_refused(tmp_path: Path) -> None:
    folder = plain(tmp_path / "model")
    for unread in (
        "original/consolidated.00.pth",
        "openvino/openvino_model.bin",
        "training_args.bin",
    ):
        write(folder / unread, "")
    write(
        folder / "2_Dense" / "config.json",
        {"activation_function": "torch.nn.modules.activation.Tanh"},
    )
    write(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "BertTokenizer", "model_max_length": 512},
    )

    refuse_code(folder)
    refuse_modules_elsewhere(folder)
    refuse_pickles(folder)
    refuse_pickles(folder, parts=True)


def test_a_link_to_another_folder_is_no_part_of_a_model(tmp_path: Path) -> None:
    folder = plain(tmp_path / "model")
    (tmp_path / "elsewhere").mkdir()
    (folder / "0_Transformer").symlink_to(tmp_path / "elsewhere")
    module(path="0_Transformer")(folder)

    with pytest.raises(InvalidSettings, match="is outside of its folder"):
        refuse_modules_elsewhere(folder)


@given(
    st.text(max_size=60), st.sampled_from(["config.json", "modules.json", "tokenizer_config.json"])
)
def test_every_configuration_is_read_or_refused_with_a_message(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    folder = tmp_path_factory.mktemp("m")
    (folder / name).write_text(text, encoding="utf-8", errors="replace")
    try:
        refuse_code(folder)
        refuse_modules_elsewhere(folder)
    except PluralignError as error:
        assert name in str(error)


def test_a_configuration_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 200_000)

    with pytest.raises(DamagedFile, match="not JSON"):
        refuse_code(tmp_path)


@pytest.mark.parametrize("parts", [False, True])
def test_truncated_weights_are_named_before_a_library_opens_them(
    tmp_path: Path, parts: bool
) -> None:
    folder = tmp_path / "1_Dense" if parts else tmp_path
    folder.mkdir(exist_ok=True)
    whole = save({"weight": np.ones((4, 4), np.float32)})
    (folder / "model.safetensors").write_bytes(whole)
    refuse_damaged_weights(tmp_path, parts=parts)
    for blob in (whole[:-1], whole[:9], b"", b"\xff" * 40):
        (folder / "model.safetensors").write_bytes(blob)
        with pytest.raises(
            DamagedFile, match=r"model\.safetensors: the weights are truncated or altered"
        ):
            refuse_damaged_weights(tmp_path, parts=parts)
