import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("py3langid")

from pluralign.encoders import HashEncoder, language_of, language_warning, languages_of

ENGLISH = "I think that an assistant could help me to plan my week and my meals"
SPANISH = "Creo que un asistente podría ayudarme a organizar la semana y las comidas"
ARABIC = "أعتقد أن المساعد يمكن أن يساعدني في تنظيم أسبوعي"


class English:
    fingerprint, dimensions, languages = "english", 4, ("en",)

    def encode(self, texts):  # type: ignore[no-untyped-def]
        return HashEncoder(4).encode(texts)


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, "en"),
        (SPANISH, "es"),
        (ARABIC, "ar"),
        ("نظر شما درباره هوش مصنوعی چیست؟ من فکر می کنم", "fa"),
        ("Що ви думаєте про штучний інтелект у житті?", "uk"),
        ("Nadhani akili bandia itasaidia sana watu wetu", "sw"),
        ("人工知能についてどう思いますか", "ja"),
        ("yes, of course", "und"),
        ("", "und"),
        ("12345 !!! ", "und"),
    ],
)
def test_a_language_is_recognised_or_left_open(text: str, language: str) -> None:
    assert language_of(text) == language


def test_the_sample_is_seeded_and_bounded() -> None:
    texts = [ENGLISH, SPANISH] * 400
    assert languages_of(texts, _rng()) == languages_of(texts, _rng())
    assert languages_of(texts, _rng(), sample=50).total() == 50


def test_other_languages_are_named_with_their_share() -> None:
    warning = language_warning(
        [ENGLISH] * 7 + [SPANISH] * 2 + [ARABIC] + ["ok"] * 30, English(), _rng()
    )
    assert warning is not None
    assert "30% of 10 texts" in warning
    assert "es 20%, ar 10%" in warning


def test_no_warning_appears_where_the_encoder_reads_the_texts_or_all_languages() -> None:
    assert language_warning([ENGLISH] * 10, English(), _rng()) is None
    assert language_warning([ENGLISH] * 99 + [SPANISH], English(), _rng()) is None
    assert language_warning([SPANISH] * 10, HashEncoder(), _rng()) is None
    assert language_warning([], English(), _rng()) is None
    assert language_warning(["ok", "no"], English(), _rng()) is None


@pytest.mark.shared
def test_english_answers_of_real_people_give_no_warning(shared_data: Path) -> None:
    with gzip.open(
        shared_data / "global_dialogues" / "gd6_uk_thoughts.csv.gz", "rt", encoding="utf-8"
    ) as file:
        texts = [row["thought"] for row in csv.DictReader(file)]
    counts = languages_of(texts, _rng())
    assert counts["en"] / (counts.total() - counts["und"]) > 0.99
    assert language_warning(texts, English(), _rng()) is None
