"""Surveys of language models: respondents, runs that can be resumed, and their evaluation."""

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
    "KnowledgeAsked",
    "ask_all",
    "asks_of",
    "chosen_questions",
    "cultures_of",
    "knowledge_asks",
    "notes_of",
    "open_chat_model",
    "open_knowledge_respondent",
    "open_respondent",
    "put_asks",
    "run_knowledge",
    "run_survey",
]
