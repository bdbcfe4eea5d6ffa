import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import Encoder, InvalidInput
from pluralign.encoders import HashEncoder

TEXTS = st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=8)


@given(TEXTS)
def test_every_row_has_length_one_or_no_words(texts: list[str]) -> None:
    embedding = HashEncoder(32).encode(texts)
    assert embedding.shape == (len(texts), 32)
    assert embedding.dtype == np.float32
    lengths = np.linalg.norm(embedding, axis=1)
    assert np.all(np.isclose(lengths, 1, atol=1e-5) | (lengths == 0))


@given(TEXTS, st.randoms())
def test_a_row_depends_on_its_own_text_only(texts: list[str], random) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)
    encoder = HashEncoder(16)
    assert np.array_equal(encoder.encode([texts[i] for i in order]), encoder.encode(texts)[order])


def test_word_order_and_words_matter_and_case_does_not() -> None:
    a, b, c, d = HashEncoder(1024).encode(
        ["the dog bites", "THE DOG, BITES!", "bites the dog", "a cat sleeps"]
    )
    assert np.array_equal(a, b)
    assert 0.5 < a @ c < 0.99
    assert abs(a @ d) < 0.3


def test_scripts_without_spaces_are_split_into_characters() -> None:
    a, b, c = HashEncoder(1024).encode(["我喜欢音乐", "我喜欢跳舞", "天气不好"])
    assert a @ b > 0.3 > abs(a @ c)


def test_another_process_with_another_hash_seed_gives_the_same_vectors() -> None:
    code = (
        "from pluralign.encoders import HashEncoder; "
        "print(HashEncoder(8).encode(['family first'])[0].tolist())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {f"{HashEncoder(8).encode(['family first'])[0].tolist()}\n"}


def test_a_text_across_a_chunk_border_is_encoded_like_any_other() -> None:
    embedding = HashEncoder(8).encode([f"text {i % 10}" for i in range(8200)])
    assert np.array_equal(embedding[:10], embedding[8190:8200])


def test_it_is_an_encoder_and_its_fingerprint_names_its_settings() -> None:
    assert isinstance(HashEncoder(), Encoder)
    assert (
        len(
            {
                HashEncoder(8).fingerprint,
                HashEncoder(9).fingerprint,
                HashEncoder(8, seed=1).fingerprint,
            }
        )
        == 3
    )


def test_no_dimensions_are_refused() -> None:
    with pytest.raises(InvalidInput, match="dimensions"):
        HashEncoder(0)
