"""A reward server as a reward model behind the port."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pluralign.core import (
    WORLD,
    AnyRequest,
    AnySteer,
    FloatArray,
    NotEnoughData,
    PreferencePair,
    Prompt,
    as_requests,
    as_steer,
    known_community,
    listed,
)
from pluralign.rewards.explaining import Explanation, explain_steer
from pluralign.rewards.remote.client import RewardClient, TooMuchAtOnce
from pluralign.rewards.remote.wire import BLEND

_ITEMS = 1024


class RemoteRewardModel:
    """A reward server as a steerable reward model: wherever a model is taken, a server can be.

    It scores responses as they are, as every model behind the port does; its callers leave
    thoughts out (`pluralign.rewards.scorable`).

    Args:
        client: Asks the server.

    Attributes:
        communities: Ids it can be steered to.

    Raises:
        RewardServerFailed: If the server cannot be reached.
    """

    def __init__(self, client: RewardClient) -> None:
        self._client = client
        self.communities = client.communities().steered

    def __repr__(self) -> str:
        return f"RemoteRewardModel({self._client}; steers to {listed(self.communities)})"

    @classmethod
    def at(cls, url: str, token: str | None = None) -> "RemoteRewardModel":
        """The model that a URL serves."""
        return cls(RewardClient(url, token))

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); None: the reference's rewards.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests.
            InvalidInput: If the server refuses a text, such as one that is too long.
            RewardServerFailed: If the server cannot be reached.
        """
        requests, steer = as_requests(requests), as_steer(steer, self.communities)
        if steer is None:
            return self._scored(requests, [WORLD.id], {"communities": [WORLD.id], "strength": 0.0})[
                :, 0
            ]
        for id_ in steer.shares:
            known_community(id_, self.communities)
        blend = {"blend": dict(steer.shares), "strength": steer.strength}
        return self._scored(requests, [BLEND], blend)[:, 0]

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``."""
        if not self.communities and requests:
            return np.zeros((len(requests), 0))
        return self._scored(requests, self.communities, {"communities": self.communities})

    def explain(
        self,
        prompt: Prompt,
        a: str,
        b: str,
        community: AnySteer = None,
        *,
        pairs: Sequence[PreferencePair] | None = None,
    ) -> Explanation:
        """Explain why one of two responses is preferred; the answer prints as a small table.

        Args:
            prompt: The prompt.
            a: The first response.
            b: The other response.
            community: Id of the community, as for `score`; None for the reference.
            pairs: Not for this model: the nearest training pairs are known of linear heads only.

        Returns:
            The contributions of the reference and of the community to the margin.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            InvalidInput: If ``pairs`` are given.
        """
        return explain_steer(self, prompt, a, b, community, pairs)

    def _scored(
        self, requests: Sequence[AnyRequest], keys: Sequence[str], asked: Mapping[str, Any]
    ) -> FloatArray:
        if not requests:
            raise NotEnoughData("no requests to score")
        lots = [requests[start : start + _ITEMS] for start in range(0, len(requests), _ITEMS)]
        return np.array(
            [row for lot in lots for row in self._rows(lot, keys, asked)], dtype=np.float64
        )

    def _rows(
        self, requests: Sequence[AnyRequest], keys: Sequence[str], asked: Mapping[str, Any]
    ) -> list[list[float]]:
        """Rewards of requests in one call, or in halves where they are too much for the server."""
        try:
            answer = self._client.rewards(requests, **asked, thoughts="keep")
        except TooMuchAtOnce:
            if len(requests) == 1:
                raise
            half = len(requests) // 2
            return self._rows(requests[:half], keys, asked) + self._rows(
                requests[half:], keys, asked
            )
        return [[item.rewards[key].value for key in keys] for item in answer.items]
