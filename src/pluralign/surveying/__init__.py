"""Surveys of language models: respondents, runs that can be resumed, and their evaluation."""

from pluralign.surveying.judging import JudgeModel
from pluralign.surveying.knowledge_evaluation import (
    KnowledgeOutcome,
    evaluate_knowledge,
    score_folder,
)
from pluralign.surveying.knowledge_run import KnowledgeAsked, knowledge_asks, run_knowledge
from pluralign.surveying.respondents import (
    notes_of,
    open_chat_model,
    open_knowledge_respondent,
    open_respondent,
)
from pluralign.surveying.survey_run import (
    ask_all,
    asks_of,
    chosen_questions,
    cultures_of,
    put_asks,
    run_survey,
)

__all__ = [
    "JudgeModel",
    "KnowledgeAsked",
    "KnowledgeOutcome",
    "ask_all",
    "asks_of",
    "chosen_questions",
    "cultures_of",
    "evaluate_knowledge",
    "knowledge_asks",
    "notes_of",
    "open_chat_model",
    "open_knowledge_respondent",
    "open_respondent",
    "put_asks",
    "run_knowledge",
    "run_survey",
    "score_folder",
]
