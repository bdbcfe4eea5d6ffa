"""A measured number with its interval and the number of people behind it."""

import math
from dataclasses import dataclass

from pluralign.core.printable import count_of


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number.

    Attributes:
        value: The number.
        low: Lower end of the 95 % interval; None where it cannot be computed.
        high: Upper end of the interval; None where it cannot be computed.
        n: Number of things measured (pairs, questions), >= 1.
        n_raters: Number of people who judged; None where answers were only published as shares.

    Raises:
        ValueError: If the value is not a finite number, nothing was measured, or the interval has
            only one end or ends out of order.

    >>> str(Estimate(0.615, 0.58, 0.65, n=1200, n_raters=140))
    '0.615 [0.580, 0.650] (n=1,200, 140 raters)'
    """

    value: float
    low: float | None
    high: float | None
    n: int
    n_raters: int | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"the value must be a finite number, got {self.value}")
        if self.n < 1:
            raise ValueError("an estimate needs at least one measurement")
        if (self.low is None) != (self.high is None):
            raise ValueError(
                f"low and high must both be given or None, got {self.low}, {self.high}"
            )
        if self.low is None or self.high is None:
            return
        if not -math.inf < self.low <= self.high < math.inf:
            raise ValueError(f"low must be <= high and both finite, got [{self.low}, {self.high}]")

    def __neg__(self) -> "Estimate":
        """The number with the other sign, such as a difference the other way round.

        >>> str(-Estimate(0.25, 0.0, 0.5, n=8))
        '-0.250 [-0.500, 0.000] (n=8)'
        """
        low = None if self.high is None else 0.0 - self.high  # no negative zero
        high = None if self.low is None else 0.0 - self.low
        return Estimate(0.0 - self.value, low, high, self.n, self.n_raters)

    def __str__(self) -> str:
        interval = "no interval" if self.low is None else f"[{self.low:.3f}, {self.high:.3f}]"
        people = "" if self.n_raters is None else f", {count_of(self.n_raters, 'rater')}"
        return f"{self.value:.3f} {interval} (n={self.n:,}{people})"
