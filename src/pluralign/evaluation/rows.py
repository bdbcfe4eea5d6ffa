"""Tidy rows: one number each, with its interval and the people behind it."""

from dataclasses import asdict, dataclass

from pluralign.core import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number, as ``results.jsonl`` holds it.

    Attributes:
        metric: Name of the metric.
        method: Name of the method.
        steer: Community steered to; None for a method that does not steer; ``own`` in summaries,
            where each community is judged under the steer to itself.
        community: Whose pairs were judged; None in summaries.
        subset: ``all``, or ``contested``: the pairs on which the reference disagrees with the rater.
        value: The number.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        n: Different pairs behind it.
        n_raters: Different people behind it; None where answers were only published as shares.
    """

    metric: str
    method: str
    steer: str | None
    community: str | None
    subset: str
    value: float
    low: float | None
    high: float | None
    n: int
    n_raters: int | None

    @classmethod
    def of(
        cls,
        estimate: Estimate,
        metric: str,
        method: str,
        steer: str | None,
        community: str | None,
        subset: str,
    ) -> "Row":
        """The row of an estimate."""
        return cls(
            metric=metric,
            method=method,
            steer=steer,
            community=community,
            subset=subset,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            n=estimate.n,
            n_raters=estimate.n_raters,
        )

    def as_dict(self, **more: object) -> dict[str, object]:
        """The row as a JSON object, with further columns."""
        return asdict(self) | more

    @property
    def estimate(self) -> Estimate:
        """The number as an estimate."""
        return Estimate(self.value, self.low, self.high, self.n, self.n_raters)
