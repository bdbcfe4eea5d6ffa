"""Which communities to steer to, in which proportions, how strongly."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pluralign.core.errors import InvalidInput


@dataclass(frozen=True)
class Steer:
    """A blend of communities and a strength.

    Attributes:
        shares: Community id -> share; shares are >= 0 and sum to 1.
        strength: 0 is the reference, 1 the fitted steering; above 1 exaggerates.

    Raises:
        InvalidInput: If shares are missing, negative or do not sum to 1, or the strength is negative.

    >>> Steer({"MEX": 0.7, "~world": 0.3}, strength=0.5)
    Steer(shares={'MEX': 0.7, '~world': 0.3}, strength=0.5)
    """

    shares: Mapping[str, float]
    strength: float = 1.0

    def __post_init__(self) -> None:
        values = list(self.shares.values())
        if not values or not all(math.isfinite(v) and v >= 0 for v in values):
            raise InvalidInput(
                f"shares {dict(self.shares)} are not numbers >= 0", hint='for one community: {"MEX": 1.0}'
            )
        if abs(math.fsum(values) - 1) > 1e-6:
            raise InvalidInput(f"shares {dict(self.shares)} sum to {math.fsum(values):.4g}, not to 1")
        if not (math.isfinite(self.strength) and self.strength >= 0):
            raise InvalidInput(f"strength is {self.strength}, not a number >= 0")
        object.__setattr__(self, "shares", MappingProxyType(dict(self.shares)))

    def __repr__(self) -> str:
        return f"Steer(shares={dict(self.shares)}, strength={self.strength})"

    def __hash__(self) -> int:
        return hash((frozenset(self.shares.items()), self.strength))

    @classmethod
    def to(cls, community: str, strength: float = 1.0) -> "Steer":
        """Steer to one community."""
        return cls({community: 1.0}, strength)
