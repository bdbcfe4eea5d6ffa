"""Scripts of languages: whether a text is written in one that its language uses."""

import re
import unicodedata
from collections.abc import Mapping

_SCRIPTS = {
    "ARABIC": "ar fa ur ps ckb ug sd",
    "ARMENIAN": "hy",
    "BENGALI": "bn as",
    "CJK": "zh ja ko",
    "CYRILLIC": "ru uk bg be kk ky mk mn sr tg",
    "DEVANAGARI": "hi mr ne",
    "ETHIOPIC": "am ti",
    "GEORGIAN": "ka",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "HANGUL": "ko",
    "HEBREW": "he",
    "HIRAGANA": "ja",
    "KANNADA": "kn",
    "KATAKANA": "ja",
    "KHMER": "km",
    "LAO": "lo",
    "LATIN": "en es pt fr it de nl sv da no fi et lv lt pl cs sk hu ro hr sl sq tr az uz id ms jv "
    "su tl vi sw ha yo ig zu xh so sr eu ca gl cy ga qu mi",
    "MALAYALAM": "ml",
    "MYANMAR": "my",
    "ORIYA": "or",
    "SINHALA": "si",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
    "TIBETAN": "bo dz",
}
"""Script, as Unicode begins the names of its letters -> tags of languages that are written in it.
"""
_COMPATIBILITY = re.compile(r"[\uff10-\uffdc\ufb50-\ufdcf\ufe70-\ufefc]")
_LOOK_ALIKE = {"LATIN", "CYRILLIC", "GREEK"}
"""Scripts with letters that look alike; a word of two of them has a wrong letter."""


def _by_language() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for script, languages in _SCRIPTS.items():
        for language in languages.split():
            found.setdefault(language, set()).add(script)
    return {language: frozenset(scripts) for language, scripts in found.items()}


SCRIPTS_OF = _by_language()
"""Tag of a language -> its scripts. A language that is not listed is not checked."""


def foreign_share(text: str, language: str) -> float:
    """The share of the letters of a text that its language does not use.

    Args:
        text: The text.
        language: BCP 47 tag of its language.

    Returns:
        A share in [0, 1]; 0 where there are no letters or the language is not in ``SCRIPTS_OF``.

    >>> foreign_share("نان", "fa"), foreign_share("naan", "fa"), foreign_share("نان KFC", "fa")
    (0.0, 1.0, 0.5)
    """
    scripts = SCRIPTS_OF.get(language.partition("-")[0])
    normal = unicodedata.normalize("NFKC", text)  # half-width letters in their normal width
    letters = [script_of(character) for character in normal if character.isalpha()]
    if scripts is None or not letters:
        return 0.0
    return sum(script not in scripts for script in letters) / len(letters)


def mixed_word(text: str) -> str | None:
    """The first word with letters of two scripts that look alike; None if there is not one.

    >>> mixed_word("a cup of t" + chr(0x435) + "a") is None, mixed_word("tea чай") is None
    (False, True)
    """
    words: list[str] = re.findall(r"\w+", text)
    for word in words:
        scripts = {script_of(character) for character in word if character.isalpha()}
        if len(scripts & _LOOK_ALIKE) > 1:
            return word
    return None


def compatibility_word(text: str) -> str | None:
    """The first word with compatibility letters or digits; None if there is not one.

    They are half-width and full-width letters and Arabic presentation forms, which look like other
    letters. Full-width punctuation is normal in Chinese and Japanese, and is not looked at.

    >>> [compatibility_word(text) for text in ("味噌ﾗｰﾒﾝ", "ＡＢＣ", "ラーメン？")]
    ['味噌ﾗｰﾒﾝ', 'ＡＢＣ', None]
    >>> compatibility_word("\ufee7\ufe8e\ufee5") is None
    False
    """
    words: list[str] = re.findall(r"\w+", text)
    for word in words:
        if _COMPATIBILITY.search(word):
            return word
    return None


def script_of(character: str) -> str:
    """The first word of a character's name in Unicode, which is the script of a letter.

    >>> script_of("ب"), script_of("ቡ")
    ('ARABIC', 'ETHIOPIC')
    """
    return unicodedata.name(character, "").partition(" ")[0]
