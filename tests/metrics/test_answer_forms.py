import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.metrics import answer_form, answer_words
from pluralign.metrics.answer_forms import word_position

LANGUAGES = st.sampled_from(
    ["am", "ar", "as", "az", "el", "en", "es", "fa", "ha", "id", "ko", "su", "zh"]
)


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
        ("ar", "الألبان", "ألبان"),  # the article before a word that begins like it
        ("ar", "الألبان", "البان"),  # without the hamza
        ("as", "ভাত।", "ভাত"),
        ("ko", "김치\u00a0찌개", "김치 찌개"),
        ("su", "Sangu Liwet", "sangu liwet"),
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
        ("en", "1,000 people", "1000 people"),
        ("es", "10.000", "10000"),
        ("el", "1,50", "1.5"),
        ("fa", "۱٫۵ ساعت", "1.5 ساعت"),
        ("zh", "１．５小时", "1.5小时"),
        ("am", "09:00", "9:00"),
        ("id", "08/03", "8/3"),
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
        ("en", "1.5", "15"),
        ("en", "0.5", "5"),
        ("en", "9:30", "9:03"),
        ("en", "12/25", "1/225"),
    ],
)
def test_different_answers_keep_different_forms(language: str, one: str, other: str) -> None:
    assert answer_form(one, language) != answer_form(other, language)


def test_an_answer_of_articles_alone_keeps_them() -> None:
    assert answer_words("A", "en") == ("a",)
    assert answer_words("la", "id") == ("la",)


@given(st.text(max_size=30), LANGUAGES)
def test_a_form_is_its_own_form(text: str, language: str) -> None:
    form = answer_form(text, language)
    assert answer_form(form, language) == form


@given(st.text(st.sampled_from("0123459.,:/٫ a月"), max_size=15), LANGUAGES)
def test_a_form_with_numbers_is_its_own_form(text: str, language: str) -> None:
    form = answer_form(text, language)
    assert answer_form(form, language) == form


@given(st.decimals(0, 10**5, places=2), st.sampled_from(".,٫"))
def test_decimals_have_one_form_with_each_mark(number: Decimal, mark: str) -> None:
    (word,) = answer_words(str(number).replace(".", mark), "en")
    assert Decimal(word) == number


@given(st.text(max_size=30), LANGUAGES)
def test_case_blanks_and_unicode_composition_change_no_form(text: str, language: str) -> None:
    form = answer_form(text, language)
    assert answer_form(f"  {text}\n", language) == form
    assert answer_form(unicodedata.normalize("NFC", text), language) == form


ALPHABETS = {
    "am": st.characters(min_codepoint=0x1200, max_codepoint=0x1357, categories=["Lo"]),
    "ar": st.characters(min_codepoint=0x0622, max_codepoint=0x064A, categories=["Lo"]),
    "as": st.characters(min_codepoint=0x0985, max_codepoint=0x09B9, categories=["Lo"]),
    "el": st.characters(min_codepoint=0x0386, max_codepoint=0x03CE, categories=["Ll", "Lu"]),
    "es": st.characters(max_codepoint=0x017F, categories=["Ll", "Lu"]),
    "fa": st.sampled_from("ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"),
    "ko": st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
    "zh": st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF, categories=["Lo"]),
}
"""Letters of each script; of Arabic all but the hamza alone, which no word consists of."""


@st.composite
def words_in_a_language(draw: st.DrawFn) -> tuple[str, str]:
    """A few words of random letters, and the tag of their language."""
    language = draw(st.sampled_from(sorted(ALPHABETS)))
    word = st.text(ALPHABETS[language], min_size=1, max_size=6)
    return " ".join(draw(st.lists(word, min_size=1, max_size=3))), language


@given(words_in_a_language())
def test_a_text_with_letters_keeps_a_word(written: tuple[str, str]) -> None:
    assert answer_words(*written)


@given(words_in_a_language())
def test_composed_and_decomposed_letters_have_one_form(written: tuple[str, str]) -> None:
    text, language = written
    decomposed = unicodedata.normalize("NFD", text)
    assert answer_form(decomposed, language) == answer_form(text, language)


FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20), LANGUAGES)
def test_full_width_and_usual_letters_have_one_form(text: str, language: str) -> None:
    assert answer_form(text.translate(FULL_WIDTH), language) == answer_form(text, language)


@given(st.text(st.characters(min_codepoint=0xFF66, max_codepoint=0xFF9F), max_size=20))
def test_half_width_and_usual_kana_have_one_form(text: str) -> None:
    assert answer_form(text, "ja") == answer_form(unicodedata.normalize("NFKC", text), "ja")


ARABIC_FORMS = str.maketrans("یکه", "يكة")
VOWEL_SIGNS = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0640"


@given(st.text(ALPHABETS["fa"], min_size=1, max_size=12), st.sampled_from(["fa", "ar"]))
def test_arabic_and_persian_forms_of_letters_have_one_form(text: str, language: str) -> None:
    assert answer_form(text.translate(ARABIC_FORMS), language) == answer_form(text, language)


@given(st.text(ALPHABETS["fa"], min_size=1, max_size=12), st.data())
def test_vowel_signs_and_tatweel_change_no_form(text: str, data: st.DataObject) -> None:
    signs = data.draw(st.lists(st.sampled_from(["", *VOWEL_SIGNS]), min_size=len(text)))
    signed = "".join(letter + sign for letter, sign in zip(text, signs, strict=False))
    assert answer_form(signed, "fa") == answer_form(text, "fa")


ZEROS = (0x30, 0x0660, 0x06F0, 0x0966, 0x09E6, 0xFF10)  # Latin, Arabic, Persian, Hindi, Assamese


@given(st.integers(0, 10**6), st.sampled_from(ZEROS), LANGUAGES)
def test_numbers_in_the_digits_of_any_script_have_one_form(
    number: int, zero: int, language: str
) -> None:
    text = "".join(chr(zero + int(digit)) for digit in str(number))
    assert answer_words(text, language) == (str(number),)


@given(st.text(st.sampled_from("abcdefghijklmopqrstuvwxyz "), max_size=12), st.data(), LANGUAGES)
def test_accents_on_latin_letters_change_no_form(
    text: str, data: st.DataObject, language: str
) -> None:
    letters = [
        letter + data.draw(st.sampled_from(["", "\u0301", "\u0308", "\u0327"])) * (letter != " ")
        for letter in text
    ]
    assert answer_form("".join(letters), language) == answer_form(text, language)


def test_no_words_are_found_nowhere() -> None:
    assert word_position((), ("a", "b")) is None


@given(st.lists(st.sampled_from("ab"), max_size=6), st.lists(st.sampled_from("ab"), min_size=1))
def test_words_are_found_where_they_stand(words: list[str], wanted: list[str]) -> None:
    position = word_position(wanted, words)
    found = position is not None and words[position : position + len(wanted)] == wanted
    assert found == (" ".join(wanted) in " ".join(words))
