import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.metrics import answer_form, answer_words
from pluralign.metrics.answer_forms import word_position

LANGUAGES = st.sampled_from(["en", "es", "fa", "ar", "am", "zh", "ha", "el", "id"])


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("fa", "كيك", "کیک"),  # Arabic kaf and yeh
        ("fa", "تخم‌مرغ", "تخم مرغ"),  # a zero-width non-joiner, and a blank
        ("fa", "خانۀ پدر", "خانه پدر"),
        ("fa", "۱۴۰۲", "1402"),
        ("fa", "میـــوه", "میوه"),  # tatweel
        ("ar", "مُعَلِّم", "معلم"),  # vowel signs
        ("ar", "الشاي", "شاي"),  # the article
        ("ar", "٢٥", "25"),
        ("am", "ሥራ", "ስራ"),  # letters that are pronounced alike
        ("am", "ፀሐይ", "ጸሀይ"),
        ("am", "ዓመት", "አመት"),
        ("ha", "ɗan'uwa", "dan uwa"),
        ("es", "el Sándwich", "sandwich"),
        ("en", "The ice-cream!", "ice cream"),
        ("fr", "l'école", "École"),
        ("el", "Η σούπα", "σουπα"),
        ("zh", "ＡＤ钙奶", "ad钙奶"),  # full-width letters
        ("ja", "ﾗｰﾒﾝ", "ラーメン"),  # half-width kana
        ("az", "qatıq", "qatiq"),
    ],
)
def test_spellings_of_one_answer_have_one_form(language: str, one: str, other: str) -> None:
    assert answer_form(one, language) == answer_form(other, language) != ""


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("es", "año", "ano"),
        ("ja", "がく", "かく"),  # the mark makes another letter
        ("hi", "कि", "क"),
        ("ru", "мой", "мои"),
        ("am", "ቡና", "ቢና"),
        ("en", "rice", "ice"),
        ("id", "nasi", "nasi goreng"),
    ],
)
def test_different_answers_keep_different_forms(language: str, one: str, other: str) -> None:
    assert answer_form(one, language) != answer_form(other, language)


def test_an_answer_of_articles_alone_keeps_them() -> None:
    assert answer_words("A", "en") == ("a",)
    assert answer_words("la", "id") == ("la",)


@given(st.text(max_size=30), LANGUAGES.filter(lambda language: language != "ar"))
def test_a_form_is_its_own_form(text: str, language: str) -> None:
    form = answer_form(text, language)
    assert answer_form(form, language) == form


@given(st.text(max_size=30), LANGUAGES)
def test_case_blanks_and_unicode_composition_change_no_form(text: str, language: str) -> None:
    form = answer_form(text, language)
    assert answer_form(f"  {text}\n", language) == form
    assert answer_form(unicodedata.normalize("NFC", text), language) == form


def test_no_words_are_found_nowhere() -> None:
    assert word_position((), ("a", "b")) is None


@given(st.lists(st.sampled_from("ab"), max_size=6), st.lists(st.sampled_from("ab"), min_size=1))
def test_words_are_found_where_they_stand(words: list[str], wanted: list[str]) -> None:
    position = word_position(wanted, words)
    found = position is not None and words[position : position + len(wanted)] == wanted
    assert found == (" ".join(wanted) in " ".join(words))
