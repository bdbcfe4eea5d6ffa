"""MiniLM on onnxruntime: the vectors of torch but for rounding, checked before they are used."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pluralign.core import InvalidInput, MissingExtra
from pluralign.encoders import SentenceEncoder, cache_size, clear_cache, encoder_named, minilm

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

TEXTS = ["", "a", "¿Qué importa más? 家庭 🙂", *(f"word {i} " * i for i in (1, 5, 20, 200))]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def encoder(kept: Path) -> SentenceEncoder:
    found = encoder_named("minilm-onnx", kept)
    assert isinstance(found, SentenceEncoder)
    return found


@pytest.mark.slow
def test_vectors_are_those_of_torch_but_for_rounding(encoder: SentenceEncoder) -> None:
    torch = minilm(device="cpu")
    found_N_D, wanted_N_D = encoder.encode(TEXTS), torch.encode(TEXTS)
    assert np.abs(found_N_D - wanted_N_D).max() < 1e-6
    assert encoder.truncated == torch.truncated > 0
    assert encoder.dimensions == 384
    assert encoder.side_by_side
    assert encoder.fingerprint != torch.fingerprint  # a cache never mixes the two


def test_a_vector_does_not_depend_on_the_other_texts(encoder: SentenceEncoder) -> None:
    together = encoder.encode(TEXTS[:6])
    assert np.abs(encoder.encode([TEXTS[5]]) - together[5]).max() < 1e-6
    assert np.array_equal(encoder.encode_shard(TEXTS[:6]), together)


@pytest.mark.slow
def test_once_it_is_in_the_cache_no_torch_is_imported(encoder: SentenceEncoder, kept: Path) -> None:
    encoder.encode(["a"])
    script = (
        "import sys, pathlib, pluralign.encoders as e; "
        "e.encoder_named('minilm-onnx', pathlib.Path(sys.argv[1])).encode(['a']); "
        "assert not {'torch', 'onnx', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(kept)], check=True, timeout=120)


@pytest.mark.slow
def test_other_vectors_than_those_of_torch_are_refused_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pluralign.encoders.minilm_graph._NORM_EPS", 1e-2)
    with pytest.raises(InvalidInput, match=r'(?s)differ from .*encoder = "minilm"'):
        encoder_named("minilm-onnx", tmp_path).encode(["a"])
    assert not list(tmp_path.glob("onnx/*"))


def test_the_network_counts_in_the_cache_and_is_cleared_with_it(
    encoder: SentenceEncoder, kept: Path
) -> None:
    encoder.encode(["a"])
    assert cache_size(kept).bytes > 80_000_000
    clear_cache(kept)
    assert cache_size(kept).bytes == 0


def test_without_onnxruntime_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pluralign.encoders.packaged.find_spec", lambda name: None if "onnx" in name else True
    )
    with pytest.raises(MissingExtra, match=r"pluralign\[onnx\]"):
        encoder_named("minilm-onnx")
