"""Scores of the answers of one community in another: which is mistaken for which."""

from dataclasses import dataclass

import numpy as np

from pluralign.core import Estimate, KnowledgeQuestion, KnowledgeTest, NotEnoughData
from pluralign.metrics.answer_matching import (
    Stems,
    Words,
    match_words,
    question_variants,
)
from pluralign.metrics.knowledge_scores import answer_credit, mean_over_topics, person_credit


@dataclass(frozen=True, slots=True)
class Confusions:
    """Scores of the answers of each community in each community.

    Attributes:
        communities: Ids, sorted; each is asked, and its people answer.
        language: The language in which answers are compared.
        scores: (asked, answering) -> mean credit, with an interval clustered by topic. Where both
            are one community, the score of a typical person against the others.
        edges: (asked, answering) -> that score minus the one of a typical person of the community
            asked; below 0 where its own people are closer.
        questions: Number of questions, the same for all.
    """

    communities: tuple[str, ...]
    language: str
    scores: dict[tuple[str, str], Estimate]
    edges: dict[tuple[str, str], Estimate]
    questions: int

    def nearest(self, community: str) -> str:
        """The other community whose answers score best here."""
        others = {
            answering: estimate.value
            for (asked, answering), estimate in self.scores.items()
            if asked == community and answering != community
        }
        return max(others, key=lambda answering: others[answering])


def compare_communities(
    test: KnowledgeTest, language: str = "en", stems: Stems | None = None
) -> Confusions:
    """Score the answers of each community's people in each other community.

    All scores are of the same questions. A question is used if every community has it under one id,
    with two answers or more and variants in ``language``. Synonyms were joined within each
    community only, so that scores of other communities come out low rather than high.

    Args:
        test: Questions of two communities or more, with counts.
        language: Tag of a language in which all have variants.
        stems: Stems of words; see `match_answer`.

    Raises:
        NotEnoughData: If there is one community, or no question in common.
    """
    prepared = _prepared(test, language)
    first, *others = (prepared[community] for community in test.communities)
    common = [id_ for id_ in first if all(id_ in questions for questions in others)]
    if not others or not common:
        raise NotEnoughData(
            "two communities or more with a question in common are needed",
            where=test.name,
            hint=f"questions need the same id, two people's answers, and answers in {language!r}",
        )
    scores: dict[tuple[str, str], Estimate] = {}
    edges: dict[tuple[str, str], Estimate] = {}
    for asked in test.communities:
        here = [prepared[asked][id_] for id_ in common]
        person = np.array([one.person for one in here])
        topics = [one.question.topic or one.question.id for one in here]
        scores[asked, asked] = mean_over_topics(person, topics, (0.0, 1.0))
        for answering in test.communities:
            if answering == asked:
                continue
            there = [prepared[answering][id_] for id_ in common]
            value = np.array(
                [_elsewhere(a, b, language, stems) for a, b in zip(here, there, strict=True)]
            )
            scores[asked, answering] = mean_over_topics(value, topics, (0.0, 1.0))
            edges[asked, answering] = mean_over_topics(value - person, topics, (-1.0, 1.0))
    return Confusions(test.communities, language, scores, edges, len(common))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A question with the words of its variants, and the score of a typical person."""

    question: KnowledgeQuestion
    variants: list[tuple[Words, int]]
    person: float


def _prepared(test: KnowledgeTest, language: str) -> dict[str, dict[str, _Prepared]]:
    """Community -> id -> question, for questions that can be compared."""
    found: dict[str, dict[str, _Prepared]] = {community: {} for community in test.communities}
    for question in test.questions:
        variants = question_variants(question, language)
        person = person_credit(question, count_unanswered=False)
        if variants and person is not None:
            found[question.community][question.id] = _Prepared(question, variants, person)
    return found


def _elsewhere(asked: _Prepared, answering: _Prepared, language: str, stems: Stems | None) -> float:
    """The mean credit of the answers of one community in another, by their people.

    Of an answer's variants the one that scores best counts.
    """
    weights = asked.question.weights
    best: dict[int, float] = {}
    for words, answer in answering.variants:
        match = match_words(words, asked.variants, weights, language, stems)
        credit = answer_credit(asked.question, None if match is None else match.answer)
        best[answer] = max(credit, best.get(answer, 0.0))
    people = [answering.question.weights[answer] for answer in best]
    return float(np.average(list(best.values()), weights=people))
