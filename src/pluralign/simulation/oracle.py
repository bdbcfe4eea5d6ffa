"""A steerable reward model with the planted truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import WORLD, AnyRequest, AnySteer, FloatArray, as_requests, as_steer
from pluralign.simulation.society import Society


@dataclass(frozen=True, slots=True)
class PlantedReward:
    """Scores replies by the true utilities of a society; the reference is the mean over all people.

    Attributes:
        society: The society.
    """

    society: Society

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids of the society's communities, in its order."""
        return tuple(c.id for c in self.society.communities)

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Utilities of ``~world``, moved to the blend of ``steer``, in logits, shape (N,).

        Raises:
            UnknownCommunity: If the society does not have a community of ``steer``.
        """
        steer = as_steer(steer, self.communities)
        replies = [r.response for r in as_requests(requests)]
        reference_N = self.society.utilities(replies, WORLD.id)
        if steer is None:
            return reference_N
        blended = [s * self.society.utilities(replies, c) for c, s in steer.shares.items()]
        blend_N = np.sum(blended, axis=0)
        steered_N: FloatArray = reference_N + steer.strength * (blend_N - reference_N)
        return steered_N

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Utilities for every community in logits, shape (N, C)."""
        replies = [r.response for r in as_requests(requests)]
        return np.stack([self.society.utilities(replies, c) for c in self.communities], axis=1)
