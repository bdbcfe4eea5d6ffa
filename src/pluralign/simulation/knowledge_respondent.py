"""A respondent to tests of knowledge whose knowledge and default culture are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pluralign.core import (
    Ask,
    InvalidInput,
    KnowledgeQuestion,
    KnowledgeTest,
    Reply,
    UnknownCommunity,
    rng_for,
    text_digest,
)
from pluralign.metrics import AnswerLexicon, answer_credit, match_answer

_UNKNOWN = "I do not know."
_REFUSAL = "I cannot answer that."


@dataclass(frozen=True, slots=True)
class SimulatedKnowledge:
    """Answers with the common answer of the community asked about, or of its default culture.

    A question that names no place gets the default culture's answer. The same ask always gets the
    same answer. An answer without words in the language is translated with the test's own answers
    that have both; where that fails, it is in English.

    Attributes:
        test: The answers of the people.
        default_culture: The community whose answers it gives where it does not know better.
        knowledge: Share of questions about other communities that it answers as they do, in [0, 1].
        refusal_rate: Share of asks that it refuses, in [0, 1].
        seed: Seed of its draws.

    Raises:
        InvalidInput: If a share is not in [0, 1].
        UnknownCommunity: If the default culture is not in the test.
    """

    test: KnowledgeTest = field(repr=False)
    default_culture: str
    knowledge: float = 1.0
    refusal_rate: float = 0.0
    seed: int = 0
    _lexicons: dict[str, AnswerLexicon] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not (0 <= self.knowledge <= 1 and 0 <= self.refusal_rate <= 1):
            raise InvalidInput(
                "knowledge and refusal_rate must be in [0, 1], got "
                f"{self.knowledge} and {self.refusal_rate}"
            )
        if self.default_culture not in self.test.communities:
            raise UnknownCommunity(
                f"the test has no community {self.default_culture!r}",
                hint=f"it has {', '.join(self.test.communities)}",
            )

    @property
    def name(self) -> str:
        """The name ``simulated``."""
        return "simulated"

    @property
    def fingerprint(self) -> str:
        """A digest of all settings and of the people's answers."""
        settings = (self.default_culture, self.knowledge, self.refusal_rate, self.seed)
        return text_digest(repr((settings, self.test.questions)))

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer; see `pluralign.core.ports.Respondent`."""
        replies = []
        for i, ask in enumerate(asks):
            replies.append(Reply(self._answer(ask)))
            if heard is not None:
                heard(i, replies[i])
        return replies

    def _answer(self, ask: Ask) -> str:
        rng = rng_for(self.seed, "simulated knowledge", *ask.key)
        refuses, knows = rng.random(2) < (self.refusal_rate, self.knowledge)
        if refuses:
            return _REFUSAL
        community = ask.community if knows and ask.community else self.default_culture
        question = self.test.question(ask.question.id, community)
        if not ask.shown:
            return self._in_words(question, ask.language)
        return ask.labels[self._option(question, ask)]

    def _in_words(self, question: KnowledgeQuestion | None, language: str) -> str:
        """The most common answer to a question, in a language."""
        if question is None:
            return _UNKNOWN
        answer = question.answers[question.weights.index(question.most)]
        if language in answer.variants:
            return answer.variants_in(language)[0]
        shared = answer.variants_in("en") or next(iter(answer.variants.values()))
        return self._translated(shared[0], language) or shared[0]

    def _translated(self, text: str, language: str) -> str:
        if language not in self._lexicons:
            self._lexicons[language] = AnswerLexicon.of(self.test.questions, "en", language)
        return next(iter(self._lexicons[language].exact(text)), "")

    def _option(self, question: KnowledgeQuestion | None, ask: Ask) -> int:
        """The option that most people gave; the first where nobody gave any of them."""
        if question is None:
            return 0
        found = [_credit(question, text, ask.language) for text in ask.shown]
        return found.index(max(found))


def _credit(question: KnowledgeQuestion, text: str, language: str) -> float:
    for tag in (language, "en"):
        if any(answer.variants_in(tag) for answer in question.answers):
            match = match_answer(text, question, tag)
            if match is not None:
                return answer_credit(question, match.answer)
    return 0.0
