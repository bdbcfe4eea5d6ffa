"""How a prompt and a response become tokens: one function for training and for scoring."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pluralign.core import InvalidInput, Message, RewardRequest, prompt_text

Form = Literal["chat", "pair", "joined", "plain"]
Overlong = Literal["cut", "drop"]
_FIXED, _PROMPT, _RESPONSE = 0, 1, 2
_CHARS_PER_TOKEN = 24


@dataclass(frozen=True, slots=True)
class TextForm:
    """How requests are written for a model.

    Attributes:
        kind: ``chat``: the tokenizer's chat template. ``pair``: the tokenizer's text pair, for
            encoders. ``plain``: the prompt, a blank line, the response, the end token. ``joined``:
            prompt, separator and response as one text (the published form of SCPO).
        max_length: Tokens at most.
        overlong: Treatment of a training pair that is longer: ``cut`` takes tokens from the left
            of its prompt and, where that is not enough, from the end of its response (``joined`` is
            cut at its end, as published); ``drop`` leaves the pair out. Scoring always cuts.
    """

    kind: Form
    max_length: int = 512
    overlong: Overlong = "cut"

    def __post_init__(self) -> None:
        if self.max_length < 8:
            raise InvalidInput(
                f"max_length is {self.max_length}, fewer than 8 tokens",
                hint="512 is the usual value",
            )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the tokens of any request would change."""
        return f"{self.kind}-{self.max_length}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """One request as a model reads it.

    Attributes:
        ids: Token ids.
        types: Which segment each belongs to; None where the model does not ask.
        cut: Whether something was cut off.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...] | None
    cut: bool

    def __len__(self) -> int:
        return len(self.ids)


def form_for(tokenizer: Any) -> Form:
    """The form that suits a tokenizer: chat template, a pair if it separates texts, or plain."""
    if getattr(tokenizer, "chat_template", None):
        return "chat"
    return "pair" if tokenizer.sep_token is not None else "plain"


def tokenise(tokenizer: Any, requests: Sequence[RewardRequest], form: TextForm) -> list[Tokens]:
    """Turn requests into tokens.

    Args:
        tokenizer: A fast tokenizer.
        requests: The requests to read.
        form: How it is written.

    Returns:
        Tokens of each request, aligned; none is longer than ``form.max_length``.

    Raises:
        InvalidInput: If the tokenizer is not a fast one or has no chat template where one is asked
            for, or the limit leaves no room for any text.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise InvalidInput(
            "the tokenizer is not a fast one",
            hint="convert it with transformers, or use another model",
        )
    if not requests:
        return []
    written = [_write(tokenizer, r, form) for r in requests]
    second = [w.second for w in written]
    encoded = tokenizer(
        [w.first for w in written],
        second if form.kind == "pair" else None,
        add_special_tokens=form.kind != "chat",
        truncation=False,
        verbose=False,
    )
    types = encoded.get("token_type_ids")
    return [
        _fit(encoded.encodings[i], w, form, None if types is None else types[i])
        for i, w in enumerate(written)
    ]


@dataclass(frozen=True, slots=True)
class _Written:
    """Texts of a request, and the spans of prompt and response in the first, in characters."""

    first: str
    second: str | None
    prompt: tuple[tuple[int, int], ...]
    response: tuple[int, int]


def _write(tokenizer: Any, request: RewardRequest, form: TextForm) -> _Written:
    prompt, response = prompt_text(request.prompt), request.response
    if form.kind == "chat":
        return _chat(tokenizer, request)
    if form.kind == "pair":
        return _Written(_tail(prompt, form), response, ((0, len(prompt)),), (0, 0))
    if form.kind == "joined":
        text = f"{prompt} {tokenizer.sep_token or tokenizer.eos_token or ''} {response}"
        return _Written(text, None, (), (0, len(text)))
    prompt = _tail(prompt, form)
    text = f"{prompt}\n\n{response}"
    return _Written(
        text + (tokenizer.eos_token or ""), None, ((0, len(prompt)),), (len(prompt) + 2, len(text))
    )


def _tail(prompt: str, form: TextForm) -> str:
    """The end of a prompt that is far too long; text that is cut anyway need not be tokenised."""
    return prompt[-form.max_length * _CHARS_PER_TOKEN :]


def _chat(tokenizer: Any, request: RewardRequest) -> _Written:
    turns = (
        (Message("user", request.prompt),) if isinstance(request.prompt, str) else request.prompt
    )
    messages = [
        {"role": m.role, "content": m.content}
        for m in (*turns, Message("assistant", request.response))
    ]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False)
    except Exception as error:
        hint = 'use another [trunk] text, such as "plain"'
        raise InvalidInput(
            f"the chat template cannot write this conversation: {error}", hint=hint
        ) from error
    spans, at = [], 0
    for turn in turns:
        start = text.find(turn.content.strip(), at)
        if start >= 0:
            at = start + len(turn.content.strip())
            spans.append((start, at))
    start = text.rfind(request.response.strip())
    span = (start, start + len(request.response.strip())) if start >= at else (at, len(text))
    return _Written(text, None, tuple(spans), span)


def _fit(encoding: Any, written: _Written, form: TextForm, types: list[int] | None) -> Tokens:
    ids = encoding.ids
    if len(ids) <= form.max_length:
        return Tokens(tuple(ids), None if types is None else tuple(types), False)
    kept = _kept(_parts(encoding, written, form), form.max_length)
    return Tokens(
        tuple(ids[i] for i in kept), None if types is None else tuple(types[i] for i in kept), True
    )


def _parts(encoding: Any, written: _Written, form: TextForm) -> list[int]:
    """Whether each token belongs to the prompt, the response, or the text that joins them."""
    if form.kind == "pair":
        by_sequence = {0: _PROMPT, 1: _RESPONSE, None: _FIXED}
        return [by_sequence[s] for s in encoding.sequence_ids]
    parts = []
    for (start, end), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True):
        if end > start and not special and any(a <= start and end <= b for a, b in written.prompt):
            parts.append(_PROMPT)
        elif (
            end > start
            and not special
            and written.response[0] <= start
            and end <= written.response[1]
        ):
            parts.append(_RESPONSE)
        else:
            parts.append(_FIXED)
    return parts


def _kept(parts: Sequence[int], limit: int) -> list[int]:
    """Positions that stay: prompt tokens go first, from the left, then the response's right end.

    >>> _kept([0, 1, 1, 0, 2, 2, 0], limit=5)
    [0, 3, 4, 5, 6]
    >>> _kept([0, 1, 1, 0, 2, 2, 0], limit=4)
    [0, 3, 4, 6]
    """
    excess = len(parts) - limit
    prompt = [i for i, part in enumerate(parts) if part == _PROMPT]
    response = [i for i, part in enumerate(parts) if part == _RESPONSE]
    gone = set(prompt[:excess])
    rest = excess - len(gone)
    if rest >= len(response) > 0 or (rest and not response):
        raise InvalidInput(
            f"{limit} tokens leave no room for a response", hint="raise trunk.max_length"
        )
    gone.update(response[len(response) - rest :] if rest else ())
    return [i for i in range(len(parts)) if i not in gone]


def request_key(request: RewardRequest) -> str:
    """A request as one text, from which it can be had again; the key of cached scores.

    >>> request_of(request_key(RewardRequest("Hi", "Hello"))) == RewardRequest("Hi", "Hello")
    True
    """
    prompt = (
        request.prompt
        if isinstance(request.prompt, str)
        else [[m.role, m.content] for m in request.prompt]
    )
    return json.dumps([prompt, request.response])


def request_of(key: str) -> RewardRequest:
    """The request of a key."""
    prompt, response = json.loads(key)
    if isinstance(prompt, list):
        prompt = tuple(Message(role, content) for role, content in prompt)
    return RewardRequest(prompt, response)
