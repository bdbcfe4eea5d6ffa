"""Surveys of language models: settings, what answers, and runs that go on where they were stopped."""

from pluralign.experiments.surveying.opening import notes_of, open_chat_model, open_respondent
from pluralign.experiments.surveying.resolving import (
    ResolvedSurvey,
    explain_survey,
    place_paths,
    resolve_survey,
    survey_source,
)
from pluralign.experiments.surveying.running import (
    ask_all,
    asks_of,
    chosen_questions,
    cultures_of,
    put_asks,
    run_survey,
)
from pluralign.experiments.surveying.settings import (
    AskingSettings,
    EvaluateSettings,
    ModelSettings,
    SamplingSettings,
    SurveySettings,
)

__all__ = [
    "AskingSettings",
    "EvaluateSettings",
    "ModelSettings",
    "ResolvedSurvey",
    "SamplingSettings",
    "SurveySettings",
    "ask_all",
    "asks_of",
    "chosen_questions",
    "cultures_of",
    "explain_survey",
    "notes_of",
    "open_chat_model",
    "open_respondent",
    "place_paths",
    "put_asks",
    "resolve_survey",
    "run_survey",
    "survey_source",
]
