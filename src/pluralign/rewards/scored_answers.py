"""The scored part of a response: the answer, without the thoughts of a reasoning model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pluralign.core import InvalidInput, Message, Prompt, RewardRequest, split_thought

Thoughts = Literal["strip", "keep"]
"""Whether the thoughts of a reasoning model are left out, or scored with the answer."""
THOUGHTS: tuple[Thoughts, ...] = ("strip", "keep")
NO_ANSWER_REWARD = -5.0
"""Reward of a response without an answer, for training loops: far below any answer's logit."""


@dataclass(frozen=True, slots=True)
class Scorable:
    """A response, ready to be scored.

    Attributes:
        request: Prompt and answer; None without an answer: the response is empty, or a
            thought that never ends.
        thought: Whether a thought was left out.
    """

    request: RewardRequest | None
    thought: bool = False


def scorable(request: RewardRequest, thoughts: Thoughts = "strip") -> Scorable:
    """The scored part of a response.

    Thoughts of earlier turns of the assistant are left out too, as chat templates do. A thought
    without words (``<think></think>``) is never scored.

    Args:
        request: Prompt and response, as a model wrote it.
        thoughts: ``strip`` leaves out what was thought; ``keep`` scores it with the answer.

    >>> scorable(RewardRequest("Tea?", "<think>Hm.</think>Yes.")).request
    RewardRequest(prompt='Tea?', response='Yes.')
    >>> scorable(RewardRequest("Tea?", "<think>Hm, it depends")).request is None
    True
    """
    found = split_thought(request.response)
    if thoughts == "keep" and found.thought:
        return Scorable(request)
    answer = found.answer if thoughts == "strip" or found.answer is not None else request.response
    if answer is None or not answer.strip():
        return Scorable(None, bool(found.thought))
    prompt = _without_thoughts(request.prompt) if thoughts == "strip" else request.prompt
    return Scorable(RewardRequest(prompt, answer), bool(found.thought))


def read_thoughts(word: str, where: str) -> Thoughts:
    """A setting of what becomes of thoughts.

    Raises:
        InvalidInput: If it is neither of the two.
    """
    for known in THOUGHTS:
        if word == known:
            return known
    raise InvalidInput(
        f"thoughts must be one of {', '.join(THOUGHTS)}, got {word!r:.60}", where=where
    )


def unanswered(found: Sequence[Scorable]) -> list[int]:
    """The responses without an answer."""
    return [row for row, one in enumerate(found) if one.request is None]


def _without_thoughts(prompt: Prompt) -> Prompt:
    if isinstance(prompt, str):
        return prompt
    return tuple(
        Message(turn.role, split_thought(turn.content).answer or "")
        if turn.role == "assistant"
        else turn
        for turn in prompt
    )
