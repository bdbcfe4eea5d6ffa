"""Preference pairs: one rater's choice between two responses to one prompt."""

import hashlib
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pluralign.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


Prompt = str | tuple[Message, ...]
_SHARED = (
    *("prompt", "chosen", "rejected", "question", "stem"),
    *("community", "rater", "language", "source", "license"),
)
"""Texts that many pairs have in common: each is kept in memory once."""


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """One rater's choice.

    Attributes:
        id: Unique within its source.
        prompt: What was asked: text, or the turns so far.
        chosen: The response preferred, as text.
        rejected: The other response, as text; never equal to ``chosen``.
        community: Id of the rater's community.
        rater: Id of the person who compared, or None where answers were only published as shares.
        strength: How clear the choice was, > 0, in the source's own unit; None where not recorded.
        weight: How much the pair counts, >= 0.
        question: What the pair is about, for splits by question: pairs with the same question share
            a test side.
        stem: The wording that a battery of questions shares; equal to ``question`` where there is
            no battery.
        context: Why, where, what it means there, in the rater's own words.
        language: BCP 47 tag of the text, when known.
        source: Name of the data set.
        license: Its licence.
        extra: Columns we do not know, as they came.

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

    def __post_init__(self) -> None:
        if not self.chosen.strip() or not self.rejected.strip():
            raise InvalidInput("a response is empty", where=f"pair {self.id}")
        if self.chosen == self.rejected:
            raise InvalidInput("chosen equals rejected", where=f"pair {self.id}")
        if self.strength is not None and not (math.isfinite(self.strength) and self.strength > 0):
            raise InvalidInput(
                f"strength is {self.strength}, not a number > 0", where=f"pair {self.id}"
            )
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise InvalidInput(
                f"weight is {self.weight}, not a number >= 0", where=f"pair {self.id}"
            )
        if not self.question:
            object.__setattr__(self, "question", prompt_text(self.prompt))
        if not self.stem:
            object.__setattr__(self, "stem", self.question)
        for name in _SHARED:
            value = getattr(self, name)
            if type(value) is str:
                object.__setattr__(self, name, sys.intern(value))


@dataclass(frozen=True, slots=True)
class RewardRequest:
    """One response to one prompt, to be scored."""

    prompt: Prompt
    response: str


AnyRequest = RewardRequest | tuple[Prompt, str]
"""A request, or its prompt and response."""


def as_requests(given: Iterable[AnyRequest]) -> list[RewardRequest]:
    """The requests that a caller means: what every model's ``score`` does first.

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
    r"""Write a prompt as one text, a turn per line.

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
    """The requests that score a batch of pairs: those chosen, those rejected, both aligned with ``pairs``."""
    chosen = [RewardRequest(p.prompt, p.chosen) for p in pairs]
    rejected = [RewardRequest(p.prompt, p.rejected) for p in pairs]
    return chosen, rejected


def short_id(text: str, most: int = 200) -> str:
    """The text itself, or its beginning and digest: a column of ids is as wide as its longest entry.

    >>> short_id("Do you trust most people?"), len(short_id("x" * 100_000))
    ('Do you trust most people?', 265)
    """
    return (
        text if len(text) <= most else f"{text[:most]} {hashlib.sha256(text.encode()).hexdigest()}"
    )
