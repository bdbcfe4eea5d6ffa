"""Scores of answers to knowledge questions, by how many people of the community gave each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import Estimate, FloatArray, InvalidInput, KnowledgeQuestion, NotEnoughData
from pluralign.metrics.answer_matching import Stems, match_answer
from pluralign.metrics.group_means import Clusters, group_means


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
        stemmed: Share of the others whose words have the stems of one.
        contained: Share of answers that only contain one.
        unmatched: Ids of the questions whose answer nobody of the community gave.
    """

    community: str
    credit: Estimate
    person: Estimate | None
    gain: Estimate | None
    exact: float
    stemmed: float
    contained: float
    unmatched: tuple[str, ...]


def score_answers(
    questions: Sequence[KnowledgeQuestion],
    answers: Mapping[str, str],
    language: str,
    *,
    count_unanswered: bool = True,
    stems: Stems | None = None,
) -> KnowledgeScore:
    """Score the answers of one respondent to the questions of one community.

    Args:
        questions: Questions of one community.
        answers: Id of the question -> answer, in ``language``. Questions without an answer are not
            measured; an empty answer scores 0.
        language: BCP 47 tag of the language of the answers.
        count_unanswered: Whether people without an answer count in the score of a typical person.
        stems: Stems of words; see `match_answer`.

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
    matches = [match_answer(answers[q.id], q, language, stems) for q in asked]
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
        stemmed=kinds.count("stemmed") / len(asked),
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
