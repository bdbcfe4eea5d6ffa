"""Spellings of short answers: equal answers of different people have one key.

Pairs are made with these keys; a model's answer is scored with `pluralign.metrics.answer_words`.
The two differ on purpose. A key has no order, joins English plurals, and keeps a number whole, so
that "1.6" is not "01/06"; words that are scored keep their order, and follow their language.
"""

import re
import unicodedata
from functools import lru_cache

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|(?:[^\W\d_]|[\u0900-\u0963\u0971-\u0dff])+")
"""A number or a word; vowel signs of the scripts of India and Sri Lanka are within words."""
_ARTICLES = frozenset({"a", "an", "the"})
_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "ـ": "", "ß": "ss"})
_SHORTEST_PLURAL = 4


@lru_cache(65_536)
def answer_key(text: str) -> tuple[str, ...]:
    """The words of a short answer in one spelling.

    Case, marks above and below letters, punctuation, English articles and English plurals do not
    count, nor does the order of words. Arabic and Persian forms of a letter are one letter, all
    digits are 0 to 9, and zeros before a number are left out. Plurals follow the S-stemmer (Harman
    1991).

    Args:
        text: The answer.

    Returns:
        The words, sorted; empty if the text has neither a letter nor a digit.

    >>> answer_key("The Sandwiches!"), answer_key("sandwich")
    (('sandwich',), ('sandwich',))
    >>> answer_key("09:00") == answer_key("۹:۰۰")
    True
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    letters = (_digit(c) for c in plain if not unicodedata.combining(c))
    tokens = _TOKEN.findall("".join(letters))
    words = [_singular(token) for token in tokens if token not in _ARTICLES]
    return tuple(sorted(words or tokens))


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _singular(word: str) -> str:
    if word[0].isdecimal():
        return word.lstrip("0") or "0"
    if len(word) < _SHORTEST_PLURAL:
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
