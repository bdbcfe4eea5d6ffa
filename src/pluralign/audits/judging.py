"""Means over test pairs, with people resampled."""

from dataclasses import dataclass

import numpy as np

from pluralign.audits.answered import estimate
from pluralign.audits.auditing import Context, standard_error
from pluralign.core import BoolArray, Estimate, FloatArray, IntArray
from pluralign.evaluation import Judged
from pluralign.metrics import draw_means


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over some test pairs.

    Attributes:
        value: The mean.
        draws_B: Its draws.
        n: Different pairs.
        n_raters: Different people, where there are any.
    """

    value: float
    draws_B: FloatArray
    n: int
    n_raters: int | None

    @property
    def estimate(self) -> Estimate:
        """With its interval."""
        return estimate(self.value, self.draws_B, self.n, self.n_raters)

    @property
    def error(self) -> float:
        """Its standard error."""
        return standard_error(self.draws_B)


def mean_over(judged: Judged, rows_N: BoolArray, value_N: FloatArray, context: Context, *purpose: object) -> Mean:
    """Mean of a number over some pairs; one purpose has the same draws, so differences are paired.

    Args:
        judged: The test pairs.
        rows_N: Which of them; at least one.
        value_N: One number for each of those.
        context: Seed and draws.
        purpose: What names the draws.
    """
    cluster = judged.cluster_N[rows_N]
    draws = draw_means(value_N, cluster, context.rng(*purpose), context.draws)
    people = len(np.unique(cluster)) if judged.raters else None
    return Mean(float(np.mean(value_N)), draws, len(np.unique(judged.pair_N[rows_N])), people)


def clusters_in(judged: Judged, rows_N: BoolArray) -> int:
    """How many raters (or stems) some pairs come from."""
    return len(np.unique(judged.cluster_N[rows_N]))


def few_ids(judged: Judged, places: IntArray, most: int = 8) -> tuple[str, ...]:
    """Ids of the first few pairs."""
    return tuple(dict.fromkeys(judged.pair_N[places].tolist()))[:most]
