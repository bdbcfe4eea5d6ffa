"""Preference pairs: the choice of one rater between two responses to one prompt."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from sys import intern
from typing import Any

from pluralign.core.digests import text_digest
from pluralign.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


Prompt = str | tuple[Message, ...]
"""A text, or the turns of a conversation so far."""
MOST_WEIGHT = 1e12
"""Largest weight of a pair: with larger ones, curvatures lose all digits of the other terms."""
_SHARED = (
    *("prompt", "chosen", "rejected", "question", "stem"),
    *("community", "rater", "language", "source", "license"),
)
"""Fields whose texts many pairs share: each text is kept in memory once."""


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """The choice of one rater.

    Attributes:
        id: Unique within its source.
        prompt: The prompt: text, or the turns so far.
        chosen: The preferred response, as text.
        rejected: The other response, as text; never equal to ``chosen``.
        community: Id of the rater's community.
        rater: Id of the person who compared, or None where answers were only published as shares.
        strength: How clear the choice was, > 0, in the source's own unit; None where not recorded.
        weight: Weight of the pair, from 0 to `MOST_WEIGHT`.
        question: The question of the pair, for splits by question: pairs with the same question
            are all in the training data, or all in the test data.
        stem: The wording that a battery of questions shares; equal to ``question`` where there is
            no battery.
        context: The rater's own words about the choice: why, where, the meaning of it there.
        language: BCP 47 tag of the text, if known.
        source: Name of the data set.
        license: Its licence.
        extra: Other columns of the source, unchanged.
        flip: Probability that ``chosen`` and ``rejected`` were exchanged before they were reported,
            in [0, 0.5); see `pluralign.sources.PrivatePairs`.

    Raises:
        InvalidInput: If a text is empty, the responses are equal, or a number is out of range.
    """

    id: str
    prompt: Prompt
    chosen: str
    rejected: str
    community: str
    rater: str | None = None
    strength: float | None = None
    weight: float = 1.0
    question: str = ""
    stem: str = ""
    context: str | None = None
    language: str | None = None
    source: str | None = None
    license: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    flip: float = 0.0

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem is not None:
            raise InvalidInput(problem, where=f"pair {self.id}")
        if not self.question:
            object.__setattr__(self, "question", prompt_text(self.prompt))
        if not self.stem:
            object.__setattr__(self, "stem", self.question)
        for name in _SHARED:
            value = getattr(self, name)
            if type(value) is str:
                object.__setattr__(self, name, intern(value))

    def _problem(self) -> str | None:
        if not self.chosen.strip() or not self.rejected.strip():
            return "a response is empty"
        if self.chosen == self.rejected:
            return "chosen equals rejected"
        if self.strength is not None and not (math.isfinite(self.strength) and self.strength > 0):
            return f"strength must be a number > 0, got {self.strength}"
        if not 0 <= self.weight <= MOST_WEIGHT:
            return f"weight must be a number from 0 to {MOST_WEIGHT:g}, got {self.weight}"
        if not 0 <= self.flip < 0.5:
            return f"flip must be in [0, 0.5), got {self.flip}"
        return None


def checked_pairs(columns: Mapping[str, Sequence[Any]]) -> list[PreferencePair]:
    """Make pairs of values that the caller has checked, in a tenth of the time.

    Each pair equals ``PreferencePair(...)`` with the same values, which must not be refused there.
    Texts should be interned.

    A frozen class sets its fields one by one, which is slow. So the pairs are made as objects of a
    class with the same fields that is not frozen, and get their own class afterwards.

    Args:
        columns: Name of each field of a pair -> its values, one for each pair.

    >>> one = PreferencePair("p1", "Tea?", "Yes", "No", "MEX", "r1")
    >>> columns = {field.name: [getattr(one, field.name)] for field in fields(one)}
    >>> checked_pairs(columns) == [one]
    True
    """
    pairs: list[Any] = list(map(_Unfrozen, *(columns[name] for name in _NAMES)))
    for pair in pairs:
        pair.__class__ = PreferencePair
    return pairs


_NAMES = [field.name for field in fields(PreferencePair)]
_Unfrozen = make_dataclass("_Unfrozen", _NAMES, slots=True)


@dataclass(frozen=True, slots=True)
class RewardRequest:
    """A response to a prompt, which a reward model scores."""

    prompt: Prompt
    response: str


AnyRequest = RewardRequest | tuple[Prompt, str]
"""A request, or its prompt and response."""


def as_requests(given: Iterable[AnyRequest]) -> list[RewardRequest]:
    """The requests that a caller means; the first step of every model's ``score``.

    Args:
        given: Requests, or tuples of a prompt and a response.

    Raises:
        InvalidInput: If one is neither; its position is named, from 0.

    >>> as_requests([("Tea?", "Yes")])
    [RewardRequest(prompt='Tea?', response='Yes')]
    """
    return [
        one if isinstance(one, RewardRequest) else _request(one, k) for k, one in enumerate(given)
    ]


def _request(given: object, position: int) -> RewardRequest:
    match given:
        case (str() | tuple() as prompt, str() as response):
            return RewardRequest(prompt, response)
    raise InvalidInput(
        f"a request must be a prompt and a response, got {type(given).__name__}",
        where=f"request {position}",
        hint='write [("Tea?", "Yes, please.")], a list also for one request',
    )


def prompt_text(prompt: Prompt) -> str:
    r"""Write a prompt as one text, one turn on each line.

    >>> prompt_text((Message("user", "Hi"), Message("assistant", "Hello")))
    'user: Hi\nassistant: Hello'
    >>> prompt_text("Hi")
    'Hi'
    """
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1 and prompt[0].role == "user":
        return prompt[0].content
    return "\n".join(f"{m.role}: {m.content}" for m in prompt)


def requests_of(pairs: Sequence[PreferencePair]) -> tuple[list[RewardRequest], list[RewardRequest]]:
    """The requests for the chosen and for the rejected responses, each aligned with ``pairs``."""
    chosen = [RewardRequest(p.prompt, p.chosen) for p in pairs]
    rejected = [RewardRequest(p.prompt, p.rejected) for p in pairs]
    return chosen, rejected


def short_id(text: str, most: int = 200) -> str:
    """The text itself, or its beginning and digest: long ids would widen a whole column of ids.

    >>> short_id("Do you trust most people?"), len(short_id("x" * 100_000))
    ('Do you trust most people?', 265)
    """
    return text if len(text) <= most else f"{text[:most]} {text_digest(text)}"
