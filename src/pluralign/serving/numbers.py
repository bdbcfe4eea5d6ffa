"""From the rewards of several fits to numbers with intervals, orders and preferences."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import expit

from pluralign.core import FloatArray
from pluralign.metrics import subsample_half_width

_DIGITS = 6
Number = dict[str, float]


@lru_cache(None)
def _reach(fits: int, held_out: float) -> float:
    """Half the width of an interval, in standard deviations of the fits."""
    steps = np.arange(fits, dtype=np.float64)
    return float(subsample_half_width(steps, held_out) / steps.std(ddof=1))


def intervals(value_B_X: FloatArray, held_out: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A number and the ends of its 95 % interval, shape X each; ends are nan where there is one fit.

    Args:
        value_B_X: The number in each of B fits; that of the first is told.
        held_out: Share of the people that each fit lacks.
    """
    value_X = value_B_X[0]
    if len(value_B_X) == 1:
        nothing_X = np.full_like(value_X, np.nan)
        return value_X, nothing_X, nothing_X
    half_X = _reach(len(value_B_X), held_out) * value_B_X.std(axis=0, ddof=1)
    return value_X, value_X - half_X, value_X + half_X


def numbers(value_B_X: FloatArray, held_out: float) -> Any:
    """As `intervals`, as lists of lists with an object for each number; JSON has null for an end that is nan.

    >>> numbers(np.array([[0.5]]), held_out=0.2)
    [{'value': 0.5, 'low': nan, 'high': nan}]
    """
    value_X, low_X, high_X = (end_X.round(_DIGITS) for end_X in intervals(value_B_X, held_out))
    return _written(value_X.tolist(), low_X.tolist(), high_X.tolist())


def _written(value: Any, low: Any, high: Any) -> Any:
    if not isinstance(value, list):
        return {"value": value, "low": low, "high": high}
    together = zip(value, low, high, strict=True)
    if value and isinstance(value[0], list):
        return [_written(*of) for of in together]
    return [{"value": v, "low": lo, "high": hi} for v, lo, hi in together]


def shares(margin: Sequence[Number]) -> list[Number]:
    """Margins as shares of people expected to prefer the first of two responses (Bradley-Terry)."""
    return [{end: round(float(expit(m)), _DIGITS) for end, m in one.items()} for one in margin]


def losses(reward_B_N_S: FloatArray) -> FloatArray:
    """How far each response lies behind the favourite of each steer among the N, in logits, shape (B, N, S), >= 0."""
    loss_B_N_S: FloatArray = reward_B_N_S.max(axis=1, keepdims=True) - reward_B_N_S
    return loss_B_N_S


def order(loss_B_N_S: FloatArray) -> tuple[list[int], FloatArray, FloatArray]:
    """Put responses in order by what the steer that each serves worst loses.

    Rewards of different communities are on no common scale of better and worse, but what each loses
    against its own favourite is: logits of the choices of its people. So the first response is that
    which loses least where it loses most (minimax regret); under one steer that is simply the best.

    Returns:
        Positions from the best down; how far behind the first each lies in each fit, shape (B, N);
        which steer each response serves worst, shape (N,).
    """
    worst_B_N = loss_B_N_S.max(axis=2)
    ranked = np.argsort(worst_B_N[0], kind="stable").tolist()
    return ranked, worst_B_N - worst_B_N[:, ranked[:1]], loss_B_N_S[0].argmax(axis=1)
