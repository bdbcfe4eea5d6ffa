"""The earlier place of `pluralign.surveying` and of the settings of surveys."""

from typing import Any

from pluralign.core import moved_name

_HOMES = {
    "pluralign.surveying": (
        "ask_all",
        "asks_of",
        "chosen_questions",
        "cultures_of",
        "notes_of",
        "open_chat_model",
        "open_respondent",
        "put_asks",
        "run_survey",
    ),
    "pluralign.settings": (
        "AskingSettings",
        "EvaluateSettings",
        "ModelSettings",
        "ResolvedSurvey",
        "SamplingSettings",
        "SurveySettings",
        "explain_survey",
        "place_paths",
        "resolve_survey",
        "survey_source",
    ),
}


def __getattr__(name: str) -> Any:
    return moved_name(__name__, name, _HOMES)
