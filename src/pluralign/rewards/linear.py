"""The steerable linear reward model: one trunk that stays as it is, a linear head for each community."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import (
    AnyRequest,
    AnySteer,
    FloatArray,
    as_requests,
    as_steer,
    known_community,
    listed,
)
from pluralign.rewards.trunk import Trunk


@dataclass(frozen=True, slots=True)
class LinearRewardModel:
    """reward_c(x, y) = h . reference + h . delta_c, with the features h = trunk(x, y) computed once.

    Attributes:
        trunk: Turns a prompt and a response into features.
        reference_D: Head of the reference, shape (D,).
        communities: Ids it can be steered to, C of them.
        delta_C_D: What each community adds to the head, shape (C, D).
        about: Facts for the card: what it was trained on, by which method, with which settings.

    Raises:
        ValueError: If the shapes do not fit together.
    """

    trunk: Trunk
    reference_D: FloatArray
    communities: tuple[str, ...] = ()
    delta_C_D: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    about: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.communities:
            object.__setattr__(self, "delta_C_D", np.zeros((0, self.trunk.dimensions)))
        if self.reference_D.shape != (self.trunk.dimensions,):
            raise ValueError(
                f"a head of shape {self.reference_D.shape} on a trunk of {self.trunk.dimensions}"
            )
        if self.delta_C_D.shape != (len(self.communities), self.trunk.dimensions):
            raise ValueError(
                f"{len(self.communities)} communities and heads of shape {self.delta_C_D.shape}"
            )

    def __repr__(self) -> str:
        method = f", fitted by {self.about['method']}" if "method" in self.about else ""
        return (
            f"{type(self).__name__}(steers to {listed(self.communities)}; "
            f"{len(self.reference_D):,} features of {type(self.trunk).__name__}{method})"
        )

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); those of the reference where it is None.

        Only differences between responses to one prompt mean anything.

        Args:
            requests: Requests, or tuples of a prompt and a response.
            steer: A `Steer`, a community (``"MEX"`` or ``"Mexico"``), or shares of several.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests.
        """
        feature_N_D = self.trunk.features(as_requests(requests)).astype(np.float64)
        rewards: FloatArray = feature_N_D @ self.head(steer)
        return rewards

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``."""
        feature_N_D = self.trunk.features(as_requests(requests)).astype(np.float64)
        rewards: FloatArray = feature_N_D @ self.heads().T
        return rewards

    def heads(self) -> FloatArray:
        """The head of every community, shape (C, D)."""
        return self.reference_D + self.delta_C_D

    def head(self, steer: AnySteer = None) -> FloatArray:
        """The head under ``steer``, shape (D,): the reference plus strength times the blended deltas.

        ``~world`` in a blend stands for the reference where the model has no such community.
        """
        steer = as_steer(steer, self.communities)
        if steer is None:
            return self.reference_D
        head_D = self.reference_D.astype(np.float64)
        for id_, share in steer.shares.items():
            head_D = head_D + steer.strength * share * self._delta(id_)
        return head_D

    def _delta(self, id_: str) -> FloatArray:
        known = known_community(id_, self.communities)
        if known not in self.communities:  # the world, where the model was not steered to it
            return np.zeros_like(self.reference_D)
        delta_D: FloatArray = self.delta_C_D[self.communities.index(known)]
        return delta_D
