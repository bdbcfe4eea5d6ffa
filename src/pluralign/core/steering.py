"""Steers: the communities to steer to, their proportions, and the strength."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pluralign.core.communities import WORLD, community_hint, resolve_community
from pluralign.core.errors import InvalidInput, UnknownCommunity

REFERENCE = "reference"
"""Name of the model that steering starts from, in rows, cards and folders of runs."""
NO_STEER = ""
"""Key of margins that were scored without a steer, among margins that are keyed by steer."""


@dataclass(frozen=True)
class Steer:
    """A blend of communities and a strength.

    Attributes:
        shares: Community id -> share; shares are >= 0 and sum to 1.
        strength: 0 is the reference, 1 the fitted steering; above 1 exaggerates.

    Raises:
        InvalidInput: If shares are missing, negative or do not sum to 1, or the strength is
            negative.

    >>> Steer({"MEX": 0.7, "~world": 0.3}, strength=0.5)
    Steer(shares={'MEX': 0.7, '~world': 0.3}, strength=0.5)
    """

    shares: Mapping[str, float]
    strength: float = 1.0

    def __post_init__(self) -> None:
        values = list(self.shares.values())
        if not values or not all(math.isfinite(v) and v >= 0 for v in values):
            raise InvalidInput(
                f"shares must be numbers >= 0, got {dict(self.shares)}",
                hint='for one community: {"MEX": 1.0}',
            )
        if abs(math.fsum(values) - 1) > 1e-6:
            raise InvalidInput(
                f"shares must sum to 1, got {dict(self.shares)} with a sum of "
                f"{math.fsum(values):.4g}"
            )
        if not (math.isfinite(self.strength) and self.strength >= 0):
            raise InvalidInput(f"strength must be a number >= 0, got {self.strength}")
        object.__setattr__(self, "shares", MappingProxyType(dict(self.shares)))

    def __repr__(self) -> str:
        return f"Steer(shares={dict(self.shares)}, strength={self.strength})"

    def __hash__(self) -> int:
        return hash((frozenset(self.shares.items()), self.strength))

    @classmethod
    def to(cls, community: str, strength: float = 1.0) -> "Steer":
        """Steer to one community."""
        return cls({community: 1.0}, strength)


def known_community(label: str, communities: Sequence[str], where: str | None = None) -> str:
    """Find the community that a label names among those that a model can be steered to.

    Args:
        label: An id, or a name as data sets write it ("Mexico").
        communities: Ids the model can be steered to.
        where: The file, line or argument for an error.

    Returns:
        Its id; ``~world``, which stands for the reference, is always known.

    Raises:
        UnknownCommunity: If it is not one of them; the error names similar ones.

    >>> known_community("Mexico", ["GBR", "MEX"])
    'MEX'
    """
    if label in communities or label == WORLD.id:
        return label
    found = resolve_community(label)
    if found and (found.id in communities or found.id == WORLD.id):
        return found.id
    raise UnknownCommunity(
        f"this model is not steered to {label!r:.200}",
        where=where,
        hint=community_hint(label, list(communities))
        or f"it knows {', '.join(dict.fromkeys([*communities, WORLD.id]))}",
    )


AnySteer = Steer | str | Mapping[str, float] | None
"""A `Steer`, the id or name of a community, or shares of several; None is the reference."""


def as_steer(given: AnySteer, communities: Sequence[str]) -> Steer | None:
    """The steer that a caller means; the first step of every model's ``score``.

    Args:
        given: A `Steer`, a community's id or name, community -> share, or None for the reference.
        communities: Ids the model can be steered to.

    Returns:
        The steer; None for the reference.

    Raises:
        InvalidInput: If it is of another type, or shares do not sum to 1.
        UnknownCommunity: If a text names no community of the model; near ones are named.

    >>> as_steer("Mexico", ["GBR", "MEX"]), as_steer(None, ["MEX"])
    (Steer(shares={'MEX': 1.0}, strength=1.0), None)
    """
    if given is None or isinstance(given, Steer):
        return given
    if isinstance(given, str):
        return steer_to(communities, given)
    if isinstance(given, Mapping):
        return blend_of(communities, given)
    raise InvalidInput(
        f"a steer must be a community or shares of several, got {type(given).__name__}",
        hint='write "MEX", {"MEX": 0.7, "GBR": 0.3} or Steer.to("MEX", strength=0.5)',
    )


def steer_to(
    communities: Sequence[str], label: str, strength: float = 1.0, where: str | None = None
) -> Steer | None:
    """The steer to one community, with which to score.

    Args:
        communities: Ids the model can be steered to.
        label: An id or a name.
        strength: Strength of the steer, >= 0; 0 is the reference.
        where: The file, line or argument for an error.

    Returns:
        The steer; None, the reference, for ``~world`` where the model has no such community.

    Raises:
        UnknownCommunity: If the model has no such community; the error names similar ones.

    >>> steer_to(["GBR", "MEX"], "Mexico", strength=0.5)
    Steer(shares={'MEX': 1.0}, strength=0.5)
    >>> steer_to(["GBR", "MEX"], "~world") is None
    True
    """
    return blend_of(communities, {label: 1.0}, strength, where)


def blend_of(
    communities: Sequence[str],
    shares: Mapping[str, float],
    strength: float = 1.0,
    where: str | None = None,
) -> Steer | None:
    """The steer to a blend of communities, with which to score.

    Args:
        communities: Ids the model can be steered to.
        shares: Label -> share; two labels of one community add up.
        strength: Strength of the steer, >= 0; 0 is the reference.
        where: The file, line or argument for an error.

    Returns:
        The steer; None, the reference, for ``~world`` alone where the model has no such community.

    Raises:
        InvalidInput: If shares are negative or do not sum to 1.
        UnknownCommunity: If the model lacks a community; the error names similar ones.
    """
    found: dict[str, float] = {}
    for label, share in shares.items():
        id_ = known_community(label, communities, where)
        found[id_] = found.get(id_, 0.0) + share
    steer = Steer(found, strength)
    return None if set(found) == {WORLD.id} and WORLD.id not in communities else steer


def read_steer(
    communities: Sequence[str],
    words: Sequence[str],
    strength: float = 1.0,
    where: str | None = None,
) -> Steer | None:
    """Read a steer from words such as ``GBR``, or ``GBR=0.7 ~world=0.3``.

    Args:
        communities: Ids the model can be steered to.
        words: Labels, each with its share where there are several.
        strength: Strength of the steer, >= 0; 0 is the reference.
        where: The file, line or argument for an error.

    Returns:
        The steer; None, the reference, for ``~world`` alone where the model has no such community.

    Raises:
        InvalidInput: If a share is missing or not a number.
        UnknownCommunity: If the model has no such community; the error names similar ones.

    >>> read_steer(["GBR", "MEX"], ["United Kingdom=0.7", "MEX=0.3"])
    Steer(shares={'GBR': 0.7, 'MEX': 0.3}, strength=1.0)
    """
    shares: dict[str, float] = {}
    for word in words:
        label, sign, share = (part.strip() for part in word.partition("="))
        if not sign and len(words) > 1:
            raise InvalidInput(
                f"{word!r:.200} has no share", where=where, hint=f"write {label:.40}=0.5"
            )
        shares[label] = shares.get(label, 0.0) + (_share(share, word, where) if sign else 1.0)
    return blend_of(communities, shares, strength, where)


def _share(text: str, word: str, where: str | None) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInput(
            f"the share in {word!r:.200} must be a number", where=where, hint="write GBR=0.5"
        ) from error
