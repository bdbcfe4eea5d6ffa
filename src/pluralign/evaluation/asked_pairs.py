"""Evaluation on pairs that a policy chose: anchors, or all pairs weighted by their propensity."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from pluralign.core import FloatArray, InvalidInput, PreferencePair

_NOT_CHOSEN = ("repeat", "practice")


def asked_pairs(
    pairs: Sequence[PreferencePair], by: Literal["anchors", "propensity"]
) -> list[PreferencePair]:
    """Pairs that measure a model fairly although a policy chose which pairs people were asked.

    Args:
        pairs: Pairs of a release: ``extra`` has ``reason`` and ``propensity``.
        by: ``anchors`` keeps the pairs that were shown as anchors, a random sample, as they are.
            ``propensity`` keeps all pairs that the policy chose, and multiplies their weights by 1
            / propensity: more pairs, with a larger spread of weights. A release does not record the
            order of a person's pairs; `pluralign.metrics.propensity_weights` is exact with it.

    Returns:
        The pairs. With ``propensity``, the new factors have mean 1 in each community.

    Raises:
        InvalidInput: If ``extra`` of a pair lacks one of them, or a propensity is not in (0, 1].

    >>> extra = {"reason": "anchor", "propensity": 0.1}
    >>> pair = PreferencePair("1", "Tea?", "Yes", "No", "MEX", rater="ana", extra=extra)
    >>> asked_pairs([pair], by="propensity")[0].weight
    1.0
    """
    chosen = [pair for pair in pairs if _of(pair, "reason") not in _NOT_CHOSEN]
    if by == "anchors":
        return [pair for pair in chosen if _of(pair, "reason") == "anchor"]
    by_community: dict[str, list[PreferencePair]] = defaultdict(list)
    for pair in chosen:
        by_community[pair.community].append(pair)
    weighted = {}
    for own in by_community.values():
        for pair, factor in zip(own, _factors(own).tolist(), strict=True):
            weighted[pair.id] = replace(pair, weight=pair.weight * factor)
    return [weighted[pair.id] for pair in chosen]


def _factors(pairs: Sequence[PreferencePair]) -> FloatArray:
    propensity_N = np.array([_propensity(pair) for pair in pairs])
    factor_N: FloatArray = 1 / propensity_N / (1 / propensity_N).mean()
    return factor_N


def _propensity(pair: PreferencePair) -> float:
    given = _of(pair, "propensity")
    try:
        value = float(given)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise InvalidInput(
            f"propensity must be > 0 and at most 1, got {given}", where=f"pair {pair.id}"
        )
    return value


def _of(pair: PreferencePair, name: str) -> str:
    value = pair.extra.get(name)
    if value is None:
        raise InvalidInput(
            f"extra has no {name}",
            where=f"pair {pair.id}",
            hint="only releases of `pluralign collect` record how their pairs were chosen",
        )
    return str(value)
