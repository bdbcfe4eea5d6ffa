"""A row of ``results.jsonl``: the mean of one number over prompts, with its interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.metrics import best_of_n_divergence, t_interval, wilson_interval
from pluralign.runs.policy_rows import START


@dataclass(frozen=True, slots=True)
class MeasuredPolicy:
    """A policy, as rows of results name it.

    Attributes:
        method: How it follows a reward; ``start`` for the start model.
        steer: Community that it follows, or ``joint``; None where it follows no reward.
        candidates: Answers among which one is chosen; None for a policy that answers once.
        independent: Whether these were drawn independently: only then the bound of the divergence
            of best of n is known.
    """

    method: str
    steer: str | None
    candidates: int | None = None
    independent: bool = True


START_MODEL = MeasuredPolicy(START, None)


def mean_row(
    policy: MeasuredPolicy, metric: str, community: str | None, value_P: FloatArray
) -> dict[str, Any]:
    """The mean over prompts with its 95 % interval; prompts without a value are left out.

    Args:
        policy: The policy.
        metric: Name of the number.
        community: Community whose reward measures, or that is compared; None where none does.
        value_P: One value for each prompt, shape (P,); nan where there is none.

    Returns:
        A row; its value is None if no prompt has one.
    """
    known_P = _known(value_P)
    if not len(known_P):
        return result_row(policy, metric, community, None, (None, None), 0)
    mean, n = float(known_P.mean()), len(known_P)
    interval = t_interval(mean, _variance(known_P), n - 1)
    return result_row(policy, metric, community, mean, interval, n)


def share_row(
    policy: MeasuredPolicy, metric: str, community: str | None, share_P: FloatArray
) -> dict[str, Any]:
    """As `mean_row` for shares in [0, 1], with Wilson's interval, which is right near 0 and 1."""
    found = mean_row(policy, metric, community, share_P)
    if found["n"] > 1:
        found["low"], found["high"] = _wilson(_known(share_P))
    return found


def share_change_row(
    policy: MeasuredPolicy,
    metric: str,
    before_P: FloatArray,
    after_P: FloatArray,
    community: str | None = None,
) -> dict[str, Any]:
    """The change of a share, paired by prompt.

    Where no prompt's share changes there is no variance, and the interval is that of two
    independent shares (Newcombe 1998), not one without width.
    """
    found = mean_row(policy, metric, community, after_P - before_P)
    known_P = ~np.isnan(after_P - before_P)
    if found["n"] > 1 and found["low"] == found["high"]:
        was, now = before_P[known_P], after_P[known_P]
        (low_was, high_was), (low_now, high_now) = _wilson(was), _wilson(now)
        down = np.hypot(now.mean() - low_now, high_was - was.mean())
        up = np.hypot(high_now - now.mean(), was.mean() - low_was)
        found["low"], found["high"] = found["value"] - float(down), found["value"] + float(up)
    return found


def result_row(
    policy: MeasuredPolicy,
    metric: str,
    community: str | None,
    value: float | None,
    interval: tuple[float | None, float | None],
    n: int,
) -> dict[str, Any]:
    """A row of results.

    Args:
        policy: The policy.
        metric: Name of the number.
        community: Community whose reward or people measure; None where none does.
        value: The number.
        interval: Both ends of its 95 % interval; None where they are not known.
        n: Number of prompts, questions or items.
    """
    candidates = policy.candidates
    return {
        "metric": metric,
        "community": community,
        "method": policy.method,
        "steer": policy.steer,
        "candidates": candidates,
        "kl_bound": _bound(policy),
        "value": value,
        "low": interval[0],
        "high": interval[1],
        "n": n,
        "n_raters": None,
    }


def _bound(policy: MeasuredPolicy) -> float | None:
    """Bound of the divergence of best of n, in nats; None where it is not known."""
    if policy.candidates is None or not policy.independent:
        return None
    return round(best_of_n_divergence(policy.candidates), 6)


def _known(value_P: FloatArray) -> FloatArray:
    known_P: FloatArray = value_P[np.isfinite(value_P)]
    return known_P


def _variance(value_P: FloatArray) -> float:
    """Squared standard error of the mean; nan of a single value."""
    return float(value_P.var(ddof=1) / len(value_P)) if len(value_P) > 1 else float("nan")


def _wilson(share_P: FloatArray) -> tuple[float, float]:
    return wilson_interval(float(share_P.mean()), _variance(share_P), len(share_P))
