"""A request to the policies of a run, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pluralign.core import Conversation, InvalidInput, Steer
from pluralign.settings.align import Combine

Mode = Literal["start", "steerable", "auto", "overton", "distributional"]
"""Which policy answers: the start model, the communities of a steer, the router, or a view of
several communities."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """A request for an answer.

    Attributes:
        conversation: The turns so far; the last is the user's.
        mode: The policy that answers: ``start``, the start model; ``steerable``, the communities of
            ``steer``; ``auto``, the community that the prompt is routed to; ``overton``, a summary
            of views among which every community finds one; ``distributional``, a community drawn
            by its share of the population.
        steer: With ``steerable``: one community, or shares of several.
        combine: How the adapters of several communities are combined: ``weights``, ``outputs`` or
            ``drafts``. Default: the first of ``palette.combine`` in the run's settings, or
            ``weights``.
        best_of: Number of answers from which the reward model chooses, >= 1.
        rewarded_by: Community whose reward chooses. Default: the communities of ``steer``.
        max_new_tokens: Most tokens of the answer, >= 1.
        temperature: Temperature of sampling, >= 0; 0 takes the likeliest word each time.
        top_p: Total probability of the likeliest words among which to draw, in (0, 1].
        stop: Texts that end the answer.
        seed: The same seed and request give the same answer; drawn where None.

    Raises:
        InvalidInput: If the conversation does not end with a user turn, or a number is out of
            range.
    """

    conversation: Conversation
    mode: Mode = "start"
    steer: Steer | None = None
    combine: Combine | None = None
    best_of: int = 1
    rewarded_by: str | None = None
    max_new_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.conversation or self.conversation[-1].role != "user":
            raise InvalidInput("a conversation must end with a user turn", where="conversation")
        if self.best_of < 1:
            raise InvalidInput(f"best_of must be at least 1, got {self.best_of}", where="best_of")
        if "" in self.stop:
            raise InvalidInput("a stop text must not be empty", where="stop")
        if (self.mode == "steerable") != (self.steer is not None):
            raise InvalidInput(
                "a steer belongs to the mode steerable, and this mode needs one",
                where=f"mode {self.mode}",
                hint='steer=Steer.to("MEX"), or shares: Steer({"MEX": 0.6, "GBR": 0.4})',
            )


@dataclass(frozen=True, slots=True)
class CommunityAnswer:
    """An answer, with the communities and people behind it.

    Attributes:
        text: The answer.
        shares: Community -> share of the model that answered; empty for the start model.
        people: Community -> people behind its reward model; unknown ones are absent.
        abstained: Why the start model answered although a community was asked for; else None.
        finish_reason: ``stop`` where the model or a stop text ended it, ``length`` where the limit
            of tokens did.
        prompt_tokens: Tokens of the conversation.
        completion_tokens: Tokens that were drawn, of all answers among which one was chosen.
        reward: Reward of the answer in logits, where a reward model chose.
        steps: Name of a step on the way, such as drafts -> its count.
    """

    text: str
    shares: Mapping[str, float]
    people: Mapping[str, int]
    abstained: str | None
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    reward: float | None = None
    steps: Mapping[str, int] = field(default_factory=dict)
