"""``POST /v1/adapt``: a head for a community from a few choices, kept for a session."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from pluralign.core import (
    Estimate,
    FloatArray,
    InvalidInput,
    PreferencePair,
    Prompt,
    RewardRequest,
)
from pluralign.models import Adaptation, measure_adaptation
from pluralign.rewards import Fading, LinearRewardModel, adaptable_id, heads_made
from pluralign.rewards.remote.wire import (
    AdaptAnswer,
    AdaptRequest,
    Interval,
    prompt_from_wire,
)
from pluralign.serving.bodies import answer, documented, read
from pluralign.serving.conversations import answered, check_roles
from pluralign.serving.plans import Planner, check_labels
from pluralign.serving.problems import Refused
from pluralign.serving.server import service_of
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
    if body.session is not None:
        service.sessions.find(body.session)
    id_ = await service.aside(True, _community, model, body.community)
    requests = answered(await service.scorable(asked))
    if requests:
        # Read in the queue of all requests, and within their limits.
        await service.rewards(request, requests, (None,))
    name, session, found = await service.aside(True, _adapted, service, model, id_, body, requests)
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


def _community(model: LinearRewardModel, label: str) -> str:
    """The id of the community, before any text is read."""
    check_labels([label])
    id_ = adaptable_id(model.communities, label)
    if id_ in model.communities and id_ not in heads_made(model.about):
        raise InvalidInput(
            f"the model has a head that was trained for {id_}", hint="name another community"
        )
    return id_


def _adapted(
    service: Service,
    model: LinearRewardModel,
    id_: str,
    body: AdaptRequest,
    requests: Sequence[RewardRequest],
) -> tuple[str, Session, Adaptation]:
    choices = _choices(id_, body, requests)
    adapted = model.adapt(choices, id_)
    delta_D = adapted.delta_C_D[adapted.communities.index(id_)]
    made: Mapping[str, Any] = {id_: adapted.about["adapted"][id_]}  # type: ignore[index]
    name, session = service.sessions.change(
        body.session,
        lambda earlier: _with_head(service.opened.card, earlier, delta_D, made, adapted.fading),
    )
    return name, session, measure_adaptation(model, choices)


def _choices(
    id_: str, body: AdaptRequest, requests: Sequence[RewardRequest]
) -> list[PreferencePair]:
    """The choices, without thoughts before their responses."""
    half, choices = len(requests) // 2, []
    for k, sent in enumerate(body.choices):
        first, other = requests[k], requests[half + k]
        if first.response == other.response:
            raise InvalidInput(
                f"the chosen response of choice {k} equals the rejected one",
                hint="send choices between two answers",
            )
        pair = PreferencePair(
            str(k), first.prompt, first.response, other.response, id_, rater=sent.rater
        )
        choices.append(pair)
    return choices


def _with_head(
    card: Mapping[str, Any],
    earlier: Session | None,
    delta_D: FloatArray,
    made: Mapping[str, Any],
    fading: Fading | None,
) -> Session:
    """A session with the head of one more community, and the facts about it."""
    (id_,) = made
    if fading is not None and earlier is not None and earlier.fading is not None:
        others = {other: asked for other, asked in earlier.fading.asked.items() if other != id_}
        fading = replace(fading, asked={**others, **fading.asked})
    added = {**(earlier.added if earlier else {}), id_: delta_D}
    if len(added) > MOST_COMMUNITIES:
        raise InvalidInput(
            f"a session has at most {MOST_COMMUNITIES} communities", hint="start another session"
        )
    before = card if earlier is None else earlier.planner.card
    communities = tuple(dict.fromkeys((*card["communities"], *added)))
    adapted = {**(before.get("adapted") or {}), **made}
    changed = {**card, "communities": list(communities), "adapted": adapted}
    return Session(Planner(changed, communities), added, fading)


def _in_order(found: Adaptation, count: int) -> list[tuple[float, float, float]]:
    """Margin and its ends of each choice, in the order in which choices were sent."""
    by_id = {one.pair.id: (one.after, one.low, one.high) for one in found.choices}
    return [by_id[str(k)] for k in range(count)]


def _interval(share: Estimate | None) -> Interval | None:
    return None if share is None else Interval(value=share.value, low=share.low, high=share.high)
