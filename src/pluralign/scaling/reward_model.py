"""A reward model whose requests are scored by workers."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Literal

import numpy as np

from pluralign.core import (
    AnyRequest,
    AnySteer,
    FloatArray,
    NotEnoughData,
    RewardModel,
    RewardRequest,
    SteerableRewardModel,
    as_requests,
    as_steer,
    prompt_text,
)
from pluralign.scaling.carried import Made, WorkerNotReady
from pluralign.scaling.parts import done_in_parts

REQUESTS_PER_PART = 1024
_How = Literal["score", "score_all"]


class SpreadRewardModel:
    """A `RewardModel`, steerable where its model is, that scores on several workers.

    Distinct requests are scored once, 1,024 at a time, and rewards are joined to them by request.
    Requests that fail alone are named, as texts of a `SpreadEncoder`. A reward of a network may
    differ in its last bits from that of a call with all requests together.

    Args:
        make: Makes the model on every worker: a function that can be pickled by name, such as
            ``partial(open_model, folder)``.
        pool: The workers.
        communities: Communities of the model; empty for one that is not steerable.

    Attributes:
        communities: As given.
    """

    def __init__(
        self,
        make: Callable[[], RewardModel | SteerableRewardModel],
        pool: Executor,
        communities: Sequence[str] = (),
    ) -> None:
        self.communities = tuple(communities)
        self._made = Made.by(make)
        self._pool = pool

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); the reference's where it is None.

        Raises:
            NotEnoughData: If there are no requests.
            InvalidInput: If requests cannot be scored; they are named.
        """
        given = () if steer is None else (as_steer(steer, self.communities),)
        return self._scored("score", given, as_requests(requests))

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C); errors as of `score`."""
        return self._scored("score_all", (), as_requests(requests))

    def _scored(
        self, how: _How, steer: tuple[Any, ...], requests: Sequence[RewardRequest]
    ) -> FloatArray:
        if not requests:
            raise NotEnoughData("no requests to score")
        distinct = list(dict.fromkeys(requests))
        starts = range(0, len(distinct), REQUESTS_PER_PART)
        parts = [np.arange(s, min(s + REQUESTS_PER_PART, len(distinct))) for s in starts]
        rewards: dict[RewardRequest, Any] = {}
        for row_S, reward_S in done_in_parts(
            distinct,
            parts,
            score_requests,
            (self._made, how, steer),
            self._pool,
            ("request", "scored"),
            lambda one: f"{prompt_text(one.prompt)} -> {one.response}",
        ):
            rewards.update(zip((distinct[i] for i in row_S), reward_S, strict=True))
        return np.array([rewards[request] for request in requests])


def score_requests(
    made: Made, how: _How, steer: tuple[Any, ...], requests: list[RewardRequest]
) -> FloatArray:
    """Score requests on a worker, shape (S,) or (S, C).

    Raises:
        WorkerNotReady: If the model cannot be opened here.
    """
    try:
        model = made.here()
    except Exception as error:
        raise WorkerNotReady(
            f"a worker cannot open the reward model: {type(error).__name__}: {error}",
            hint="put the model where all machines can read it, under the same path",
        ) from error
    reward_S: FloatArray = getattr(model, how)(requests, *steer)
    return reward_S
