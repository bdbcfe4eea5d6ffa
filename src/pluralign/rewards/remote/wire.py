"""Requests to a reward server and its answers, as JSON: types that server and client share."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, model_validator

from pluralign.core import Message, Prompt, RewardRequest, prompt_text
from pluralign.rewards.scored_answers import Thoughts

ALL = "all"
ROLES = frozenset({"system", "developer", "user", "assistant"})
"""Roles of turns that a server reads."""
_TOOLS = frozenset({"tool", "function"})
BLEND = "blend"


class _Sent(BaseModel):
    """Checked when it is read; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _Answered(BaseModel):
    """An answer of a server; clients ignore keys that a later server adds."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class Turn(_Sent):
    """One turn of a conversation."""

    role: Annotated[str, Field(max_length=64)]
    content: str


class Item(_Sent):
    """One response to one prompt, to be scored."""

    prompt: str | tuple[Turn, ...] = ""
    """Text, or the turns so far."""
    response: str

    @classmethod
    def of(cls, request: RewardRequest) -> Self:
        """The item that asks for a request's reward."""
        return cls(prompt=prompt_on_wire(request.prompt), response=request.response)

    def request(self) -> RewardRequest:
        """The item as reward models take it."""
        return RewardRequest(prompt_from_wire(self.prompt), self.response)


def prompt_on_wire(prompt: Prompt) -> str | tuple[Turn, ...]:
    """A prompt as it is sent; one with turns of tools is sent as text, a turn a line."""
    if isinstance(prompt, str) or not _TOOLS.isdisjoint(message.role for message in prompt):
        return prompt_text(prompt)
    return tuple(Turn(role=message.role, content=message.content) for message in prompt)


def prompt_from_wire(prompt: str | tuple[Turn, ...]) -> Prompt:
    """A prompt as it was sent."""
    return (
        prompt
        if isinstance(prompt, str)
        else tuple(Message(turn.role, turn.content) for turn in prompt)
    )


class Steering(_Sent):
    """The communities whose preferences count."""

    communities: str | Annotated[tuple[str, ...], Field(min_length=1)] = ALL
    """Ids or names; ``all`` for every community of the model; ``~world`` is the reference."""
    blend: Annotated[dict[str, StrictFloat], Field(min_length=1)] | None = None
    """Community -> share, in place of ``communities``; shares sum to 1."""
    strength: Annotated[StrictFloat, Field(ge=0, le=100, allow_inf_nan=False)] = 1.0
    """0 is the reference, 1 the fitted steering; above 1 exaggerates."""
    unknown: Literal["prior", "error", "parent"] = "prior"
    """Treatment of a community that the model lacks: the head of all communities together
    (``prior``, with a warning), an error, or its parent (with a warning). Where the model has no
    prior, or the name may be meant for one of its communities, ``prior`` is an error too."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.blend is not None and "communities" in self.model_fields_set:
            raise ValueError("communities and blend are both given: give one of them")
        return self


class Asked(Steering):
    """The communities whose preferences count, and the part of a response that is scored."""

    thoughts: Thoughts | None = None
    """Treatment of thoughts before an answer (``<think>``, ...): ``strip`` leaves them out,
    ``keep`` scores them too; null is the server's setting, which is ``strip`` by default."""
    session: Annotated[str, Field(max_length=64)] | None = None
    """A session of ``/v1/adapt``, whose communities can be named too."""


class RewardsRequest(Asked):
    """Score responses."""

    items: Annotated[tuple[Item, ...], Field(min_length=1)]


class RankRequest(Asked):
    """Rank responses to one prompt: for a community, a blend, or the worst off of several."""

    prompt: str | tuple[Turn, ...] = ""
    responses: Annotated[tuple[str, ...], Field(min_length=1)]


class CompareRequest(Asked):
    """Ask of each community which of two responses to one prompt it prefers."""

    prompt: str | tuple[Turn, ...] = ""
    response: str
    other: str


class SentChoice(_Sent):
    """A choice of one person between two responses."""

    prompt: str | tuple[Turn, ...] = ""
    chosen: Annotated[str, Field(min_length=1)]
    rejected: Annotated[str, Field(min_length=1)]
    rater: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The person; any text that is the same for one person."""


class AdaptRequest(_Sent):
    """Make a head for a community that nobody trained on, from a few of its choices or none."""

    community: str
    """Id or name of the community."""
    choices: Annotated[tuple[SentChoice, ...], Field(max_length=200)] = ()
    """Choices of its people; they are read once, and not kept."""
    session: Annotated[str, Field(max_length=64)] | None = None
    """An earlier session, to which the community is added; null starts one."""


class Interval(_Answered):
    """A number and the ends of its 95 % interval; null where the evidence supports none."""

    value: float
    low: float | None = None
    high: float | None = None


class Accuracy(Interval):
    """How often the model ranks held-out pairs of this community's raters as they did."""

    n: int
    """Pairs."""
    n_raters: int | None = None
    """People; null where whole samples answered."""


class Served(_Answered):
    """A community in an answer, and the people behind it."""

    id: str
    """The id in the request; rewards have it as their key."""
    name: str
    answered_by: str | None = None
    """The community whose part of the model answers, where it is not the community's own."""
    head: Literal["trained", "reference", "prior", "adapted"] = "trained"
    """How the part was made that answers: ``trained`` on pairs of the community; the
    ``reference``; the ``prior``, which is the head of all communities together, without a choice
    of this one; or ``adapted`` from a few choices under the prior."""
    raters: int | None = None
    """People whose choices it was steered by; null where whole samples answered, or unknown."""
    pairs: int | None = None
    """Pairs it was steered by."""
    accuracy: Accuracy | None = None
    warnings: tuple[str, ...] = ()
    """Why to trust its numbers less."""


class Scored(_Answered):
    """The rewards of one item."""

    rewards: dict[str, Interval]
    """Community, or ``blend`` -> reward in logits. Only differences between responses to a
    prompt mean anything."""
    strengths: dict[str, float] = {}
    """Community -> how strongly it is steered to, in [0, 1]; only of those where steering is
    weaker, because the prompt is unlike those that the community was asked."""
    warnings: tuple[str, ...] = ()


class _AnsweredFor(_Answered):
    """Which model answers, and the people for whom."""

    model: str
    interval: str
    """The basis of the intervals, or why there are none."""
    communities: tuple[Served, ...]


class RewardsAnswer(_AnsweredFor):
    """Rewards of every item, in the order in which they were sent."""

    items: tuple[Scored, ...]


class Behind(_Answered):
    """How far a response lies behind a community's favourite among the responses."""

    community: str
    logits: Interval


class Ranked(_Answered):
    """One response in its place."""

    index: int
    """Its place among those sent, from 0."""
    behind: Interval
    """How much worse than the response in the first place, in logits; 0 for that one."""
    worst_off: Behind | None = None
    """With several communities: the one served worst, and its distance to its favourite."""
    rewards: dict[str, Interval]
    strengths: dict[str, float] = {}
    """Community -> how strongly it is steered to, in [0, 1]; only of those where steering is
    weaker, because the prompt is unlike those that the community was asked."""
    warnings: tuple[str, ...] = ()


class RankAnswer(_AnsweredFor):
    """Responses from the best down."""

    rule: str
    """By what they are ordered, in words."""
    ranking: tuple[Ranked, ...]


class AdaptAnswer(_Answered):
    """A head that was made from choices, and how far to trust it."""

    model: str
    session: str
    """Name of the session, for later requests; any client that has it can use the head."""
    seconds: float
    """How long the session is kept after its last use."""
    community: Served
    interval: str
    """The basis of the intervals."""
    predicted_before: Interval | None
    """Share of the choices that the head of all communities together predicts; null without
    choices."""
    predicted_held_out: Interval | None
    """The same under heads that were made without the choices of the person (or question) at hand;
    null with fewer than two people."""
    moved: float | None
    """Distance from the head of all communities together, as a multiple of the median distance of
    trained heads; null where there is none, or where they do not differ."""
    margins: tuple[Interval, ...]
    """Margin of each choice under the new head, in logits, in the order in which they were sent."""


class Preference(_Answered):
    """Which of two responses a community prefers."""

    margin: Interval
    """Reward of the first minus reward of the other, in logits."""
    share: Interval
    """The share of its people expected to prefer the first, in [0, 1] (Bradley-Terry)."""


class CompareAnswer(_AnsweredFor):
    """The preference of each community."""

    preferences: dict[str, Preference]
    strengths: dict[str, float] = {}
    """Community -> how strongly it is steered to, in [0, 1]; only of those where steering is
    weaker, because the prompt is unlike those that the community was asked."""
    warnings: tuple[str, ...] = ()


class NotSteered(_Answered):
    """A community in the data of the model that it cannot be steered to."""

    id: str
    name: str
    role: str
    """``reference`` where the reference was fitted on it, else ``left out``."""
    pairs: int
    raters: int | None
    """People who took part; null where their number is not published."""
    why: str | None
    """Why it was left out, and the settings with which it is not."""


class Prior(_Answered):
    """The head of all communities together, for a community that nobody trained on."""

    communities: int
    """Communities that it was learned from."""
    people: int | None
    """Their people; null where whole samples answered."""
    pairs: int
    """Their pairs."""


class CommunityList(_AnsweredFor):
    """Communities that the model can be steered to, ``~world``, and communities that it cannot."""

    steered: tuple[str, ...]
    """Ids that it can be steered to; ``~world`` is the reference unless it is among them."""
    not_steered: tuple[NotSteered, ...] = ()
    """The other communities in the data; none where the card does not list them."""
    prior: Prior | None = None
    """The head for communities that are in no data; null where the model has none."""


class ModelCard(_Answered):
    """A compatible endpoint's name of the model, or of one community of it (``name@MEX``)."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "pluralign"
    root: str
    parent: str | None = None
    max_model_len: int | None = None
    serves: tuple[str, ...] = ()
    """``rewards``: endpoints that score; ``chat``: ``/v1/chat/completions``."""


class ModelList(_Answered):
    """Names of the model and of each community of it."""

    object: Literal["list"] = "list"
    data: tuple[ModelCard, ...]


class Problem(BaseModel):
    """The fault of a request (RFC 9457)."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    hint: str | None = None
    """The next step to take."""
    errors: list[dict[str, Any]] | None = None
    """Where in the body, for a body that lacks or misplaces a value."""
    error: dict[str, str | None] | None = None
    """The same fault in the form of OpenAI: ``message``, ``type``, ``param``, ``code``."""
