"""Options of knowledge questions: the common answer here, and the common answers elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import AcceptedAnswer, KnowledgeQuestion, KnowledgeTest
from pluralign.metrics import AnswerLexicon
from pluralign.metrics.answer_forms import word_position
from pluralign.metrics.answer_matching import Stems, variant_words

LEAST_WRONG = 2
"""Least number of wrong options; with fewer a question is not asked with options."""

_TOO_FEW = (
    "wrong options are the common answers of two or more other communities to this question, and "
    "the test has too few; add the tests of others, or write options for the question"
)
_COMMON = 2
_SHARED = "en"


@dataclass(frozen=True, slots=True)
class ShownOptions:
    """Options in the order in which they are shown.

    Attributes:
        texts: The options.
        communities: Id of the community whose common answer each is; empty where the options are
            the question's own.
    """

    texts: tuple[str, ...]
    communities: tuple[str, ...] = ()


class NoOptions(ValueError):
    """A question that cannot be asked with options; the message is the reason."""


@dataclass(slots=True)
class OptionDrawer:
    """Draws the options of the questions of one test.

    The right option is the most common answer of the community. Each wrong one is the most common
    answer of another community to the question with the same id, so that a wrong option is another
    people's right one. An answer that one person gave is not common. An option is left out if it is
    an accepted answer here, or contains another option or is contained in one. An answer without
    words in the language is translated with the test's answers that have both (`AnswerLexicon`). A
    question with options of its own keeps them, in their order.

    Attributes:
        test: The test.
        count: Number of options, >= 3; fewer where there are not as many.
        stems: Stems of words: answers with the same stems are the same answer.
    """

    test: KnowledgeTest
    count: int = 4
    stems: Stems | None = None
    _lexicons: dict[str, AnswerLexicon] = field(default_factory=dict, init=False, repr=False)

    def draw(
        self, question: KnowledgeQuestion, language: str, rng: np.random.Generator
    ) -> ShownOptions:
        """The options of a question in a language, in an order by chance.

        Args:
            question: The question.
            language: BCP 47 tag.
            rng: Decides which communities' answers are shown, and the order.

        Raises:
            NoOptions: If there are none, or fewer than two wrong ones.
        """
        if question.options:
            if language not in question.options:
                raise NoOptions("its own are in another language; write them in this one, too")
            return ShownOptions(question.options[language])
        right = _common_answer(question)
        if right is None:
            raise NoOptions("no answer was given by two people or more")
        if not right.variants_in(language):
            raise NoOptions("the common answer has no words in this language; write some")
        found = {right.variants_in(language)[0]: question.community}
        for text, community in self._elsewhere(question, language, rng):
            if len(found) == self.count:
                break
            if not any(self._overlap(text, other, language) for other in found):
                found[text] = community
        if len(found) <= LEAST_WRONG:
            raise NoOptions(_TOO_FEW)
        order = rng.permutation(len(found))
        texts, communities = list(found), list(found.values())
        return ShownOptions(tuple(texts[k] for k in order), tuple(communities[k] for k in order))

    def _elsewhere(
        self, question: KnowledgeQuestion, language: str, rng: np.random.Generator
    ) -> Iterator[tuple[str, str]]:
        """Common answers of other communities that nobody here accepts, in an order by chance."""
        others = [c for c in self.test.communities if c != question.community]
        for k in rng.permutation(len(others)):
            other = self.test.question(question.id, others[k])
            common = None if other is None else _common_answer(other)
            if common is None:
                continue
            shared = common.variants_in(_SHARED)
            texts = common.variants_in(language) or self._translated(shared, language)
            if not texts or self._is_accepted(texts, question, language):
                continue
            if not self._is_accepted(shared, question, _SHARED):
                yield texts[0], others[k]

    def _translated(self, texts: Sequence[str], language: str) -> tuple[str, ...]:
        if language not in self._lexicons:
            self._lexicons[language] = AnswerLexicon.of(self.test.questions, _SHARED, language)
        found = (self._lexicons[language].exact(text) for text in texts)
        return next(filter(None, found), ())

    def _is_accepted(
        self, texts: Sequence[str], question: KnowledgeQuestion, language: str
    ) -> bool:
        """Whether a text is an answer that people here gave, a part of one, or contains one."""
        accepted = [text for answer in question.answers for text in answer.variants_in(language)]
        return any(self._overlap(text, other, language) for text in texts for other in accepted)

    def _overlap(self, first: str, second: str, language: str) -> bool:
        """Whether two texts are the same answer, or the words of one are in the other."""
        one, other = variant_words(first, language), variant_words(second, language)
        if self.stems is not None:
            one, other = self.stems(one, language), self.stems(other, language)
        within = word_position(one, other), word_position(other, one)
        return one == other or within != (None, None)


def _common_answer(question: KnowledgeQuestion) -> AcceptedAnswer | None:
    """The answer of the most people; None where no two people gave the same."""
    if question.counted and question.most < _COMMON:
        return None
    return question.answers[question.weights.index(question.most)]
