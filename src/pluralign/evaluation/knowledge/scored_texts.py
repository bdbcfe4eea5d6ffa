"""Score recorded answers to knowledge questions by the counts of each community."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pluralign.core import (
    KnowledgeAnswer,
    KnowledgeQuestion,
    KnowledgeTest,
    Refusal,
    Tally,
    likeliest_option,
    read_answer,
)
from pluralign.core.answer_texts import answering_part
from pluralign.metrics import (
    AnswerLexicon,
    FreeAnswer,
    Match,
    ScoredAnswer,
    answer_credit,
    match_answer,
)
from pluralign.metrics.answer_matching import MatchKind, Stems, Words, variant_words

_SHARED = "en"
MatchKey = tuple[str, str, str, str]
"""Community, id of the question, language and answering part of an answer."""
OwnMatches = Mapping[MatchKey, Match | None]
"""The accepted answers that answers give in the community asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredText:
    """A recorded answer with the accepted answer that it gives, and its credits.

    Attributes:
        answer: The answer as recorded.
        question: The question, as asked in the community.
        text: The answering part: without thoughts and invented next questions; of an answer with
            options the text of the option that it names. Empty where there is none.
        kind: How it matches an accepted answer; None where it matches none.
        matched_in: BCP 47 tag of the language of the accepted answer; empty where there is none.
        credits: Community -> credit in [0, 1]; see `ScoredAnswer`. A community is missing where
            its most common answers cannot be given in the language of the question.
        right: Index of the right option, shown to the respondent; None where none was.
        matched: Index of the accepted answer that it gives; None where it gives none.
    """

    answer: KnowledgeAnswer
    question: KnowledgeQuestion
    text: str
    kind: MatchKind | None
    matched_in: str
    credits: Mapping[str, float]
    right: int | None = None
    matched: int | None = None

    @property
    def own(self) -> float:
        """The credit in the community asked about."""
        return self.credits[self.question.community]

    @property
    def valid(self) -> bool:
        """Whether there is an answer: words, or one of the options."""
        return bool(self.text)

    def scored(self) -> ScoredAnswer:
        """The same for measures of effects, which compare communities."""
        return ScoredAnswer(
            model=self.answer.model,
            question=self.question.id,
            topic=self.question.topic,
            community=self.question.community,
            language=self.answer.language,
            place_named=self.answer.place_named,
            form=self.answer.form,
            credits=self.credits,
            valid=self.valid,
            draw=self.answer.draw,
            people=self.question.people,
        )


@dataclass(slots=True)
class AnswerScorer:
    """Scores answers to the questions of one test.

    An answer is compared with the accepted answers in the language of the question, and where none
    matches with the variants in other languages: a name may be in Latin letters. For other
    communities, whose people answered in another language, the answer's English words are
    compared: the English variants of the accepted answer that it gives, or of the same words
    anywhere in the test (`AnswerLexicon`). A community has a credit for a question if its most
    common answers have words in the language somewhere in the test, or, among options, if its most
    common answer is shown. This does not depend on the answer: else answers that are common
    elsewhere, whose words the test often lacks in the language, would be missing more often.

    Attributes:
        test: The test.
        stems: Stems of words; see `match_answer`.
        judged: Matches that a judge decided; all others are by words.
    """

    test: KnowledgeTest
    stems: Stems | None = None
    judged: OwnMatches = field(default_factory=dict)
    _lexicons: dict[str, AnswerLexicon] = field(default_factory=dict, init=False, repr=False)
    _english: dict[str, frozenset[Words]] = field(default_factory=dict, init=False, repr=False)
    _matches: dict[MatchKey, Match | None] = field(default_factory=dict, init=False, repr=False)

    def score(self, answers: Sequence[KnowledgeAnswer], tally: Tally) -> list[ScoredText]:
        """Score answers; answers to questions that the test lacks are dropped and counted."""
        found = []
        for answer in answers:
            question = self.test.question(answer.question, answer.community)
            if question is None:
                known = answer.community in self.test.communities
                what = "question" if known else f"community ({answer.community})"
                tally.drop_kept(f"answer about a {what} that the test does not have")
            else:
                found.append(self._scored(answer, question))
        return found

    def _scored(self, answer: KnowledgeAnswer, question: KnowledgeQuestion) -> ScoredText:
        chosen = _chosen_option(answer) if answer.form == "options" else None
        text = _words(answer) if answer.form == "short" else ""
        text = answer.options[chosen] if chosen is not None else text
        match, language = self._match(text, question, answer.language)
        own = answer_credit(question, None if match is None else match.answer)
        english = self._in_english(text, match, question, answer.language)
        others = {
            other.community: self._credit_elsewhere(text, english, other, answer.language)
            for other in self._compared(answer, question)
        }
        origin = _at(answer.option_communities, chosen)
        if origin and origin != question.community:  # It is the common answer of these people.
            others[origin] = 1.0
        return ScoredText(
            answer=answer,
            question=question,
            text=text,
            kind=None if match is None else match.kind,
            matched_in=language,
            credits={question.community: own} | others,
            right=self._right(answer, question),
            matched=None if match is None else match.answer,
        )

    def _match(
        self, text: str, question: KnowledgeQuestion, language: str
    ) -> tuple[Match | None, str]:
        """The accepted answer that a text gives, and the language in which it is given."""
        tags = dict.fromkeys(tag for answer in question.answers for tag in answer.variants)
        for tag in sorted(tags, key=lambda tag: tag != language) if text else ():
            match = self._matched(text, question, tag)
            if match is not None:
                return match, tag
        return None, ""

    def _in_english(
        self, text: str, match: Match | None, question: KnowledgeQuestion, language: str
    ) -> tuple[str, ...]:
        """The English words of an answer, as people of the test gave them; none if not known."""
        if language == _SHARED or not text:
            return (text,) if text else ()
        if match is not None:
            return question.answers[match.answer].variants_in(_SHARED)
        return self._lexicon(language).find(text)

    def _compared(
        self, answer: KnowledgeAnswer, question: KnowledgeQuestion
    ) -> Iterator[KnowledgeQuestion]:
        """The question as asked in each community whose common answers may be given here."""
        for community in self.test.communities:
            other = self.test.question(question.id, community)
            if community == question.community or other is None:
                continue
            if answer.form == "short":
                compared = self._has_words_in(other, answer.language)
            else:
                compared = community in answer.option_communities or self._is_shown(
                    answer, question, other
                )
            if compared:
                yield other

    def _is_shown(
        self, answer: KnowledgeAnswer, question: KnowledgeQuestion, other: KnowledgeQuestion
    ) -> bool:
        """Whether one of the options is the most common answer of another community."""
        for option in answer.options:
            match, _ = self._match(option, question, answer.language)
            english = self._in_english(option, match, question, answer.language)
            if self._credit_elsewhere(option, english, other, answer.language) == 1.0:
                return True
        return False

    def _has_words_in(self, question: KnowledgeQuestion, language: str) -> bool:
        """Whether the most common answers to a question have words in a language."""
        if any(answer.variants_in(language) for answer in question.answers):
            return True
        if language == _SHARED:
            return False
        words = self._words_in_english(language)
        counted = zip(question.answers, question.weights, strict=True)
        common = [answer for answer, weight in counted if weight == question.most]
        return all(
            any(variant_words(text, _SHARED) in words for text in answer.variants_in(_SHARED))
            for answer in common
        )

    def _words_in_english(self, language: str) -> frozenset[Words]:
        """The English words of all answers that the lexicon of a language has."""
        if language not in self._english:
            texts = chain.from_iterable(self._lexicon(language).entries.values())
            self._english[language] = frozenset(variant_words(text, _SHARED) for text in texts)
        return self._english[language]

    def _lexicon(self, language: str) -> AnswerLexicon:
        if language not in self._lexicons:
            self._lexicons[language] = AnswerLexicon.of(self.test.questions, language, _SHARED)
        return self._lexicons[language]

    def _credit_elsewhere(
        self, text: str, english: Sequence[str], question: KnowledgeQuestion, language: str
    ) -> float:
        """The largest credit of an answer in another community: in its own words or in English."""
        tags = {tag for answer in question.answers for tag in answer.variants}
        texts = [(text, tag) for tag in {language, _SHARED} & tags] if text else []
        texts += [(words, _SHARED) for words in english if _SHARED in tags]
        return max((self._credit(question, *one) for one in texts), default=0.0)

    def _credit(self, question: KnowledgeQuestion, text: str, language: str) -> float:
        match = self._matched(text, question, language)
        return answer_credit(question, None if match is None else match.answer)

    def _matched(self, text: str, question: KnowledgeQuestion, language: str) -> Match | None:
        """`match_answer`, once for texts that come again."""
        key = (question.community, question.id, language, text)
        if key in self.judged:
            return self.judged[key]
        if key not in self._matches:
            self._matches[key] = match_answer(text, question, language, self.stems)
        return self._matches[key]

    def _right(self, answer: KnowledgeAnswer, question: KnowledgeQuestion) -> int | None:
        """Index of the shown option that most people of the community gave."""
        for index, option in enumerate(answer.options):
            if _at(answer.option_communities, index) == question.community:
                return index
            match, _ = self._match(option, question, answer.language)
            if match is not None and answer_credit(question, match.answer) == 1.0:
                return index
        return None


def free_answers(
    answers: Sequence[KnowledgeAnswer], test: KnowledgeTest
) -> dict[MatchKey, FreeAnswer]:
    """The different short answers whose question has accepted answers in their language."""
    found = {}
    for answer in answers:
        question = test.question(answer.question, answer.community)
        text = _words(answer) if answer.form == "short" else ""
        if question is None or not text:
            continue
        if any(accepted.variants_in(answer.language) for accepted in question.answers):
            key = (question.community, question.id, answer.language, text)
            found[key] = FreeAnswer(text, question, answer.language)
    return found


def _words(answer: KnowledgeAnswer) -> str:
    """The answering part of a short answer."""
    return (answering_part(answer.text) or "").strip()


def _chosen_option(answer: KnowledgeAnswer) -> int | None:
    """Index of the option that an answer chooses; None where it names none."""
    if answer.log_probs:
        return likeliest_option(answer.log_probs, answer.options)
    read = read_answer(answer.text, answer.options, answer.labels)
    return None if isinstance(read, Refusal) else read


def _at(communities: Sequence[str], index: int | None) -> str:
    return communities[index] if communities and index is not None else ""
