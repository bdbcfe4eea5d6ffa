"""Intervals of a judge's numbers over prompts and over the people who taught the judge.

A gain by the judge would be another one if other people had taught it. The judge's refits, each
without another random part of its people, show by how much. The answers stay the same: they were
chosen by another reward model, of other people. A reward model that chose has no such interval: its
own errors chose the answers too, so its gain is too large with any people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pluralign.aligning.result_rows import MeasuredPolicy, mean_row
from pluralign.core import FloatArray
from pluralign.metrics import crossed_interval, subsample_error, t_interval
from pluralign.runs import Refits


@dataclass(frozen=True, slots=True)
class PeopleBehind:
    """The people behind a reward model.

    Attributes:
        raters: Community -> number of its people; a community without a known number is absent.
        held_out: Share of the people that each refit lacks, in (0, 1); 0 without refits.
    """

    raters: Mapping[str, int] = field(default_factory=dict)
    held_out: float = 0.0


NOBODY = PeopleBehind()
"""Nobody whose number is known."""


def fits_row(
    policy: MeasuredPolicy,
    metric: str,
    community: str | None,
    value_B_P: FloatArray,
    people: PeopleBehind,
) -> dict[str, Any]:
    """A row with the mean over prompts, and its interval over prompts and, with refits, people.

    Args:
        policy: The policy.
        metric: Name of the number.
        community: Community whose reward measures.
        value_B_P: One value for each prompt by each of B fits, shape (B, P); nan where there is
            none. The mean of the first fit is the value of the row.
        people: The people behind the reward model.

    Returns:
        A row with ``n_raters``. With refits, its interval is over prompts and people, and
        ``half_prompts`` and ``half_people`` are half the widths of the intervals over one of them.
    """
    row = mean_row(policy, metric, community, value_B_P[0])
    if community is not None:
        row["n_raters"] = people.raters.get(community)
    known_P = np.isfinite(value_B_P[0])
    if row["n"] < 2 or len(value_B_P) < 2:
        return row
    mean_B = value_B_P[:, known_P].mean(axis=1)
    if not np.isfinite(mean_B).all():  # a refit lacks the community
        return row
    prompts = float(value_B_P[0, known_P].var(ddof=1)) / row["n"], row["n"] - 1
    other_people = float(subsample_error(mean_B, people.held_out)) ** 2, len(mean_B) - 1
    row["low"], row["high"] = crossed_interval(row["value"], [prompts, other_people])
    return row | {"half_prompts": _half(*prompts), "half_people": _half(*other_people)}


def show_people(refits: Refits | None) -> bool:
    """Whether fits of a judge show what other people would change."""
    return refits is not None and refits.show_spread and refits.by == "rater"


def about_people(refits: Refits | None) -> str:
    """A sentence for readers: the basis of a judge's intervals over people, or why there are none.

    Args:
        refits: Fits of the judge; None where it is behind a URL.
    """
    if refits is None:
        return "none: the judge is behind a URL, and its refits are not known here"
    if refits.show_spread and refits.by != "rater":
        return f"none: each fit of the judge lacks other {refits.by}s, and not other people"
    return refits.about


def _half(variance: float, df: float) -> float:
    high = t_interval(0.0, variance, df)[1]
    assert high is not None
    return high
