"""Surveys of language models: respondents, runs that can be resumed, and their evaluation."""

from pluralign.surveying.respondents import (
    notes_of,
    open_chat_model,
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
    "ask_all",
    "asks_of",
    "chosen_questions",
    "cultures_of",
    "notes_of",
    "open_chat_model",
    "open_respondent",
    "put_asks",
    "run_survey",
]
