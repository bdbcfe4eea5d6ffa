"""Numbers with intervals, orders and preferences from the rewards of several fits."""

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
    """Numbers and the ends of their 95 % intervals, shape X each; ends are nan for a single fit.

    Args:
        value_B_X: The number in each of B fits; the first fit's number is returned.
        held_out: Share of the people that each fit lacks.
    """
    value_X = value_B_X[0]
    if len(value_B_X) == 1:
        nothing_X = np.full_like(value_X, np.nan)
        return value_X, nothing_X, nothing_X
    half_X = _reach(len(value_B_X), held_out) * deviation(value_B_X)
    return value_X, value_X - half_X, value_X + half_X


def deviation(value_B_X: FloatArray) -> FloatArray:
    """Standard deviation over B >= 2 fits, shape X: the bits of numpy's, faster for few numbers."""
    fits = len(value_B_X)
    off_B_X = value_B_X - np.add.reduce(value_B_X, axis=0) / fits
    deviation_X: FloatArray = np.sqrt(np.add.reduce(off_B_X * off_B_X, axis=0) / (fits - 1))
    return deviation_X


def numbers(value_B_X: FloatArray, held_out: float) -> Any:
    """The numbers of `intervals` as nested lists of objects; in JSON, nan becomes null.

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
    """Distance of each response from each steer's favourite, in logits, shape (B, N, S), >= 0."""
    loss_B_N_S: FloatArray = reward_B_N_S.max(axis=1, keepdims=True) - reward_B_N_S
    return loss_B_N_S


def order(loss_B_N_S: FloatArray) -> tuple[list[int], FloatArray, FloatArray]:
    """Order responses by their largest loss under any steer (minimax regret).

    Rewards of different communities are not on a common scale, but the losses against each
    community's own favourite are: logits of the choices of its people. The first response has the
    smallest largest loss; under one steer it is the one with the highest reward.

    Returns:
        Positions in order; the distance of each from the first in each fit, shape (B, N); the
        steer with the largest loss for each response, shape (N,).
    """
    worst_B_N = loss_B_N_S.max(axis=2)
    ranked = np.argsort(worst_B_N[0], kind="stable").tolist()
    return ranked, worst_B_N - worst_B_N[:, ranked[:1]], loss_B_N_S[0].argmax(axis=1)
