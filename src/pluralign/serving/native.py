"""The server's own endpoints: rewards, orders and preferences with intervals and people."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from pluralign.core import FloatArray, Prompt, RewardRequest
from pluralign.rewards.remote.wire import (
    BLEND,
    Asked,
    CommunityList,
    CompareAnswer,
    CompareRequest,
    ModelList,
    RankAnswer,
    RankRequest,
    RewardsAnswer,
    RewardsRequest,
    Turn,
    prompt_from_wire,
)
from pluralign.serving.bodies import answer, documented, read, written
from pluralign.serving.conversations import answered, check_roles
from pluralign.serving.people import not_steered
from pluralign.serving.plans import ScoringPlan
from pluralign.serving.reward_intervals import Number, losses, numbers, order, shares
from pluralign.serving.server import server_of, service_of

BODIES = [RewardsRequest, RankRequest, CompareRequest]
router = APIRouter(tags=["pluralign"])
_SOON_WRITTEN = 256
_THOUGHT = "thought: the thoughts before the answer are left out; only the answer is scored"
_FADED = (
    "steering: the prompt is unlike those that people were asked, so steering is weaker and the "
    "reference decides more; strengths has the numbers"
)
_ONE = "the best first: reward of {}, in logits"
_WORST = (
    "the best for the worst-off first: the response with the smallest loss where it loses most, "
    "a community's loss being how far the response lies behind its favourite, in logits"
)


@router.post(
    "/v1/rewards",
    **documented(RewardsRequest, RewardsAnswer, "Score responses for communities"),
)
async def rewards(request: Request) -> Response:
    """Rewards of responses for communities, with intervals, and the people of each community."""
    body, requests = await read(request, RewardsRequest, _items)
    return await _answered(request, await _scored(request, body, requests), _rewards)


@router.post("/v1/rank", **documented(RankRequest, RankAnswer, "Rank responses to one prompt"))
async def rank(request: Request) -> Response:
    """Responses to one prompt in order, for one community, a blend, or the worst-off of several."""
    body, requests = await read(request, RankRequest, _candidates)
    return await _answered(request, await _scored(request, body, requests), _ranking)


@router.post(
    "/v1/compare",
    **documented(CompareRequest, CompareAnswer, "Compare two responses"),
)
async def compare(request: Request) -> Response:
    """For each community, the share of its people expected to prefer the first of two responses."""
    body, requests = await read(request, CompareRequest, _two)
    return await _answered(request, await _scored(request, body, requests), _preferences)


@router.get(
    "/v1/communities", **documented(None, CommunityList, "List the communities of the model")
)
async def communities(request: Request) -> Response:
    """Every community of the model and the reference, with the people behind it."""
    service = service_of(request)
    served = tuple(service.planner.evidence.values())
    interval, steered = service.opened.repeats.about, service.planner.communities
    told = CommunityList(
        model=service.name,
        interval=interval,
        steered=steered,
        communities=served,
        not_steered=not_steered(service.opened.card),
        prior=service.opened.card.get("prior"),
    )
    return answer(told)


@router.get("/v1/models", **documented(None, ModelList, "List the model names of the server"))
async def models(request: Request) -> Response:
    """The model (its reference, or the start model), and ``name@COMMUNITY`` for each community."""
    server = server_of(request)
    name = server.settings.name
    serves: dict[str, list[str]] = {}
    if server.rewards is not None:
        for id_ in ("", *(f"@{id_}" for id_ in server.rewards.planner.evidence)):
            serves.setdefault(f"{name}{id_}", []).append("rewards")
    for one in [] if server.chat is None else server.chat.names():
        serves.setdefault(one, []).append("chat")
    made = {"object": "model", "created": server.since, "owned_by": "pluralign", "root": name}
    data = [
        {
            "id": id_,
            **made,
            "parent": None if id_ == name else name,
            "max_model_len": None,
            "serves": kinds,
        }
        for id_, kinds in serves.items()
    ]
    return answer({"object": "list", "data": data})


@dataclass(frozen=True, slots=True)
class _Found:
    """The data of an answer.

    Attributes:
        plan: The steers and communities of the request.
        reward_B_N_S: Rewards of every repeat in logits.
        strength_N_S: How strongly each response is steered, in [0, 1]; None: fully, everywhere.
        unread: For each response, warnings about text that the trunk does not read.
        held_out: Share of the people that each repeat lacks.
    """

    plan: ScoringPlan
    reward_B_N_S: FloatArray
    strength_N_S: FloatArray | None
    unread: Sequence[Sequence[str]]
    held_out: float

    def rewards(self, row: int) -> dict[str, Number]:
        """The rewards of one response by community."""
        own = numbers(self.reward_B_N_S[:, row], self.held_out)
        return dict(zip(self.plan.keys, own, strict=True))

    def weaker(self, row: int) -> dict[str, Any]:
        """The strengths below 1 of steering on one response, by community, and why."""
        if self.strength_N_S is None or (rounded_S := self.strength_N_S[row].round(3)).min() >= 1:
            return {"warnings": self.unread[row]}
        strengths = zip(self.plan.keys, rounded_S.tolist(), strict=True)
        weaker = {key: strength for key, strength in strengths if strength < 1}
        return {"strengths": weaker, "warnings": [*self.unread[row], _FADED]}


def _items(body: RewardsRequest) -> list[RewardRequest]:
    return [RewardRequest(_prompt(item.prompt), item.response) for item in body.items]


def _candidates(body: RankRequest) -> list[RewardRequest]:
    prompt = _prompt(body.prompt)
    return [RewardRequest(prompt, response) for response in body.responses]


def _two(body: CompareRequest) -> list[RewardRequest]:
    prompt = _prompt(body.prompt)
    return [RewardRequest(prompt, response) for response in (body.response, body.other)]


def _prompt(sent: str | tuple[Turn, ...]) -> Prompt:
    prompt = prompt_from_wire(sent)
    if not isinstance(prompt, str):
        check_roles(prompt)
    return prompt


async def _scored(request: Request, asked: Asked, requests: Sequence[RewardRequest]) -> _Found:
    service = service_of(request)
    read_N = await service.scorable(requests, asked.thoughts)
    requests = answered(read_N)
    session = None if asked.session is None else service.sessions.find(asked.session)
    planner = service.planner if session is None else session.planner
    plan = await service.aside(not planner.quick(asked), planner.plan, asked)
    reward_B_N_S = await service.rewards(request, requests, plan.steers, True, session)
    strength_N_S = await service.strengths(requests, plan.steers, session)
    thought_N = [(_THOUGHT,) if one.thought else () for one in read_N]
    unread_N = await service.unread(requests)
    warnings_N = [(*own, *unread) for own, unread in zip(thought_N, unread_N, strict=True)]
    held_out = service.opened.repeats.held_out
    return _Found(plan, reward_B_N_S, strength_N_S, warnings_N, held_out)


async def _answered(
    request: Request, found: _Found, write: Callable[[_Found], Iterable[bytes]]
) -> Response:
    """An answer that begins with its model and communities; a plan's JSON is reused."""
    service = service_of(request)
    head = written({"model": service.name, "interval": service.opened.repeats.about})
    heavy = found.reward_B_N_S[0].size > _SOON_WRITTEN
    members = await service.aside(heavy, lambda: b",".join(write(found)))
    return Response(
        b'%b,"communities":%b,%b}' % (head[:-1], found.plan.written, members),
        media_type="application/json",
    )


def _rewards(found: _Found) -> Iterator[bytes]:
    rows = ({"rewards": found.rewards(i), **found.weaker(i)} for i in range(len(found.unread)))
    yield b'"items":[%b]' % b",".join(map(written, rows))


def _ranking(found: _Found) -> Iterator[bytes]:
    keys, loss_B_N_S = found.plan.keys, losses(found.reward_B_N_S)
    ranked, behind_B_N, worst_N = order(loss_B_N_S)
    behind = numbers(behind_B_N, found.held_out)

    def row(i: int) -> dict[str, Any]:
        place = {
            "index": i,
            "behind": behind[i],
            "rewards": found.rewards(i),
            **found.weaker(i),
        }
        if len(keys) > 1:
            loss = numbers(loss_B_N_S[:, i, worst_N[i]], found.held_out)
            place["worst_off"] = {"community": keys[worst_N[i]], "logits": loss}
        return place

    rule = _WORST if len(keys) > 1 else _ONE.format("the blend" if keys == (BLEND,) else keys[0])
    yield b'"rule":%b' % written(rule)
    yield b'"ranking":[%b]' % b",".join(written(row(i)) for i in ranked)


def _preferences(found: _Found) -> Iterator[bytes]:
    margin = numbers(found.reward_B_N_S[:, 0] - found.reward_B_N_S[:, 1], found.held_out)
    preferences = zip(found.plan.keys, margin, shares(margin), strict=True)
    yield b'"preferences":%b' % written(
        {key: {"margin": own, "share": share} for key, own, share in preferences}
    )
    told = [found.weaker(row) for row in range(len(found.unread))]
    if weaker := told[0].get("strengths"):  # both answer one prompt
        yield b'"strengths":%b' % written(weaker)
    yield b'"warnings":%b' % written(
        list(dict.fromkeys(warning for own in told for warning in own["warnings"]))
    )
