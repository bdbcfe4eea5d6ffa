"""One form for every spelling of a short answer: letters, digits, diacritics and articles."""

import re
import unicodedata
from collections.abc import Sequence

from pluralign.metrics.answer_variety import words_of
from pluralign.metrics.number_forms import number_form, split_numbers

_LETTERS = str.maketrans({
    # Arabic and Persian: yeh, kaf, heh, alef and the carriers of hamza.
    "ي": "ی", "ى": "ی", "ئ": "ی", "ك": "ک", "ة": "ه", "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا",
    "ٱ": "ا", "ؤ": "و", "ء": None, "ـ": None,
    # Hausa: hooked letters, which many keyboards lack.
    "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y",
    # Turkish and Azerbaijani: the dotless i.
    "ı": "i",
    # A zero-width non-joiner is within Persian words where others write a blank.
    "\u200c": " ",
    # Apostrophes end words: l'eau.
    "'": " ", "’": " ", "ʼ": " ",
})  # fmt: skip
_ETHIOPIC_ROWS = ((0x1210, 0x1200), (0x1280, 0x1200), (0x1220, 0x1230), (0x12D0, 0x12A0),
                  (0x1340, 0x1338))  # fmt: skip
"""Rows of Ethiopic letters that Amharic pronounces alike, and the row that is kept: ሐ and ኀ as ሀ,
ሠ as ሰ, ዐ as አ, ፀ as ጸ."""
_ETHIOPIC = {old + k: new + k for old, new in _ETHIOPIC_ROWS for k in range(7)}
# The fourth order of these two rows is pronounced as the first.
_ETHIOPIC |= dict.fromkeys((4611, 4627, 4739), 4608)
_ETHIOPIC |= dict.fromkeys((4771, 4819), 4768)

_MARKED_SCRIPTS = ("LATIN", "GREEK", "ARABIC", "HEBREW")
"""Scripts whose marks may be left out in writing; in others they make different letters."""
_KEPT = {"n\u0303": "ñ"}
"""Letters with a mark that make another word: año is not ano."""

_ARTICLES = {
    "en": "a an the",
    "es": "el la los las un una unos unas",
    "pt": "o a os as um uma uns umas",
    "fr": "le la les l un une des",
    "it": "il lo la i gli le l un uno una",
    "ca": "el la els les l un una uns unes",
    "de": "der die das den dem des ein eine einen einem einer",
    "nl": "de het een",
    "el": "ο η το οι τα τον την του της των τους τις ενας μια ενα",
}
_ARTICLES_OF = {tag: frozenset(words.split()) for tag, words in _ARTICLES.items()}
_ARABIC_ARTICLE = re.compile(r"^(?:ال)+(?=...)")
"""The article, and the same letters after it: words such as ألبان begin with them, too."""


def answer_words(text: str, language: str) -> tuple[str, ...]:
    """The words of a short answer in one form for all of its spellings.

    In this order: Unicode NFKC (half-width and full-width forms), lower case, Arabic, Persian,
    Amharic and Hausa letters that are written for each other, tatweel and diacritics of Latin,
    Greek, Arabic and Hebrew left out (ñ stays), digits of all scripts as 0 to 9, a number as one
    word in one spelling, other punctuation as blanks, articles left out. In scripts without blanks
    between words each character is a word.

    Args:
        text: The answer.
        language: BCP 47 tag of its language, by which articles are known.

    Returns:
        The words; an answer of articles alone keeps them.

    >>> answer_words("¡Los Tamales!", "es"), answer_words("كتاب ۱۲", "fa")
    (('tamales',), ('کتاب', '12'))
    >>> answer_words("1,5 Stunden", "de"), answer_words("٠١٫٥ ساعة", "ar")
    (('1.5', 'stunden'), ('1.5', 'ساعه'))
    >>> answer_words("ﾗｰﾒﾝ", "ja") == answer_words("ラーメン", "ja")
    True
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _without_marks(folded.translate(_LETTERS).translate(_ETHIOPIC))
    words = []
    for part, is_number in split_numbers("".join(map(_with_digit, folded))):
        found = [part] if is_number else words_of(part)
        words += [number_form(word) if word[0].isdecimal() else word for word in found]
    return tuple(_without_articles(words, language.partition("-")[0]))


def answer_form(text: str, language: str) -> str:
    """The words of `answer_words` with blanks between them; equal for spellings of one answer.

    >>> answer_form("the Ice-Cream", "en")
    'ice cream'
    """
    return " ".join(answer_words(text, language))


def word_position(words: Sequence[str], within: Sequence[str]) -> int | None:
    """The first position of some words in other words, one after the other; None if not found.

    No words are found nowhere.

    >>> word_position(("ice", "cream"), ("an", "ice", "cream")), word_position(("ice",), ("rice",))
    (1, None)
    """
    size = len(words)
    if not size:
        return None
    for start in range(len(within) - size + 1):
        if tuple(within[start : start + size]) == tuple(words):
            return start
    return None


def _without_marks(text: str) -> str:
    """The text without marks on letters of scripts that often leave them out."""
    kept: list[str] = []
    marked = False  # whether marks on the last letter are left out
    for character in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(character):
            marked = unicodedata.name(character, "").startswith(_MARKED_SCRIPTS)
            kept.append(character)
        elif not marked:
            kept.append(character)
        elif kept[-1] + character in _KEPT:
            kept[-1] = _KEPT[kept[-1] + character]
    return unicodedata.normalize("NFC", "".join(kept))


def _with_digit(character: str) -> str:
    return str(unicodedata.decimal(character, character))


def _without_articles(words: list[str], language: str) -> list[str]:
    if language == "ar":
        return [_ARABIC_ARTICLE.sub("", word) for word in words]
    articles = _ARTICLES_OF.get(language, frozenset())
    return [word for word in words if word not in articles] or words
