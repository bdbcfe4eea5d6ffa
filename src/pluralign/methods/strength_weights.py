"""Clear choices may count more than close ones: the strength of a choice as its weight."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from pluralign.core import PreferencePair

StrengthWeight = Literal["none", "root", "full"]
_POWERS: dict[StrengthWeight, float] = {"none": 0.0, "root": 0.5, "full": 1.0}


def weighted_by_strength(
    pairs: Sequence[PreferencePair], kind: StrengthWeight
) -> tuple[PreferencePair, ...]:
    """The pairs, each weighted by the strength of its choice.

    Factors have mean 1 over the pairs of a source that have a strength, because strengths are in
    the source's own unit, and because a ridge is measured in pairs. A pair without a strength keeps
    its weight.

    Args:
        pairs: The pairs.
        kind: ``none`` changes nothing, ``root`` takes the square root of the strength, ``full`` the
            strength.

    >>> def answer(id_: str, strength: float) -> PreferencePair:
    ...     return PreferencePair(id_, "Tea?", "Yes", "No", "GBR", strength=strength)
    >>> weighted = weighted_by_strength([answer("a", 0.1), answer("b", 0.3)], "full")
    >>> [round(p.weight, 3) for p in weighted]
    [0.5, 1.5]
    """
    if kind == "none":
        return tuple(pairs)
    powers: dict[str | None, list[float]] = {}
    for pair in pairs:
        if pair.strength is not None:
            powers.setdefault(pair.source, []).append(pair.strength ** _POWERS[kind])
    mean = {source: float(np.mean(values)) for source, values in powers.items()}
    return tuple(
        pair
        if pair.strength is None
        else replace(pair, weight=pair.weight * pair.strength ** _POWERS[kind] / mean[pair.source])
        for pair in pairs
    )
