"""The baseline for every reward model: the longer text wins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import (
    REFERENCE,
    AnyRequest,
    AnySteer,
    FloatArray,
    PreferencePair,
    Prompt,
    as_requests,
)
from pluralign.rewards.explaining import Explanation, explain_rewards, refuse_pairs


@dataclass(frozen=True, slots=True)
class LengthReward:
    """Rewards a response by the logarithm of its length in characters; it steers to nobody.

    >>> LengthReward().score([("Why?", "Because"), ("Why?", "No")]).round(2).tolist()
    [1.95, 0.69]
    """

    communities: tuple[str, ...] = ()

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Logarithm of the number of characters, shape (N,), for any steer."""
        # The logarithm of an empty response would be -inf, so it counts as one character.
        return np.log([max(len(r.response), 1) for r in as_requests(requests)])

    def explain(
        self,
        prompt: Prompt,
        a: str,
        b: str,
        community: AnySteer = None,
        *,
        pairs: Sequence[PreferencePair] | None = None,
        nearest: int = 3,
    ) -> Explanation:
        """Explain why one of two responses is preferred: only their lengths count.

        Raises:
            InvalidInput: If ``pairs`` are given: this model has no nearest training pairs.
        """
        refuse_pairs(pairs, type(self).__name__)
        reward_2 = self.score([(prompt, a), (prompt, b)])
        return explain_rewards(prompt, a, b, reward_2, reward_2, REFERENCE)

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """No community: shape (N, 0)."""
        return np.zeros((len(requests), 0))
