"""Planted knowledge: invented communities, their languages, and what their people answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import (
    AcceptedAnswer,
    IntArray,
    InvalidInput,
    KnowledgeQuestion,
    KnowledgeTest,
    rng_for,
)

_ENGLISH = "en"
_SYLLABLES = ("ba", "do", "fe", "gi", "ko", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "zo")
_WORD = 3


@dataclass(frozen=True, slots=True)
class PlantedKnowledge:
    """Counts of the answers of invented communities to the same questions.

    Attributes:
        languages: Community -> tag of its language: English, or one of ISO 639's range for private
            use.
        topic_Q: Topic of each question, shape (Q,).
        count_C_Q_A: People of each community who gave each of the A possible answers to each
            question, shape (C, Q, A); every row has the same sum.
    """

    languages: Mapping[str, str]
    topic_Q: tuple[str, ...]
    count_C_Q_A: IntArray

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids, in the order of ``count_C_Q_A``."""
        return tuple(self.languages)

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids of the questions, in order."""
        return tuple(f"q{q + 1}" for q in range(len(self.topic_Q)))

    def credits(self, question: int, answer: int) -> dict[str, float]:
        """Community -> `answer_credit` of an answer, by the numbers of question and answer."""
        count_C = self.count_C_Q_A[:, question, answer]
        most_C = self.count_C_Q_A[:, question].max(axis=1)
        shares = (count_C / most_C).tolist()
        return dict(zip(self.communities, shares, strict=True))

    def common(self, community: str, question: int) -> int:
        """The number of the answer that most people of a community gave."""
        return int(self.count_C_Q_A[self.communities.index(community), question].argmax())

    def word(self, question: int, answer: int, language: str) -> str:
        """The word for an answer in a language; all words are different."""
        answers = self.count_C_Q_A.shape[2]
        return _word(language, question * answers + answer)

    def text(self, question: int, language: str) -> str:
        """The wording of a question in a language."""
        first = self.count_C_Q_A[0].size + 2 * question
        return f"{_word(language, first)} {_word(language, first + 1)}?".capitalize()

    def test(self) -> KnowledgeTest:
        """The questions and counts as a test; every answer has its word in every language."""
        return KnowledgeTest(
            "planted", tuple(self._question(c, q) for c in self.languages for q in self._numbers)
        )

    @property
    def _numbers(self) -> range:
        return range(len(self.topic_Q))

    def _question(self, community: str, q: int) -> KnowledgeQuestion:
        spoken = (*dict.fromkeys(self.languages.values()), _ENGLISH)
        count_A = self.count_C_Q_A[self.communities.index(community), q]
        return KnowledgeQuestion(
            self.questions[q],
            community,
            self.languages[community],
            {tag: self.text(q, tag) for tag in (self.languages[community], _ENGLISH)},
            tuple(
                AcceptedAnswer({tag: (self.word(q, answer, tag),) for tag in spoken}, int(count))
                for answer, count in enumerate(count_A)
                if count
            ),
            topic=self.topic_Q[q],
            people=int(count_A.sum()),
        )


def plant_knowledge(
    communities: Sequence[str],
    seed: int,
    *,
    english: Collection[str] = (),
    questions: int = 60,
    topics: int = 12,
    answers: int = 8,
    people: int = 20,
) -> PlantedKnowledge:
    """Draw what the people of invented communities answer to the same questions.

    Each community has its own favourite among the possible answers, which about half of its
    people give; two communities have the same one by chance.

    Args:
        communities: Ids, at most 100; each has a language of its own.
        seed: Seed of the counts.
        english: Communities whose language is English instead.
        questions: Number of questions.
        topics: Number of topics, in turn.
        answers: Number of possible answers to a question, >= 2.
        people: Number of people of each community, each with one answer.

    Raises:
        InvalidInput: If a number is out of range.

    >>> planted = plant_knowledge(["~hill", "~coast"], seed=0, questions=4)
    >>> test = planted.test()
    >>> test
    KnowledgeTest(planted: 8 questions of ~coast, ~hill)
    >>> test.questions[0].language, test.questions[0].mentions
    ('qaa', 20)
    """
    for name, value, least in (
        *(("questions", questions, 1), ("topics", topics, 1)),
        *(("answers", answers, 2), ("people", people, 1)),
    ):
        if value < least:
            raise InvalidInput(f"{name} must be >= {least}, got {value}")
    if not 1 <= len(set(communities)) == len(communities) <= 100:
        raise InvalidInput(f"communities must be 1 to 100 different ids, got {len(communities)}")
    rng = rng_for(seed, "planted knowledge")
    share_C_Q_A = rng.dirichlet(np.full(answers, 0.4), size=(len(communities), questions))
    return PlantedKnowledge(
        {name: _ENGLISH if name in english else _tag(c) for c, name in enumerate(communities)},
        tuple(f"topic {q % topics + 1}" for q in range(questions)),
        rng.multinomial(people, share_C_Q_A),
    )


def _tag(number: int) -> str:
    """A tag for private use: ``qaa`` to ``qdv``."""
    return "q" + chr(ord("a") + number // 26) + chr(ord("a") + number % 26)


def _word(language: str, number: int) -> str:
    """A word of invented syllables; its language's tag is its first part, so all are different."""
    digits = np.base_repr(number, len(_SYLLABLES)).rjust(_WORD, "0")
    return language + "".join(_SYLLABLES[int(digit, len(_SYLLABLES))] for digit in digits)
