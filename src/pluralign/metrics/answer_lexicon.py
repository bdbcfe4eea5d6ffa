"""Answers in another language: the words that people themselves gave for one answer in both."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pluralign.core import KnowledgeQuestion
from pluralign.metrics.answer_matching import Words, match_words, variant_words

_MAJORITY = 0.5


@dataclass(frozen=True, slots=True)
class AnswerLexicon:
    """Answers in one language, with their words in another.

    Attributes:
        language: BCP 47 tag of the answers.
        entries: Words of an answer -> its variants in the other language, the most frequent first.
            A variant is one of them where it stands for at least half of the people who gave these
            words, so that a word with several meanings has the most frequent one or none.
    """

    language: str
    entries: Mapping[Words, tuple[str, ...]]

    @classmethod
    def of(
        cls, questions: Iterable[KnowledgeQuestion], language: str, other: str
    ) -> "AnswerLexicon":
        """Collect the answers that have variants in both languages.

        Args:
            questions: Questions of any communities.
            language: BCP 47 tag of the answers to look up.
            other: BCP 47 tag of the language of the results.

        >>> from pluralign.core import AcceptedAnswer
        >>> question = KnowledgeQuestion("food-1", "IRN", "fa", {"en": "What do people eat?"},
        ...     (AcceptedAnswer({"fa": ("میوه",), "en": ("fruit", "fruits")}, 3),))
        >>> AnswerLexicon.of([question], "en", "fa").find("Some fruit.")
        ('میوه',)
        """
        people: dict[Words, float] = defaultdict(float)
        variants: dict[Words, Counter[str]] = defaultdict(Counter)
        for question in questions:
            for answer, weight in zip(question.answers, question.weights, strict=True):
                others = answer.variants_in(other)
                if not others:
                    continue
                for words in {
                    variant_words(text, language) for text in answer.variants_in(language)
                }:
                    people[words] += weight
                    for text in others:
                        variants[words][text] += weight
        entries = {
            words: tuple(t for t, n in found.most_common() if n >= _MAJORITY * people[words])
            for words, found in variants.items()
            if words
        }
        return cls(language, {words: texts for words, texts in entries.items() if texts})

    def exact(self, text: str) -> tuple[str, ...]:
        """The variants of a text that is an answer as a whole; none where it is not known."""
        return self.entries.get(variant_words(text, self.language), ())

    def find(self, text: str) -> tuple[str, ...]:
        """The variants of an answer in the other language; none where the answer is not known.

        The text is compared as `pluralign.metrics.match_answer` does: the answer that it equals,
        else the first that it contains.
        """
        if whole := self.exact(text):
            return whole
        known = list(self.entries)
        variants = [(words, k) for k, words in enumerate(known)]
        match = match_words(variant_words(text, self.language), variants, [1] * len(known))
        return () if match is None else self.entries[known[match.answer]]
