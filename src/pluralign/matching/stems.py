"""Stems of words by Snowball, in the languages in which they match the right answers."""

from functools import cache, lru_cache
from importlib import import_module
from typing import Protocol

_STEMMERS = {
    "ar": "Arabic",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "id": "Indonesian",
}
"""Tag of a language -> its stemmer. A language is here if, on BLEnD, at least nine in ten of the
answers that only stems match are matched as its people did (docs/knowledge.md)."""
STEMMED_LANGUAGES = tuple(_STEMMERS)
"""Tags of the languages that have a stemmer."""
_REMEMBERED = 65_536
_ARABIC_LETTERS = str.maketrans({"ی": "ي", "ک": "ك"})
"""`pluralign.metrics.answer_words` writes these two as in Persian; the stemmer reads Arabic."""


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


@lru_cache(_REMEMBERED)
def stemmed(words: tuple[str, ...], language: str) -> tuple[str, ...]:
    """The stems of the words of an answer (Snowball, https://snowballstem.org).

    Args:
        words: Words, as `pluralign.metrics.answer_words` writes them.
        language: BCP 47 tag of their language.

    Returns:
        A stem for each word; the words themselves in a language that is not one of
        ``STEMMED_LANGUAGES``.

    >>> stemmed(("sandwiches",), "en"), stemmed(("tamales",), "es"), stemmed(("کتابها",), "fa")
    (('sandwich',), ('tamal',), ('کتاب',))
    >>> stemmed(("ሰዎች",), "am")
    ('ሰዎች',)
    """
    primary = language.partition("-")[0]
    if primary not in _STEMMERS:
        return words
    if primary == "ar":
        words = tuple(map(_in_arabic, words))
    stemmer = _stemmer(_STEMMERS[primary])
    return tuple(stemmer.stemWord(word) for word in words)


def _in_arabic(word: str) -> str:
    """The word in Arabic letters; its last one, if it is heh, as the teh marbuta of سيارة."""
    if word.endswith("ه"):
        word = word[:-1] + "ة"
    return word.translate(_ARABIC_LETTERS)


@cache
def _stemmer(name: str) -> _Stemmer:
    """A stemmer of Snowball in pure Python.

    Its class is imported as such: ``snowballstemmer.stemmer`` takes another version of Snowball
    where PyStemmer is installed, and scores must not depend on that.
    """
    module = import_module(f"snowballstemmer.{name.lower()}_stemmer")
    stemmer: _Stemmer = getattr(module, f"{name}Stemmer")()
    return stemmer
