"""Recorded answers to tests of knowledge, scored by the answers of people."""

from pluralign.evaluation.knowledge.conditions import knowledge_rows
from pluralign.evaluation.knowledge.reference_answers import credit_of_others
from pluralign.evaluation.knowledge.result_rows import BASELINE, PEOPLE, KnowledgeRow
from pluralign.evaluation.knowledge.scored_texts import (
    AnswerScorer,
    OwnMatches,
    ScoredText,
    free_answers,
)

__all__ = [
    "BASELINE",
    "PEOPLE",
    "AnswerScorer",
    "KnowledgeRow",
    "OwnMatches",
    "ScoredText",
    "credit_of_others",
    "free_answers",
    "knowledge_rows",
]
