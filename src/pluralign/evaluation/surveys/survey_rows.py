"""Tidy rows of a survey: one number each, with its interval over questions."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.evaluation.reward_rows import hold_measured
from pluralign.metrics import Drawn

METHOD = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """One number, as ``results.jsonl`` contains it.

    Attributes:
        metric: Name of the metric.
        community: Id of the community compared with; None for an average or a set of personas.
        value: The number.
        low: Lower end of the 95 % interval, resampling questions, or None.
        high: Upper end, or None.
        n: Questions behind it.
        model: Name of the respondent; ``people`` and the reference points have rows too.
        strategy: How questions were put; None for reference points.
        method: How the answers were had: ``ask``, or ``lm_eval`` for tasks of general ability.

    Raises:
        ValueError: If the interval has one end, a number is not finite or a count is negative.
    """

    metric: str
    community: str | None
    value: float
    low: float | None
    high: float | None
    n: int
    model: str
    strategy: str | None
    method: str = METHOD

    def __post_init__(self) -> None:
        hold_measured(self.value, self.low, self.high, (self.n,))

    def as_dict(self, **more: Any) -> dict[str, Any]:
        """The row as a JSON object; a survey steers nothing, and publishes shares, not raters."""
        return asdict(self) | {"steer": None, "subset": "all", "n_raters": None} | more


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyDifferenceRow(SurveyRow):
    """A paired difference between two respondents, as ``comparisons.jsonl`` contains it.

    Attributes:
        baseline_model: Name of the respondent compared with.
        baseline_strategy: Its strategy.
    """

    baseline_model: str
    baseline_strategy: str | None


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of several answerers: values, draws and the questions behind each.

    Attributes:
        value_S: Values, shape (S,); nan where nothing was measured.
        draws_B_S: Draws, shape (B, S); nan in a draw that contains none of a series' questions.
        n_S: Questions behind each, shape (S,).
    """

    value_S: FloatArray
    draws_B_S: FloatArray
    n_S: FloatArray

    def rows(
        self,
        metric: str,
        names: Sequence[tuple[str, str | None, str | None]],
        columns: Sequence[int] | None = None,
    ) -> Iterator[SurveyRow]:
        """A row for each series that measured something.

        Args:
            metric: Name of the metric.
            names: Model, strategy and community of each series.
            columns: Which series these are; the first ones where None.
        """
        chosen = range(len(names)) if columns is None else columns
        for (model, strategy, community), s in zip(names, chosen, strict=True):
            if not np.isnan(self.value_S[s]):
                one = Drawn(self.value_S[s], self.draws_B_S[:, s], int(self.n_S[s]))
                yield row_of(metric, model, strategy, community, one)

    def mean(self, columns: Sequence[int]) -> Drawn | None:
        """The mean over the series that measured something; ``n`` is that of the largest."""
        chosen = [s for s in columns if not np.isnan(self.value_S[s])]
        if not chosen:
            return None
        n = int(self.n_S[chosen].max())
        return Drawn.mean(self.value_S[chosen], self.draws_B_S[:, chosen], n)

    def __sub__(self, other: "Series") -> "Series":
        """Paired differences of series that rest on the same questions."""
        return Series(self.value_S - other.value_S, self.draws_B_S - other.draws_B_S, self.n_S)


def row_of(
    metric: str, model: str, strategy: str | None, community: str | None, number: Drawn
) -> SurveyRow:
    """A row with its interval; without one where it rests on a single question."""
    found = number.estimate
    return SurveyRow(
        metric=metric,
        community=community,
        value=found.value,
        low=found.low if number.n > 1 else None,
        high=found.high if number.n > 1 else None,
        n=number.n,
        model=model,
        strategy=strategy,
    )
