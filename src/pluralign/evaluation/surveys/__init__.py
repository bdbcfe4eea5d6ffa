"""Respondents' answers against people's: scores, reference points, variety, effects of asking."""

from typing import Any

from pluralign.core import earlier_name
from pluralign.evaluation.surveys.anchors import (
    anchor_answers,
    anchor_distributions,
    anchor_rows,
    distribution_rows,
)
from pluralign.evaluation.surveys.answer_tables import AnswerTable, Peoples
from pluralign.evaluation.surveys.facets import FACETS, changes, order_of
from pluralign.evaluation.surveys.other_communities import mean_of_others, nearest_others
from pluralign.evaluation.surveys.read_answers import Numbering, Parser, ReadAnswer, read_all
from pluralign.evaluation.surveys.scores import (
    ALIGNMENT,
    CLOSENESS,
    EXACT,
    REFUSALS,
    SIMILARITY,
    UNFINISHED_RATE,
    SurveySums,
    answer_shares,
    difference_rows,
    nearest_people,
    rank_rows,
    score_rows,
)
from pluralign.evaluation.surveys.survey_rows import SurveyDifferenceRow, SurveyRow
from pluralign.evaluation.surveys.variety import effect_rows, variety_difference_rows, variety_rows

__all__ = [
    "ALIGNMENT",
    "CLOSENESS",
    "EXACT",
    "FACETS",
    "REFUSALS",
    "SIMILARITY",
    "UNFINISHED_RATE",
    "AnswerTable",
    "Numbering",
    "Parser",
    "Peoples",
    "ReadAnswer",
    "SurveyDifferenceRow",
    "SurveyRow",
    "SurveySums",
    "anchor_answers",
    "anchor_distributions",
    "anchor_rows",
    "answer_shares",
    "changes",
    "difference_rows",
    "distribution_rows",
    "effect_rows",
    "mean_of_others",
    "nearest_others",
    "nearest_people",
    "order_of",
    "rank_rows",
    "read_all",
    "score_rows",
    "variety_difference_rows",
    "variety_rows",
]


def __getattr__(name: str) -> Any:
    return earlier_name(__name__, name, {"Scored": SurveySums})
