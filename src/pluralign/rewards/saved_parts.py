"""The parts that only some saved reward models have: a prior of new communities, a fading.

Each is tensors in the weights, and facts on the card, from which the shapes of the tensors follow.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.rewards.fading import Fading
from pluralign.rewards.head_prior import HeadPrior


def prior_tensors(prior: HeadPrior) -> dict[str, FloatArray]:
    """The mean of the heads, and the directions in which they vary."""
    return {"prior": prior.mean_D, "prior_low": prior.low_D_r}


def prior_facts(prior: HeadPrior) -> dict[str, object]:
    """A prior as the card describes it."""
    return {
        "communities": prior.communities,
        "people": prior.people,
        "pairs": prior.pairs,
        "rank": prior.low_D_r.shape[1],
        "ridge": prior.ridge,
        "scales": list(prior.scales),
        "shares": list(prior.shares),
    }


def prior_shapes(facts: Mapping[str, Any], dimensions: int) -> dict[str, tuple[int, ...]]:
    """The shapes of its tensors, by name."""
    return {"prior": (dimensions,), "prior_low": (dimensions, int(facts["rank"]))}


def read_prior(tensors: Mapping[str, FloatArray], facts: Mapping[str, Any]) -> HeadPrior:
    """The prior that the tensors and the card describe."""
    return HeadPrior(
        tensors["prior"],
        tensors["prior_low"],
        float(facts["ridge"]),
        facts["communities"],
        facts["people"],
        facts["pairs"],
        # Models that were saved before scales were learned have one.
        tuple(facts.get("scales", (1.0,))),
        tuple(facts.get("shares", (1.0,))),
    )


def fading_tensors(fading: Fading) -> dict[str, FloatArray]:
    """The directions of all communities below each other, and those of anyone."""
    return {
        # With none of anyone's, so that there are columns where no community is named.
        "asked": np.concatenate([*fading.asked.values(), fading.anyone_R_d[:0]]),
        "asked_anyone": fading.anyone_R_d,
    }


def fading_facts(fading: Fading) -> dict[str, object]:
    """A fading as the card describes it, with the number of directions of each community."""
    return {
        "start": fading.start,
        "full": fading.full,
        "dimensions": fading.anyone_R_d.shape[1],
        "anyone": len(fading.anyone_R_d),
        "asked": {community: len(rows) for community, rows in fading.asked.items()},
    }


def fading_shapes(facts: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of its tensors, by name."""
    dimensions, asked = int(facts["dimensions"]), facts["asked"]
    return {
        "asked": (sum(asked.values()), dimensions),
        "asked_anyone": (int(facts["anyone"]), dimensions),
    }


def read_fading(tensors: Mapping[str, FloatArray], facts: Mapping[str, Any]) -> Fading:
    """The fading that the tensors and the card describe."""
    asked = facts["asked"]
    ends = np.cumsum(list(asked.values()), dtype=np.intp)
    # The last part is empty.
    by_community = dict(zip(asked, np.split(tensors["asked"], ends)[:-1], strict=True))
    return Fading(
        by_community, tensors["asked_anyone"], float(facts["start"]), float(facts["full"])
    )
