"""Scores of answers to knowledge questions, by how many people of the community gave each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from pluralign.core import Estimate, FloatArray, InvalidInput, KnowledgeQuestion, NotEnoughData
from pluralign.metrics.answer_forms import answer_words, word_position
from pluralign.metrics.answer_variety import WITHOUT_BLANKS
from pluralign.metrics.group_means import Clusters, group_means

MatchKind = Literal["exact", "contained"]
Words = tuple[str, ...]
_REMEMBERED = 65_536
variant_words = lru_cache(_REMEMBERED)(answer_words)
"""`answer_words` of texts that come again."""


@dataclass(frozen=True, slots=True)
class Match:
    """The accepted answer that a text gives.

    Attributes:
        answer: Its index in the question's answers.
        kind: ``exact`` where the text is a variant of it, ``contained`` where it contains one.
    """

    answer: int
    kind: MatchKind


def question_variants(question: KnowledgeQuestion, language: str) -> list[tuple[Words, int]]:
    """Words of each variant in a language, with the index of its answer."""
    found = []
    for index, answer in enumerate(question.answers):
        for variant in answer.variants_in(language):
            words = variant_words(variant, language)
            if words:
                found.append((words, index))
    return found


def match_answer(text: str, question: KnowledgeQuestion, language: str) -> Match | None:
    """Find the accepted answer that a text gives.

    A text that equals a variant matches exactly. Otherwise the variant that comes first in the text
    as whole words counts, of several at one position the longest, so that a list of guesses gains
    no more than its first one. Where one text is a variant of several answers, the answer of the
    most people counts. In scripts without blanks between words a variant of one character only
    matches exactly. Negations are not recognised: "no tamales" contains "tamales".

    Args:
        text: The answer to score.
        question: The question; its variants in ``language`` are compared.
        language: BCP 47 tag of the language of the text.

    Returns:
        The match; None where no variant fits.

    Raises:
        InvalidInput: If no answer of the question has a variant in this language.

    >>> from pluralign.core import AcceptedAnswer
    >>> question = KnowledgeQuestion(
    ...     "food-1", "MEX", "es", {"es": "¿Qué desayunan?"},
    ...     (AcceptedAnswer({"es": ("tamales", "tamal")}, 4), AcceptedAnswer({"es": ("pan",)}, 1)),
    ... )
    >>> match_answer("Un TAMAL.", question, "es")
    Match(answer=0, kind='exact')
    >>> match_answer("pan o tamales", question, "es")
    Match(answer=1, kind='contained')
    """
    variants = question_variants(question, language)
    if not variants:
        raise InvalidInput(
            f"no accepted answer has a variant in {language!r}", where=question.where
        )
    return match_words(variant_words(text, language), variants, question.weights)


def match_words(
    words: Words, variants: Sequence[tuple[Words, int]], weights: Sequence[int]
) -> Match | None:
    """Find the accepted answer that some words give; see `match_answer`.

    Args:
        words: The words of the answer, from `pluralign.metrics.answer_words`.
        variants: Words of each variant, with the index of its answer.
        weights: People behind each answer.
    """
    exact = [answer for variant, answer in variants if variant == words]
    if exact:
        return Match(max(exact, key=lambda answer: (weights[answer], -answer)), "exact")
    found = []
    for variant, answer in variants:
        position = None if _too_short(variant) else word_position(variant, words)
        if position is not None:
            found.append((position, -len(variant), -weights[answer], answer))
    return Match(min(found)[-1], "contained") if found else None


def answer_credit(question: KnowledgeQuestion, answer: int | None) -> float:
    """People who gave an answer, against those who gave the most common one: the best possible.

    Args:
        question: The question.
        answer: Index of the accepted answer; None for an answer that nobody gave.

    Returns:
        A number in [0, 1]; 1 for the most common answer.
    """
    return 0.0 if answer is None else question.weights[answer] / question.most


def answer_share(
    question: KnowledgeQuestion, answer: int | None, *, count_unanswered: bool = True
) -> float:
    """The share of the people of a community who gave an answer.

    The denominator is the number of people asked, where it was published. Else it is the number of
    answers given, and with ``count_unanswered`` of people who gave none ("I don't know").

    Args:
        question: The question.
        answer: Index of the accepted answer; None for an answer that nobody gave.
        count_unanswered: Whether people without an answer are in the denominator.

    Returns:
        A number in [0, 1].

    Raises:
        NotEnoughData: If it is not known how many people gave each answer.
    """
    if not question.counted:
        raise NotEnoughData("the answers have no counts of people", where=question.where)
    asked = question.people
    if asked is None:
        asked = question.mentions + question.without_answer
    if not count_unanswered:
        asked -= question.without_answer
    return 0.0 if answer is None else question.weights[answer] / asked


def person_credit(question: KnowledgeQuestion, *, count_unanswered: bool = True) -> float | None:
    """The score of a typical person of the community, each compared with the others.

    One answer of one person is left out and scored with `answer_credit` against the rest; the
    mean is over all answers given. A person without an answer scores 0. Where people may give
    several answers, one answer is left out, not all answers of its person.

    Args:
        question: A question with counts.
        count_unanswered: Whether people without an answer are counted, with 0.

    Returns:
        A number in [0, 1]; None where fewer than two answers were given, so that nobody is left to
        be compared with, or where there are no counts.
    """
    if not question.counted or question.mentions < 2:
        return None
    weights = question.weights
    total = 0.0
    for answer, weight in enumerate(weights):
        others = [w - (k == answer) for k, w in enumerate(weights)]
        total += weight * others[answer] / max(others)
    asked = question.mentions + (question.without_answer if count_unanswered else 0)
    return total / asked


@dataclass(frozen=True, slots=True)
class KnowledgeScore:
    """The score of one respondent on the questions of one community.

    Attributes:
        community: Id of the community.
        credit: Mean of `answer_credit`; intervals are clustered by topic.
        person: Mean of `person_credit` on the same questions; None where no counts allow it.
        gain: Mean difference of the two on the questions that have both; None as above.
        exact: Share of answers that are a variant of an accepted answer, of any count.
        contained: Share of answers that only contain one.
        unmatched: Ids of the questions whose answer nobody of the community gave.
    """

    community: str
    credit: Estimate
    person: Estimate | None
    gain: Estimate | None
    exact: float
    contained: float
    unmatched: tuple[str, ...]


def score_answers(
    questions: Sequence[KnowledgeQuestion],
    answers: Mapping[str, str],
    language: str,
    *,
    count_unanswered: bool = True,
) -> KnowledgeScore:
    """Score the answers of one respondent to the questions of one community.

    Args:
        questions: Questions of one community.
        answers: Id of the question -> answer, in ``language``. Questions without an answer are not
            measured; an empty answer scores 0.
        language: BCP 47 tag of the language of the answers.
        count_unanswered: Whether people without an answer count in the score of a typical person.

    Raises:
        InvalidInput: If the questions are of several communities, an answer is for none of them, or
            a question has no variants in ``language``.
        NotEnoughData: If there are no answers.
    """
    communities = {question.community for question in questions}
    if len(communities) > 1:
        raise InvalidInput(f"the questions must be of one community, got {sorted(communities)}")
    known = {question.id for question in questions}
    unknown = sorted(answers.keys() - known)
    if unknown:
        raise InvalidInput(f"an answer to an unknown question: {unknown[0]!r}")
    asked = [question for question in questions if question.id in answers]
    if not asked:
        raise NotEnoughData("there are no answers to score")
    matches = [match_answer(answers[q.id], q, language) for q in asked]
    kinds = [None if match is None else match.kind for match in matches]
    credit = np.array(
        [
            answer_credit(question, None if match is None else match.answer)
            for question, match in zip(asked, matches, strict=True)
        ]
    )
    persons = [person_credit(q, count_unanswered=count_unanswered) for q in asked]
    kept = [k for k, value in enumerate(persons) if value is not None]
    person = np.array([value for value in persons if value is not None])
    topics = [question.topic or question.id for question in asked]
    kept_topics = [topics[k] for k in kept]
    return KnowledgeScore(
        community=asked[0].community,
        credit=mean_over_topics(credit, topics, (0.0, 1.0)),
        person=mean_over_topics(person, kept_topics, (0.0, 1.0)) if kept else None,
        gain=mean_over_topics(credit[kept] - person, kept_topics, (-1.0, 1.0)) if kept else None,
        exact=kinds.count("exact") / len(asked),
        contained=kinds.count("contained") / len(asked),
        unmatched=tuple(q.id for q, match in zip(asked, matches, strict=True) if match is None),
    )


def mean_over_topics(
    value_N: FloatArray, topic_N: Sequence[str], bounds: tuple[float, float]
) -> Estimate:
    """The mean over questions, with an interval that is clustered by topic.

    Args:
        value_N: A number for each question, shape (N,).
        topic_N: Its topic, shape (N,).
        bounds: The least and the largest possible value.
    """
    clusters = Clusters(cluster_N=list(topic_N), person_N=False)
    one = ["all"] * len(value_N)
    return group_means(value_N[:, None], one, clusters, bounds=bounds).estimate(0)


def _too_short(variant: Sequence[str]) -> bool:
    """Whether a variant is one character of a script without blanks, such as 糖."""
    return len(variant) == 1 and WITHOUT_BLANKS.fullmatch(variant[0]) is not None
