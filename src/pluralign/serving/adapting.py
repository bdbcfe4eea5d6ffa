"""``POST /v1/adapt``: a head for a community from a few choices, kept for a session."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from pluralign.core import Estimate, InvalidInput, PreferencePair, Prompt, RewardRequest
from pluralign.models import Adaptation, measure_adaptation
from pluralign.rewards import LinearRewardModel, adaptable_id, heads_made
from pluralign.rewards.remote.wire import (
    AdaptAnswer,
    AdaptRequest,
    Interval,
    prompt_from_wire,
)
from pluralign.serving.bodies import answer, documented, read
from pluralign.serving.conversations import answered, check_roles
from pluralign.serving.native import service_of
from pluralign.serving.plans import Planner, check_labels
from pluralign.serving.problems import Refused
from pluralign.serving.service import Service
from pluralign.serving.sessions import MOST_COMMUNITIES, Session

BODIES = [AdaptRequest]
router = APIRouter(tags=["pluralign"])
_LAPLACE = (
    "95 %: margins over heads that are likely given the choices, shares over the people (or "
    "questions) of the choices"
)


@router.post(
    "/v1/adapt",
    **documented(AdaptRequest, AdaptAnswer, "Make a head for a community from a few choices"),
)
async def adapt(request: Request) -> Response:
    """A head for a community that nobody trained on, in memory for a session; choices are not kept.

    The session goes with later requests (``session`` of ``/v1/rewards``, ``/v1/rank`` and
    ``/v1/compare``), in which the community then can be named.
    """
    service = service_of(request)
    body, asked = await read(request, AdaptRequest, _texts)
    model = _adaptable(service)
    earlier = None if body.session is None else service.sessions.find(body.session)
    requests = answered(await service.scorable(asked))
    if requests:
        # Read in the queue of all requests, and within their limits.
        await service.rewards(request, requests, (None,))
    id_, session, found = await service.aside(
        True, _adapted, service, model, body, requests, earlier
    )
    name = service.sessions.keep(session, body.session)
    told = AdaptAnswer(
        model=service.name,
        session=name,
        seconds=service.settings.session_seconds,
        community=session.planner.evidence[id_],
        interval=_LAPLACE,
        predicted_before=_interval(found.before),
        predicted_held_out=_interval(found.held_out),
        moved=found.moved,
        margins=tuple(
            Interval(value=margins[0], low=margins[1], high=margins[2])
            for margins in _in_order(found, len(body.choices))
        ),
    )
    return answer(told)


def _texts(body: AdaptRequest) -> list[RewardRequest]:
    """The chosen response of each choice, then the rejected ones."""
    prompts = [prompt_from_wire(choice.prompt) for choice in body.choices]
    for prompt in prompts:
        _check(prompt)
    sides = [[c.chosen for c in body.choices], [c.rejected for c in body.choices]]
    return [RewardRequest(p, text) for side in sides for p, text in zip(prompts, side, strict=True)]


def _check(prompt: Prompt) -> None:
    if not isinstance(prompt, str):
        check_roles(prompt)


def _adaptable(service: Service) -> LinearRewardModel:
    if service.settings.processes > 1:
        raise Refused(
            422,
            "sessions are in the memory of one process, and this server has several",
            "serve with --processes 1, or adapt with pluralign adapt",
        )
    models = service.opened.repeats.models
    if not models or not isinstance(models[0], LinearRewardModel) or models[0].prior is None:
        raise InvalidInput(
            "the model has no prior for communities that nobody trained on",
            hint="fit it again with this version, by a method other than person-means",
        )
    return models[0]


def _adapted(
    service: Service,
    model: LinearRewardModel,
    body: AdaptRequest,
    requests: Sequence[RewardRequest],
    earlier: Session | None,
) -> tuple[str, Session, Adaptation]:
    check_labels([body.community])
    id_ = adaptable_id(model.communities, body.community)
    half = len(requests) // 2
    choices = [
        PreferencePair(
            str(k), first.prompt, first.response, other.response, id_, rater=choice.rater
        )
        for k, (choice, first, other) in enumerate(
            zip(body.choices, requests[:half], requests[half:], strict=True)
        )
    ]
    adapted = model.adapt(choices, id_)
    added = {**(earlier.added if earlier else {}), id_: adapted.delta_C_D[-1]}
    if id_ in heads_made(model.about):
        added[id_] = adapted.delta_C_D[adapted.communities.index(id_)]
    if len(added) > MOST_COMMUNITIES:
        raise InvalidInput(
            f"a session has at most {MOST_COMMUNITIES} communities", hint="start another session"
        )
    facts = {} if earlier is None else earlier.planner.card.get("adapted", {})
    made = {**facts, id_: adapted.about["adapted"][id_]}  # type: ignore[index]
    communities = tuple(dict.fromkeys((*model.communities, *added)))
    card = {
        **service.opened.card,
        "communities": list(communities),
        "adapted": {**(service.opened.card.get("adapted") or {}), **made},
    }
    return id_, Session(Planner(card, communities), added), measure_adaptation(model, choices)


def _in_order(found: Adaptation, count: int) -> list[tuple[float, float, float]]:
    """Margin and its ends of each choice, in the order in which choices were sent."""
    by_id = {one.pair.id: (one.after, one.low, one.high) for one in found.choices}
    return [by_id[str(k)] for k in range(count)]


def _interval(share: Estimate | None) -> Interval | None:
    return None if share is None else Interval(value=share.value, low=share.low, high=share.high)
