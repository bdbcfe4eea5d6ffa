"""From the name of a community, as other tools pass it on, to a steer."""

from collections.abc import Sequence

from pluralign.core import (
    WORLD,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
    near_communities,
    resolve_community,
)


def steer_to(model: SteerableRewardModel, label: str, strength: float = 1.0, where: str | None = None) -> Steer | None:
    """What to score with for a community.

    Args:
        model: Any steerable reward model.
        label: An id, or a name as data sets write it ("Mexico").
        strength: How strongly; 0 is the reference.
        where: What to name in an error.

    Returns:
        The steer; None, the reference, for ``~world`` where the model has no such community.

    Raises:
        UnknownCommunity: If the model has no such community; near ones are named.

    >>> from pluralign.simulation import PlantedReward, default_society
    >>> steer_to(PlantedReward(default_society(0)), "~hill", strength=0.5)
    Steer(shares={'~hill': 1.0}, strength=0.5)
    """
    return steer_among(model.communities, label, strength, where)


def steer_among(
    communities: Sequence[str], label: str, strength: float = 1.0, where: str | None = None
) -> Steer | None:
    """As `steer_to`, for a model of which only the communities are known.

    Raises:
        UnknownCommunity: If the label is none of them; near ones are named.
    """
    known = list(communities)
    found = resolve_community(label)
    id_ = found.id if found and label not in known else label
    if id_ in known:
        return Steer.to(id_, strength)
    if id_ == WORLD.id:
        return None
    near = near_communities(label, known)
    raise UnknownCommunity(
        f"this model is not steered to {label!r}",
        where=where,
        hint=f"did you mean {', '.join(near)}?" if near else f"it knows {', '.join([*known, WORLD.id])}",
    )
