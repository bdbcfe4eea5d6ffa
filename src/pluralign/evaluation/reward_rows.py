"""Tidy rows: one number each, with its interval and the people behind it."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from pluralign.core import Estimate

_LARGEST = 1e12
STRENGTH = ("strength_weighted", "strength_weighted_low", "strength_weighted_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number, as ``results.jsonl`` contains it.

    Attributes:
        metric: Name of the metric.
        method: Name of the method.
        steer: Community steered to; None for a method that does not steer; ``own`` in summaries,
            where each community is judged under the steer to itself.
        community: Id of the community whose pairs were judged; None in summaries.
        subset: ``all``, or ``contested``: the pairs on which the reference disagrees with the
            rater.
        value: The number.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        n: Different pairs behind it.
        n_raters: Different people behind it; None where answers were only published as shares.
        strength_weighted: The number with each pair weighted by the strength of its choice, over
            the pairs whose strength is known; None where it is not measured.
        strength_weighted_low: Lower end of its interval.
        strength_weighted_high: Upper end.
        optional: Columns that a file lacks where they are None.

    Raises:
        ValueError: If the interval has one end, a number is not finite or a count is negative.
    """

    optional: ClassVar[tuple[str, ...]] = STRENGTH

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
    strength_weighted: float | None = None
    strength_weighted_low: float | None = None
    strength_weighted_high: float | None = None

    def __post_init__(self) -> None:
        hold_measured(self.value, self.low, self.high, (self.n, self.n_raters))
        weighted = self.strength_weighted
        low, high = self.strength_weighted_low, self.strength_weighted_high
        hold_measured(0.0 if weighted is None else weighted, low, high, ())

    @classmethod
    def of(
        cls,
        estimate: Estimate,
        metric: str,
        method: str,
        steer: str | None,
        community: str | None,
        subset: str,
        **more: Any,
    ) -> Self:
        """The row of an estimate; ``more`` are the columns of the kind of row."""
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
            **more,
        )

    def as_dict(self, **more: Any) -> dict[str, Any]:
        """The row as a JSON object, with further columns."""
        # Values are numbers and texts: `dataclasses.asdict` would copy each of them.
        return {column.name: getattr(self, column.name) for column in fields(self)} | more

    def as_line(self, **more: Any) -> dict[str, Any]:
        """The row as its file has it: without the optional columns that are None."""
        columns = self.as_dict(**more)
        return {k: v for k, v in columns.items() if v is not None or k not in self.optional}

    @property
    def estimate(self) -> Estimate:
        """The number as an estimate."""
        return Estimate(self.value, self.low, self.high, self.n, self.n_raters)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow(Row):
    """One number over all the communities that a method serves, as ``summary.jsonl`` contains it.

    Attributes:
        aggregate: ``overall``, ``average``, ``worst``, ``disparity`` or ``ratio``.
        worst_community: The community with the lowest number, in rows of ``worst``.
    """

    optional: ClassVar[tuple[str, ...]] = (*STRENGTH, "worst_community")

    aggregate: str
    worst_community: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatRow(SummaryRow):
    """A row of the summary of one repeat alone, as ``repeats.jsonl`` contains it.

    Attributes:
        seed: Seed of the repeat.
    """

    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow(Row):
    """A paired difference to a baseline, as ``comparisons.jsonl`` contains it.

    Attributes:
        baseline: The method compared with.
        aggregate: ``bystanders``: the change for the communities of the reference other than the
            one steered to; None for the communities that the method serves.
        low_all: Lower end of the interval that is valid for all pairs of methods at once; only
            averages over communities have it.
        high_all: Upper end of that interval.
    """

    optional: ClassVar[tuple[str, ...]] = (*STRENGTH, "aggregate", "low_all", "high_all")

    baseline: str
    aggregate: str | None = None
    low_all: float | None = None
    high_all: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow(Row):
    """A point of a learning curve, as ``studies/curve-*.jsonl`` contain it.

    Attributes:
        by: The unit of the thinned data: ``pairs`` or ``raters``.
        fraction: Fraction of the training data that was kept, in (0, 1].
        train_pairs: Training pairs of the communities steered to, mean over the repeats.
        train_units: Their raters (or questions); None in files of early versions.
        repeats: Repeats behind the point; None in files of early versions.
    """

    by: str
    fraction: float
    train_pairs: int
    train_units: int | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRow(Row):
    """Accuracy under other settings, as ``studies/sensitivity.jsonl`` contains it.

    Attributes:
        tau: The threshold tried; None where it was not changed.
        beta: The temperature tried; None where it was not changed.
        ridge: The ridge tried; None where it was not changed.
    """

    tau: float | None = None
    beta: float | None = None
    ridge: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRow:
    """How much of the training data a method needs to reach another method that has all of it.

    Attributes:
        method: Name of the method.
        target: The method that it is to reach.
        by: The unit of the thinned data: ``pairs`` or ``raters``.
        value: Fraction of the training data, in (0, 1]; None where all of it is not enough.
        low: Lower end of the 95 % interval.
        high: Upper end; None where the target is not reached in more than 2.5 % of the draws.
    """

    method: str
    target: str
    by: str
    value: float | None
    low: float | None
    high: float | None


def strength_columns(found: Estimate | None) -> dict[str, float | None]:
    """The columns of a strength-weighted number; none where it is not measured."""
    if found is None:
        return {}
    return dict(zip(STRENGTH, (found.value, found.low, found.high), strict=True))


def hold_measured(
    value: float, low: float | None, high: float | None, counts: Iterable[int | None]
) -> None:
    """Check that a number, its interval and the counts behind it can have been measured.

    Raises:
        ValueError: If they cannot.
    """
    if (low is None) != (high is None):
        raise ValueError("an interval has two ends or none")
    # A comparison with nan is false: nan is refused too.
    if not all(abs(x) <= _LARGEST for x in (value, low, high) if x is not None):
        raise ValueError("value, low and high must be finite and at most 1e12")
    if any(n is not None and n < 0 for n in counts):
        raise ValueError("n and n_raters must not be negative")
