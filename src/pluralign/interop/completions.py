"""Prompts and completions of training frameworks: texts, messages, and arrays of messages."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pluralign.core import InvalidInput, Message, Prompt, RewardRequest


def request_of(prompt: Any, completion: Any) -> RewardRequest:
    """A prompt and a completion, each text or messages, as a request for a reward model."""
    before = _read(prompt)
    found = _read(completion)
    if isinstance(found, str):
        return RewardRequest(before, found)
    said = found
    if not said:
        return RewardRequest(before, "")
    turns = (Message("user", before),) if isinstance(before, str) else before
    return RewardRequest(before if len(said) == 1 else (*turns, *said[:-1]), said[-1].content)


def _read(value: Any) -> Prompt:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    return value if isinstance(value, str) else _messages(value)


def _messages(value: Any) -> tuple[Message, ...]:
    if isinstance(value, np.ndarray):  # as pandas reads a list out of Parquet
        value = value.tolist()
    if not isinstance(value, Sequence) or not all(
        isinstance(m, Mapping) and "role" in m for m in value
    ):
        raise InvalidInput(
            f"{value!r:.80} is neither text nor a list of messages", where="prompts or completions"
        )
    return tuple(Message(str(m["role"]), _content(m.get("content"))) for m in value)


def _content(content: Any) -> str:
    """The text of a message or of its segments; empty if it only calls a tool."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, np.ndarray):
        content = content.tolist()
    return "\n".join(
        str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part
    )
