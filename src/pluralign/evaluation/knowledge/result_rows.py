"""Tidy rows of a test of knowledge: one number each, with its interval over topics."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pluralign.core import AnswerForm, Estimate
from pluralign.evaluation.reward_rows import hold_measured

CREDIT, PERSON, GAIN = "answer_credit", "person_credit", "credit_over_person"
ACCURACY, VALID_ACCURACY, INVALID = "accuracy", "accuracy_of_valid", "invalid_rate"
EXACT, STEMMED, CONTAINED = "exact_match_rate", "stemmed_match_rate", "contained_match_rate"
JUDGED = "judged_match_rate"
UNMATCHED, EMPTY, OTHER_LANGUAGE = "unmatched_rate", "empty_rate", "other_language_rate"
SIMBENCH, ATTAINABLE = "simbench_score", "simbench_attainable"
"""SimBench's score, and what as many draws from people's own answers would score; unlike all other
numbers they are at most 100, and may be below 0."""
AMBIGUOUS_ACCURACY, AMBIGUOUS_BIAS = "accuracy_ambiguous", "diff_bias_ambiguous"
DISAMBIGUATED_ACCURACY, DISAMBIGUATED_BIAS = "accuracy_disambiguated", "diff_bias_disambiguated"
"""The scores of KoBBQ (`stereotype_scores`)."""
PEOPLE = "people"
"""Name of the respondent in rows about a typical person."""
BASELINE = "baseline: "
"""Prefix of the name of the respondent in rows about a baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeRow:
    """One number, as ``results.jsonl`` contains it.

    Attributes:
        metric: Name of the metric.
        community: Id of the community asked about.
        value: The number.
        low: Lower end of the 95 % interval, clustered by topic, or None.
        high: Upper end, or None.
        n: Questions behind it.
        topics: Topics behind it; templates for the scores of KoBBQ, whose intervals they cluster.
        model: Name of the respondent; ``people`` and baselines have rows too.
        language: BCP 47 tag of the questions.
        place_named: Whether the questions name the place.
        form: ``short`` or ``options``.
        n_raters: Number of people asked in the community; None where it is not published.
        mentions: Number of answers that people gave to these questions; None where they were not
            counted.
        method: How the answers were had.

    Raises:
        ValueError: If the interval has one end, a number is not finite or a count is negative.
    """

    metric: str
    community: str
    value: float
    low: float | None
    high: float | None
    n: int
    topics: int
    model: str
    language: str
    place_named: bool
    form: AnswerForm
    n_raters: int | None = None
    mentions: int | None = None
    method: str = "ask"

    def __post_init__(self) -> None:
        hold_measured(
            self.value, self.low, self.high, (self.n, self.topics, self.n_raters, self.mentions)
        )

    @property
    def estimate(self) -> Estimate:
        """The number with its interval."""
        return Estimate(self.value, self.low, self.high, self.n, self.n_raters)

    @property
    def strategy(self) -> str:
        """How the questions were put, in one word, as rows of surveys have it."""
        return f"{self.form}, place {'named' if self.place_named else 'not named'}"

    def as_dict(self) -> Mapping[str, Any]:
        """The row as a JSON object, with the columns of all results."""
        return asdict(self) | {"strategy": self.strategy, "steer": None, "subset": "all"}


def is_reference(row: KnowledgeRow) -> bool:
    """Whether a row is of a typical person or of a baseline, and not of a model."""
    return row.model == PEOPLE or row.model.startswith(BASELINE)
