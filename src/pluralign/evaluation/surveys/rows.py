"""Tidy rows of a survey: one number each, with its interval over questions."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.metrics import percentile_interval

METHOD = "ask"


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One number, as ``results.jsonl`` holds it.

    Attributes:
        metric: Name of the metric.
        community: Whose people were compared with; None for an average or a set of personas.
        value: The number.
        low: Lower end of the 95 % interval, resampling questions, or None.
        high: Upper end, or None.
        n: Questions behind it.
        model: Name of the respondent; ``people`` and the reference points have rows too.
        strategy: How questions were put; None for reference points.
    """

    metric: str
    community: str | None
    value: float
    low: float | None
    high: float | None
    n: int
    model: str
    strategy: str | None

    def as_dict(self, **more: Any) -> dict[str, Any]:
        """The row as a JSON object; a survey steers nothing, and publishes shares, not raters."""
        return (
            asdict(self)
            | {"method": METHOD, "steer": None, "subset": "all", "n_raters": None}
            | more
        )


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of several answerers: values, draws and the questions behind each.

    Attributes:
        value_S: Values, nan where nothing was measured.
        draws_B_S: Draws, shape (B, S).
        n_S: Questions behind each.
    """

    value_S: FloatArray
    draws_B_S: FloatArray
    n_S: FloatArray

    def rows(
        self,
        metric: str,
        who: Sequence[tuple[str, str | None, str | None]],
        places: Sequence[int] | None = None,
    ) -> Iterator[SurveyRow]:
        """A row for each series that measured something.

        Args:
            metric: Name of the metric.
            who: Model, strategy and community of each series that is told of.
            places: Which series these are; the first ones where None.
        """
        for (model, strategy, community), s in zip(who, places or range(len(who)), strict=True):
            if not np.isnan(self.value_S[s]):
                yield row_of(
                    metric,
                    model,
                    strategy,
                    community,
                    self.value_S[s],
                    self.draws_B_S[:, s],
                    int(self.n_S[s]),
                )

    def mean(self, places: Sequence[int]) -> "Series":
        """The mean over some series, as one series; ``n`` counts the questions of the largest."""
        chosen = [s for s in places if not np.isnan(self.value_S[s])]
        if not chosen:
            return Series(
                np.array([np.nan]), np.full((len(self.draws_B_S), 1), np.nan), np.array([0])
            )
        value = np.array([self.value_S[chosen].mean()])
        return Series(
            value,
            self.draws_B_S[:, chosen].mean(axis=1, keepdims=True),
            self.n_S[chosen].max(keepdims=True),
        )


def row_of(
    metric: str,
    model: str,
    strategy: str | None,
    community: str | None,
    value: float,
    draws_B: FloatArray,
    n: int,
) -> SurveyRow:
    """A row with its interval; none where it rests on one question."""
    low, high = percentile_interval(draws_B) if n > 1 else (None, None)
    return SurveyRow(metric, community, float(value), low, high, n, model, strategy)
