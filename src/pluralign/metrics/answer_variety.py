"""How different answers are: within an answer, within a policy, and between two policies.

All functions are of one prompt, so that an interval over prompts follows from their values.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np

from pluralign.core.arrays import FloatArray

WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
"""A character of a script without blanks between words, which counts as a word: Thai and Lao,
Myanmar, Khmer, kana, Chinese characters."""
_APOSTROPHES = "'’"
_BETWEEN_WORDS = "PSZC"
"""Unicode categories of punctuation, symbols, separators and control characters."""
_REMEMBERED = 10_000
"""Texts whose sets of words are kept in memory: each is compared with many."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; each character of a script without blanks is a word.

    >>> words_of("Don't say: 'Tea'!"), words_of("喝茶吧。")
    (["don't", 'say', 'tea'], ['喝', '茶', '吧'])
    """
    parts = "".join(map(_spaced, text.casefold())).split()
    stripped = [part.strip(_APOSTROPHES) for part in parts]
    return [word for word in stripped if word]


@lru_cache(_REMEMBERED)
def word_set(text: str) -> frozenset[str]:
    """The different words of a text.

    >>> sorted(word_set("Tea, or no tea"))
    ['no', 'or', 'tea']
    """
    return frozenset(words_of(text))


def repeated_share(text: str, size: int = 4) -> float:
    """Share of the n-grams of an answer that repeat an earlier one (seq-rep-n).

    1 - different n-grams / n-grams (Welleck et al. 2019, arXiv 1908.04319).

    Args:
        text: The answer.
        size: n, in words, >= 1.

    Returns:
        A share in [0, 1]; nan where the answer has fewer than n words.

    >>> repeated_share("so it goes and so it goes and so it goes", size=2)
    0.6
    >>> repeated_share("too short")
    nan
    """
    found = _ngrams(text, size)
    return 1 - len(set(found)) / len(found) if found else float("nan")


def distinct_share(texts: Sequence[str], size: int = 2) -> float:
    """Different n-grams of several answers to one prompt, per n-gram (distinct-n).

    Li et al. 2016, arXiv 1510.03055. It falls with the number of answers and with their length, so
    compare policies at equal numbers of answers.

    Args:
        texts: Answers to one prompt.
        size: n, in words, >= 1.

    Returns:
        A share in (0, 1]; nan where no answer has n words.

    >>> distinct_share(["drink some tea", "drink some tea"])
    0.5
    """
    found = [ngram for text in texts for ngram in _ngrams(text, size)]
    return len(set(found)) / len(found) if found else float("nan")


def lexical_distances(first: Sequence[str], second: Sequence[str]) -> FloatArray:
    """Jaccard distances of the sets of words of answers.

    Args:
        first: Answers to a prompt, n of them.
        second: Answers to the same prompt, m of them.

    Returns:
        Distances in [0, 1], shape (n, m): 0 for the same words, 1 for none in common. Two answers
        without words have distance 0.

    >>> lexical_distances(["drink tea"], ["Tea!", "drink tea", "coffee"]).tolist()
    [[0.5, 0.0, 1.0]]
    """
    words_n, words_m = list(map(word_set, first)), list(map(word_set, second))
    distances = [[_jaccard_distance(one, other) for other in words_m] for one in words_n]
    return np.array(distances, dtype=np.float64).reshape(len(first), len(second))


def vector_distances(first_n_D: FloatArray, second_m_D: FloatArray) -> FloatArray:
    """Cosine distances of vectors of answers.

    Args:
        first_n_D: Vectors of answers to a prompt, shape (n, D).
        second_m_D: Vectors of answers to the same prompt, shape (m, D).

    Returns:
        1 - cosine, in [0, 2], shape (n, m); nan for a vector of zeros, which has no direction.

    >>> vector_distances(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 1.0]])).tolist()
    [[0.0, 1.0]]
    """
    distance_n_m: FloatArray = 1 - _directions(first_n_D) @ _directions(second_m_D).T
    return np.clip(distance_n_m, 0.0, 2.0)


def variety_within(distance_n_n: FloatArray) -> float:
    """Mean distance between two different answers of one policy to one prompt.

    Args:
        distance_n_n: Distances between the answers, shape (n, n).

    Returns:
        A mean distance; nan where there are fewer than two answers.

    >>> variety_within(np.array([[0.0, 0.4], [0.4, 0.0]]))
    0.4
    """
    apart = distance_n_n[~np.eye(len(distance_n_n), dtype=np.bool_)]
    return float(apart.mean()) if apart.size else float("nan")


def distance_beyond_chance(
    first_n_n: FloatArray, second_m_m: FloatArray, between_n_m: FloatArray
) -> float:
    """How far apart two policies answer one prompt, beyond two answers of one policy.

    The mean distance between an answer of the first and an answer of the second policy, less the
    mean of their varieties (half of the energy distance, Székely and Rizzo 2013). Its expectation
    is 0 where both policies are the same, so a single value may be negative.

    Args:
        first_n_n: Distances between answers of the first policy, shape (n, n).
        second_m_m: The same of the second policy, shape (m, m).
        between_n_m: Distances between the first's and the second's answers, shape (n, m).

    Returns:
        A difference of distances; nan where a policy has fewer than two answers.

    >>> same, other = np.zeros((2, 2)), np.ones((2, 2))
    >>> distance_beyond_chance(same, same, other), distance_beyond_chance(same, same, same)
    (1.0, 0.0)
    """
    if not between_n_m.size:
        return float("nan")
    own = (variety_within(first_n_n) + variety_within(second_m_m)) / 2
    return float(between_n_m.mean()) - own


@cache
def _spaced(character: str) -> str:
    """A character as it stands among words: a blank for punctuation."""
    if character in _APOSTROPHES:
        return character
    if unicodedata.category(character)[0] in _BETWEEN_WORDS:
        return " "
    return f" {character} " if WITHOUT_BLANKS.match(character) else character


def _ngrams(text: str, size: int) -> list[tuple[str, ...]]:
    words = words_of(text)
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]


def _jaccard_distance(first: frozenset[str], second: frozenset[str]) -> float:
    common = len(first & second)
    together = len(first) + len(second) - common
    return 1 - common / together if together else 0.0


def _directions(vector_N_D: FloatArray) -> FloatArray:
    vectors = np.asarray(vector_N_D, dtype=np.float64)
    length_N = np.linalg.norm(vectors, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # 0 / 0 of a vector of zeros
        directions: FloatArray = vectors / length_N
    return directions
