"""The remote reward of OpenRLHF: ``/get_reward``; the community is in ``labels``."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from scipy.special import expit
from starlette.responses import Response

from pluralign.core import FloatArray, InvalidInput, RewardRequest, Steer, parse_json
from pluralign.rewards import Scorable, unanswered
from pluralign.rewards.remote.wire import Steering
from pluralign.serving.bodies import answer, documented, read, written
from pluralign.serving.conversations import refuse_unanswered
from pluralign.serving.foreign_fields import OPEN_RLHF, Compatible
from pluralign.serving.plans import Planner
from pluralign.serving.server import service_of
from pluralign.serving.transcripts import read_transcript, split_query

router = APIRouter(tags=["OpenRLHF"])
_MOST_NAMED = 4096


class GetReward(Compatible):
    """A request of OpenRLHF."""

    _ignored = OPEN_RLHF

    query: tuple[str, ...]
    """Prompt and response with special tokens."""
    prompts: tuple[str, ...] | None = None
    """The prompts in the form of their chat template."""
    labels: tuple[Any, ...] | None = None
    """A community (id or name), or an object such as {"community": "MEX", "strength": 0.5} or
    {"blend": {...}}, as JSON or as text; null or "" is the reference."""

    def requests(self) -> list[RewardRequest]:
        """Return the requests to score.

        Raises:
            InvalidInput: If there are more or fewer prompts or labels than queries, or a query
                cannot be read.
        """
        for name, given in (("prompts", self.prompts), ("labels", self.labels)):
            if given is not None and len(given) != len(self.query):
                what = f"{len(self.query)} queries and {len(given)} {name}"
                raise InvalidInput(what, hint="send one for each query")
        if self.prompts is None:
            return [read_transcript(query) for query in self.query]
        return [
            split_query(query, prompt)
            for query, prompt in zip(self.query, self.prompts, strict=True)
        ]


class Rewards(BaseModel):
    """An answer for OpenRLHF."""

    rewards: tuple[float, ...]
    """In logits."""
    scores: tuple[float, ...]
    """The rewards mapped to [0, 1] (sigmoid)."""
    extra_logs: dict[str, tuple[float, ...]]
    """Rewards of the reference, and marks.

    ``reference``: the reward of the reference. ``thin``: 1 if few people are behind the community.
    ``thought``: 1 if a thought was left out. ``no_answer``: 1 for a missing answer (the response
    is empty or an unfinished thought); its reward is the server's ``no_answer``."""


BODIES = [GetReward]


@router.post("/get_reward", **documented(GetReward, Rewards, "The remote reward of OpenRLHF"))
async def get_reward(request: Request) -> Response:
    """Rewards of samples, each for the community that its label names."""
    service = service_of(request)
    body, requests = await read(request, GetReward, GetReward.requests)
    if not requests:
        return answer({"rewards": [], "scores": [], "extra_logs": {}})
    labels = body.labels or [None] * len(requests)
    quick = _quickly_read(service.planner, labels)
    steers = await service.aside(not quick, _steers, service.planner, labels)
    read_N = await service.scorable(requests)
    if body.prompts is None:  # with a known prompt, the model wrote the rest, even if it is empty
        refuse_unanswered(read_N, [row for row in unanswered(read_N) if not read_N[row].thought])
    reward_N, reference_N = (await _rewards(request, read_N, steers)).T
    logs = {
        "reference": reference_N.tolist(),
        "thin": [_thin(service.planner, steer) for steer in steers],
        "thought": [float(one.thought) for one in read_N],
        "no_answer": [float(one.request is None) for one in read_N],
    }
    return answer(
        {"rewards": reward_N.tolist(), "scores": expit(reward_N).tolist(), "extra_logs": logs}
    )


async def _rewards(
    request: Request, read_N: Sequence[Scorable], steers: Sequence[Steer | None]
) -> FloatArray:
    """Rewards and the reference's rewards, shape (N, 2); ``no_answer`` for a missing answer."""
    service = service_of(request)
    rows = [row for row, one in enumerate(read_N) if one.request is not None]
    requests = [one.request for one in read_N if one.request is not None]
    reward_N_2 = np.full((len(read_N), 2), service.settings.no_answer)
    if rows:
        reward_N_2[rows] = await service.rewards_each(
            request, requests, [(steers[row], None) for row in rows]
        )
    return reward_N_2


def _quickly_read(planner: Planner, labels: Sequence[Any]) -> bool:
    """Whether labels are few ids; names must be compared with all known names."""
    named = [label for label in labels if label is not None and label != ""]
    return all(isinstance(label, str) for label in named) and planner.knows(set(named))


def _steers(planner: Planner, labels: Sequence[Any]) -> list[Steer | None]:
    """The steer of each label, each distinct one read once.

    Raises:
        InvalidInput: If the labels name too many communities together.
    """
    found: dict[bytes, Steer | None] = {}
    keys = [written(label) for label in labels]
    named = 0
    for key, label in zip(keys, labels, strict=True):
        if key not in found:
            found[key] = steer = steer_of(planner, label)
            named += 1 if steer is None else len(steer.shares)
            if named > _MOST_NAMED:
                raise InvalidInput(
                    f"labels name more than {_MOST_NAMED} communities", hint="send fewer at a time"
                )
    return [found[key] for key in keys]


def steer_of(planner: Planner, label: Any) -> Steer | None:
    """The steer of a label; None, the reference, for an empty label.

    Raises:
        InvalidInput: If it is neither a community nor an object with a steer.
        UnknownCommunity: If the model lacks the community.
    """
    if isinstance(label, str) and label.lstrip().startswith("{"):
        label = _object(label)
    if label is None or label == "":
        return None
    if isinstance(label, str):
        label = {"communities": label}
    if not isinstance(label, dict):
        raise InvalidInput(
            "a label names no community", hint='use "MEX", or {"community": "MEX", "strength": 0.5}'
        )
    given = {("communities" if key == "community" else key): value for key, value in label.items()}
    # The answer has no place to report that the prior answers, so a caller must ask for it.
    given.setdefault("unknown", "error")
    try:
        asked = Steering.model_validate(given)
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"]
        hint = 'use "MEX", or {"community": "MEX", "strength": 0.5}'
        raise InvalidInput(f"a label cannot be read: {what}", hint=hint) from None
    plan = planner.plan(asked)
    if len(plan.steers) != 1:
        raise InvalidInput(
            "a label names several communities",
            hint='blend them: {"blend": {"MEX": 0.7, "GBR": 0.3}}',
        )
    return plan.steers[0]


def _object(label: str) -> Any:
    try:
        return parse_json(label)
    except ValueError:
        raise InvalidInput(
            "the label looks like JSON but is not valid JSON", hint='use {"community": "MEX"}'
        ) from None


def _thin(planner: Planner, steer: Steer | None) -> float:
    """1 if few people are behind one of the communities of a steer, else 0."""
    behind: Sequence[str] = list(steer.shares) if steer else ["~world"]
    warnings = [warning for id_ in behind for warning in planner.warnings(id_)]
    return float(any(warning.startswith(("thin", "unknown")) for warning in warnings))
