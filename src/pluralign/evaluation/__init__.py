"""Score, then measure: how well each community is served, with intervals over people."""

from typing import Any

from pluralign.core import earlier_name
from pluralign.evaluation.ceiling import ceiling_rows
from pluralign.evaluation.community_accuracy import (
    ENOUGH,
    METRIC,
    SUBSETS,
    Drawing,
    Margins,
    difference_rows,
    enough_people,
    harm_rows,
    steer_rows,
    subset_rows,
    summary_rows,
)
from pluralign.evaluation.curves import Needed, fraction_needed
from pluralign.evaluation.influences import Changes, changes
from pluralign.evaluation.method_comparisons import simultaneous_rows
from pluralign.evaluation.reward_rows import (
    CurveRow,
    DifferenceRow,
    NeededRow,
    RepeatRow,
    Row,
    SensitivityRow,
    SummaryRow,
)
from pluralign.evaluation.test_pairs import (
    MOST_CELLS,
    OWN,
    LazyMargins,
    Scoring,
    TestPairs,
    margins_by_steer,
    own_margins,
)

__all__ = [
    "ENOUGH",
    "METRIC",
    "MOST_CELLS",
    "OWN",
    "SUBSETS",
    "Changes",
    "CurveRow",
    "DifferenceRow",
    "Drawing",
    "LazyMargins",
    "Margins",
    "Needed",
    "NeededRow",
    "RepeatRow",
    "Row",
    "Scoring",
    "SensitivityRow",
    "SummaryRow",
    "TestPairs",
    "ceiling_rows",
    "changes",
    "difference_rows",
    "enough_people",
    "fraction_needed",
    "harm_rows",
    "margins_by_steer",
    "own_margins",
    "simultaneous_rows",
    "steer_rows",
    "subset_rows",
    "summary_rows",
]


def __getattr__(name: str) -> Any:
    return earlier_name(__name__, name, {"Judged": TestPairs})
