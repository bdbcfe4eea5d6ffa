"""How far the people of a community agree with each other, by topic."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import Estimate, KnowledgeQuestion, KnowledgeTest, NotEnoughData
from pluralign.metrics.knowledge_scores import mean_over_topics, person_credit


@dataclass(frozen=True, slots=True)
class PeopleAgreement:
    """The agreement of a community's people on questions of one topic.

    Attributes:
        community: Id of the community.
        topic: The topic; empty for all questions together.
        agreement: Mean of `answer_agreement`. Intervals are over questions, of all topics together
            clustered by topic.
        person: Mean of `person_credit` of people who gave an answer: the score of a typical person.
        questions: Number of questions with two answers or more.
        answers: Number of answers that people gave to them. Where people may give several, there
            are fewer people.
    """

    community: str
    topic: str
    agreement: Estimate
    person: Estimate
    questions: int
    answers: int


def answer_agreement(question: KnowledgeQuestion) -> float | None:
    """The chance that two different answers that people gave to a question are the same answer.

    It is Simpson's index without replacement: the sum of n (n - 1) over the answers, divided by
    N (N - 1), for n people behind an answer and N answers given (Simpson 1949).

    Returns:
        A number in [0, 1]; None without counts, or where fewer than two answers were given.

    >>> from pluralign.core import AcceptedAnswer
    >>> answers = (AcceptedAnswer({"en": ("tea",)}, 3), AcceptedAnswer({"en": ("milk",)}, 1))
    >>> answer_agreement(KnowledgeQuestion("q", "GBR", "en", {"en": "?"}, answers))
    0.5
    """
    total = question.mentions
    if not question.counted or total < 2:
        return None
    return sum(n * (n - 1) for n in question.weights) / (total * (total - 1))


def people_agreement(test: KnowledgeTest) -> tuple[PeopleAgreement, ...]:
    """The agreement of the people of each community: on all questions, then on each topic.

    Args:
        test: Questions with counts. A question with fewer than two answers is left out.

    Raises:
        NotEnoughData: If no question has counts and two answers.
    """
    found = []
    for community in test.communities:
        questions = [q for q in test.of(community) if answer_agreement(q) is not None]
        if not questions:
            continue
        topics = [question.topic or question.id for question in questions]
        found.append(_agreement(community, "", questions, topics))
        for topic in sorted({question.topic for question in questions if question.topic}):
            of_topic = [question for question in questions if question.topic == topic]
            ids = [question.id for question in of_topic]
            found.append(_agreement(community, topic, of_topic, ids))
    if not found:
        raise NotEnoughData(
            "no question has counts of people and two answers or more",
            where=test.name,
            hint="agreement needs the number of people who gave each answer",
        )
    return tuple(found)


def _agreement(
    community: str, topic: str, questions: Sequence[KnowledgeQuestion], clusters: Sequence[str]
) -> PeopleAgreement:
    agreement = np.array([answer_agreement(question) for question in questions], dtype=float)
    person = np.array(
        [person_credit(question, count_unanswered=False) for question in questions], dtype=float
    )
    return PeopleAgreement(
        community,
        topic,
        mean_over_topics(agreement, clusters, (0.0, 1.0)),
        mean_over_topics(person, clusters, (0.0, 1.0)),
        len(questions),
        sum(question.mentions for question in questions),
    )
