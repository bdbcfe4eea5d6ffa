"""The server's own endpoints: rewards, orders and preferences with intervals and people."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from pluralign.core import FloatArray, RewardRequest
from pluralign.rewards.remote.wire import (
    BLEND,
    CommunityList,
    CompareAnswer,
    CompareRequest,
    ModelList,
    RankAnswer,
    RankRequest,
    RewardsAnswer,
    RewardsRequest,
    Steering,
    prompt_from_wire,
)
from pluralign.serving.bodies import answer, documented, read
from pluralign.serving.numbers import losses, numbers, order, shares
from pluralign.serving.planning import Plan
from pluralign.serving.service import Service

BODIES = [RewardsRequest, RankRequest, CompareRequest]
router = APIRouter(tags=["pluralign"])
_ONE = "the best first: reward of {}, in logits"
_WORST = (
    "the best for the worst-off first: the response with the smallest loss where it loses most, a community's loss "
    "being how far the response lies behind its favourite, in logits"
)


def service_of(request: Request) -> Service:
    """The model that answers."""
    service: Service = request.app.state.service
    return service


@router.post("/v1/rewards", **documented(RewardsRequest, RewardsAnswer, "How good is this response, for whom?"))
async def rewards(request: Request) -> Response:
    """Rewards of responses for communities, each with its interval, and the people behind each community."""
    service = service_of(request)
    body = await read(request, RewardsRequest)
    plan, reward_B_N_S, unread = await _scored(request, body, [item.request() for item in body.items])
    told = zip(_by_key(plan, reward_B_N_S, service), unread, strict=True)
    return _answered(service, plan, {"items": [{"rewards": own, "warnings": warnings} for own, warnings in told]})


@router.post("/v1/rank", **documented(RankRequest, RankAnswer, "Which of these responses is best, for whom?"))
async def rank(request: Request) -> Response:
    """Responses to one prompt from the best down: for one community, a blend, or the worst-off of several."""
    service = service_of(request)
    body = await read(request, RankRequest)
    prompt = prompt_from_wire(body.prompt)
    requests = [RewardRequest(prompt, response) for response in body.responses]
    plan, reward_B_N_S, unread = await _scored(request, body, requests)
    loss_B_N_S = losses(reward_B_N_S)
    ranked, behind_B_N, worst_N = order(loss_B_N_S)
    held_out = service.opened.repeats.held_out
    own, behind = _by_key(plan, reward_B_N_S, service), numbers(behind_B_N, held_out)
    ranking: list[dict[str, Any]] = []
    for i in ranked:
        place = {"index": i, "behind": behind[i], "rewards": own[i], "warnings": unread[i]}
        if len(plan.keys) > 1:
            loss = numbers(loss_B_N_S[:, i, worst_N[i]], held_out)
            place["worst_off"] = {"community": plan.keys[worst_N[i]], "logits": loss}
        ranking.append(place)
    rule = _WORST if len(plan.keys) > 1 else _ONE.format("the blend" if plan.keys == (BLEND,) else plan.keys[0])
    return _answered(service, plan, {"rule": rule, "ranking": ranking})


@router.post("/v1/compare", **documented(CompareRequest, CompareAnswer, "Who prefers which of two responses?"))
async def compare(request: Request) -> Response:
    """Which of two responses each community prefers, as the share of its people expected to choose the first."""
    service = service_of(request)
    body = await read(request, CompareRequest)
    prompt = prompt_from_wire(body.prompt)
    requests = [RewardRequest(prompt, response) for response in (body.response, body.other)]
    plan, reward_B_N_S, unread = await _scored(request, body, requests)
    margin = numbers(reward_B_N_S[:, 0] - reward_B_N_S[:, 1], service.opened.repeats.held_out)
    told = zip(plan.keys, margin, shares(margin), strict=True)
    preferences = {key: {"margin": own, "share": share} for key, own, share in told}
    warnings = dict.fromkeys(warning for own in unread for warning in own)
    return _answered(service, plan, {"preferences": preferences, "warnings": list(warnings)})


@router.get("/v1/communities", **documented(None, CommunityList, "Whom can the model be steered to?"))
async def communities(request: Request) -> Response:
    """Every community of the model and the reference, with the people behind it."""
    service = service_of(request)
    served = tuple(service.planner.evidence.values())
    interval, steered = service.opened.repeats.about, service.planner.communities
    return answer(CommunityList(model=service.name, interval=interval, steered=steered, communities=served))


@router.get("/v1/models", **documented(None, ModelList, "By which names do compatible endpoints know it?"))
async def models(request: Request) -> Response:
    """The model (its reference), and ``name@COMMUNITY`` for each community of it."""
    service = service_of(request)
    made = {"object": "model", "created": service.since, "owned_by": "pluralign", "root": service.name}
    names = [(service.name, None), *((f"{service.name}@{id_}", service.name) for id_ in service.planner.evidence)]
    data = [{"id": name, **made, "parent": parent, "max_model_len": None} for name, parent in names]
    return answer({"object": "list", "data": data})


async def _scored(
    request: Request, asked: Steering, requests: Sequence[RewardRequest]
) -> tuple[Plan, FloatArray, Sequence[Sequence[str]]]:
    """Whose taste counts, the rewards of every repeat, shape (B, N, S), and warnings of what is not read of each."""
    service = service_of(request)
    plan = service.planner.plan(asked)
    reward_B_N_S = await service.rewards(request, requests, plan.steers, repeated=True)
    return plan, reward_B_N_S, await service.unread(requests)


def _by_key(plan: Plan, reward_B_N_S: FloatArray, service: Service) -> list[dict[str, Any]]:
    rows = numbers(reward_B_N_S, service.opened.repeats.held_out)
    return [dict(zip(plan.keys, row, strict=True)) for row in rows]


def _answered(service: Service, plan: Plan, value: dict[str, Any]) -> Response:
    """An answer with its model and communities in front; what a plan has written down is not written again."""
    head = answer({"model": service.name, "interval": service.opened.repeats.about}).body
    return Response(
        b'%b,"communities":%b,%b' % (bytes(head)[:-1], plan.written, bytes(answer(value).body)[1:]),
        media_type="application/json",
    )
