"""Free answers matched with accepted ones: exactly, by the stems of their words, or within them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pluralign.core import InvalidInput, KnowledgeQuestion
from pluralign.metrics.answer_forms import answer_words, word_position
from pluralign.metrics.answer_variety import WITHOUT_BLANKS

MatchKind = Literal["exact", "stemmed", "contained", "judged"]
"""How an answer was matched: by its words, their stems, words within it, or a judge."""
Words = tuple[str, ...]
Stems = Callable[[Words, str], Words]
"""Stems of the words of an answer, as `answer_words` writes them, in the language of a BCP 47 tag;
the words themselves where there is no stemmer. `pluralign.matching.stemmed` is one."""
_REMEMBERED = 65_536
variant_words = lru_cache(_REMEMBERED)(answer_words)
"""`answer_words` of texts that come again."""


@dataclass(frozen=True, slots=True)
class Match:
    """The accepted answer that a text gives.

    Attributes:
        answer: Its index in the question's answers.
        kind: ``exact`` where the text is a variant of it, ``stemmed`` where the two have the same
            stems, ``contained`` where the text contains a variant, ``judged`` where they
            mean the same for a judge model.
    """

    answer: int
    kind: MatchKind


@dataclass(frozen=True, slots=True)
class FreeAnswer:
    """An answer in someone's own words.

    Attributes:
        text: The words.
        question: The question that it answers.
        language: BCP 47 tag of the language of the words.
    """

    text: str
    question: KnowledgeQuestion
    language: str


def question_variants(question: KnowledgeQuestion, language: str) -> list[tuple[Words, int]]:
    """Words of each variant in a language, with the index of its answer."""
    found = []
    for index, answer in enumerate(question.answers):
        for variant in answer.variants_in(language):
            words = variant_words(variant, language)
            if words:
                found.append((words, index))
    return found


def match_answer(
    text: str, question: KnowledgeQuestion, language: str, stems: Stems | None = None
) -> Match | None:
    """Find the accepted answer that a text gives.

    A text that equals a variant matches exactly, else one with the same stems matches by them.
    Otherwise the variant that comes first in the text as whole words counts, of several at one
    position the longest, so that a list of guesses gains no more than its first one. Where one text
    is a variant of several answers, the answer of the most people counts. Stems only count for
    whole answers: within longer ones they match wrong answers nearly as often as right ones
    (docs/knowledge.md). In scripts without blanks between words a variant of one character only
    matches exactly. Negations are not recognised: "no tamales" contains "tamales".

    Args:
        text: The answer to score.
        question: The question; its variants in ``language`` are compared.
        language: BCP 47 tag of the language of the text.
        stems: Stems of words; words are compared as they are where not given.

    Returns:
        The match; None where no variant fits.

    Raises:
        InvalidInput: If no answer of the question has a variant in this language.

    >>> from pluralign.core import AcceptedAnswer
    >>> question = KnowledgeQuestion(
    ...     "food-1", "MEX", "es", {"es": "¿Qué desayunan?"},
    ...     (AcceptedAnswer({"es": ("tamales",)}, 4), AcceptedAnswer({"es": ("pan",)}, 1)),
    ... )
    >>> match_answer("Los TAMALES.", question, "es")
    Match(answer=0, kind='exact')
    >>> match_answer("pan o tamales", question, "es")
    Match(answer=1, kind='contained')
    >>> singular = lambda words, language: tuple(word.removesuffix("es") for word in words)
    >>> match_answer("tamal", question, "es") is None
    True
    >>> match_answer("tamal", question, "es", singular)
    Match(answer=0, kind='stemmed')
    """
    variants = question_variants(question, language)
    if not variants:
        raise InvalidInput(
            f"no accepted answer has a variant in {language!r}", where=question.where
        )
    words = variant_words(text, language)
    return match_words(words, variants, question.weights, language, stems)


def match_words(
    words: Words,
    variants: Sequence[tuple[Words, int]],
    weights: Sequence[int],
    language: str = "",
    stems: Stems | None = None,
) -> Match | None:
    """Find the accepted answer that some words give; see `match_answer`.

    Args:
        words: The words of the answer, from `pluralign.metrics.answer_words`.
        variants: Words of each variant, with the index of its answer.
        weights: People behind each answer.
        language: BCP 47 tag of the language of the words; only for their stems.
        stems: Stems of words.
    """
    exact = [answer for variant, answer in variants if variant == words]
    if exact:
        return Match(_of_most(exact, weights), "exact")
    if stems is not None:
        stem = stems(words, language)
        alike = [answer for variant, answer in variants if stems(variant, language) == stem]
        if alike:
            return Match(_of_most(alike, weights), "stemmed")
    found = []
    for variant, answer in variants:
        position = None if _too_short(variant) else word_position(variant, words)
        if position is not None:
            found.append((position, -len(variant), -weights[answer], answer))
    return Match(min(found)[-1], "contained") if found else None


def _of_most(answers: Sequence[int], weights: Sequence[int]) -> int:
    """The answer of the most people, the first of several."""
    return max(answers, key=lambda answer: (weights[answer], -answer))


def _too_short(variant: Sequence[str]) -> bool:
    """Whether a variant is one character of a script without blanks, such as 糖."""
    return len(variant) == 1 and WITHOUT_BLANKS.fullmatch(variant[0]) is not None
