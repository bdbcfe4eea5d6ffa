"""A measured number together with the draws of its bootstrap, and means of such numbers."""

from dataclasses import dataclass, field

import numpy as np

from pluralign.core import Estimate, FloatArray, InvalidInput
from pluralign.metrics.clustered import Bounds, t_interval

_UNBOUNDED: Bounds = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A number, and what it is in each bootstrap draw.

    Two numbers with the same draws of people (or questions) are paired, so their difference is
    taken draw by draw.

    Attributes:
        value: The number.
        draws_B: The number in each draw, shape (B,); nan in a draw that does not measure it.
        n: Different pairs (or questions) behind it, >= 1.
        n_raters: Different people behind it; None where answers were published as shares only.
        clusters: Effective clusters that were resampled; where None, the people, or the questions.
        bounds: The least and the largest possible value; an interval is cut there.

    >>> before = Drawn(0.5, np.linspace(0.4, 0.6, 41), n=10)
    >>> after = Drawn(0.75, np.linspace(0.65, 0.85, 41), n=10)
    >>> print((after - before).estimate)
    0.250 [0.250, 0.250] (n=10)
    """

    value: float
    draws_B: FloatArray = field(repr=False)
    n: int
    n_raters: int | None = None
    clusters: float | None = None
    bounds: Bounds = _UNBOUNDED

    @classmethod
    def mean(
        cls,
        value_C: FloatArray,
        draws_B_C: FloatArray,
        n: int,
        n_raters: int | None = None,
        clusters: float | None = None,
    ) -> "Drawn":
        """The mean over communities, each of which counts the same.

        Args:
            value_C: The number of each community, shape (C,).
            draws_B_C: Its joint draws, shape (B, C); nan as `average_draws` reads it.
            n: Different pairs (or questions) behind the mean.
            n_raters: Different people behind it, or None.
            clusters: Effective clusters behind it.
        """
        return cls(float(value_C.mean()), average_draws(draws_B_C), n, n_raters, clusters)

    @property
    def estimate(self) -> Estimate:
        """The number with its 95 % interval by Student's t; none where no draw measures it.

        Degrees of freedom are the clusters less one.
        """
        clusters = self.clusters or self.n_raters or self.n
        low, high = t_interval(float(self.value), self.error**2, clusters - 1, self.bounds)
        return Estimate(float(self.value), low, high, self.n, self.n_raters)

    @property
    def error(self) -> float:
        """Its standard error, as `standard_error` takes it from the draws."""
        return standard_error(self.draws_B)

    def __sub__(self, other: "Drawn") -> "Drawn":
        """The paired difference; the smaller of the two samples is behind it.

        Raises:
            InvalidInput: If the two have different numbers of draws, and so cannot be paired.
        """
        if len(self.draws_B) != len(other.draws_B):
            raise InvalidInput(f"{len(self.draws_B)} and {len(other.draws_B)} draws are not paired")
        people = (self.n_raters, other.n_raters)
        return Drawn(
            self.value - other.value,
            self.draws_B - other.draws_B,
            min(self.n, other.n),
            None if people[0] is None or people[1] is None else min(people[0], people[1]),
            _fewer(self.clusters, other.clusters),
        )


def _fewer(one: float | None, other: float | None) -> float | None:
    return min((n for n in (one, other) if n is not None), default=None)


def average_draws(draws_B_C: FloatArray) -> FloatArray:
    """Mean over communities in each draw, each community counting the same.

    Args:
        draws_B_C: Joint draws of each community, shape (B, C). Where questions are resampled, a
            draw may contain none of a community's few questions: it is nan there.

    Returns:
        Shape (B,). A draw that lacks some communities is averaged over the others, so that it is
        not lost. All nan where a community has no draw at all (it has one rater only): its error
        is unknown, and so is the average's.

    >>> average_draws(np.array([[0.5, 1.0], [0.5, np.nan]])).tolist()
    [0.75, 0.5]
    """
    there_B_C = ~np.isnan(draws_B_C)
    if not there_B_C.any(axis=0).all():
        return np.full(len(draws_B_C), np.nan)
    with np.errstate(invalid="ignore"):  # 0 / 0 in a draw that lacks every community
        means: FloatArray = np.where(there_B_C, draws_B_C, 0).sum(axis=1) / there_B_C.sum(axis=1)
    return means


def standard_error(draws_B: FloatArray) -> float:
    """Standard deviation of the draws that measured something; infinite where fewer than two did.

    >>> standard_error(np.array([1.0, np.nan, 3.0]))
    1.0
    """
    real = draws_B[~np.isnan(draws_B)]
    return float(real.std()) if real.size > 1 else float("inf")
