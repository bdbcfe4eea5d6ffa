"""Read the completion of a chat server, in all its forms, or refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pluralign.core import Reply, parse_json

_CUT = ("length", "content_filter")
_MOST_TOKENS = 100_000_000


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion as read.

    Attributes:
        reply: The reply of the model.
        tokens_in: Tokens read, as the server counts them; None where it does not count them.
        tokens_out: Tokens written; None where the server does not count them.
    """

    reply: Reply
    tokens_in: int | None
    tokens_out: int | None


def read_completion(body: bytes, not_sent: tuple[str, ...] = ()) -> Completion:
    r"""Read the body of a chat completion.

    Only the content is the answer; a separate thought (``reasoning_content``) is not. Content in
    parts is joined. Without content, the words of the ``refusal`` are the answer.

    Args:
        body: JSON.
        not_sent: Sampling fields that the request omitted.

    Raises:
        ValueError: If it is not JSON, or not a chat completion; the message gives the reason.

    >>> body = b'{"choices": [{"message": {"content": "2"}, "finish_reason": "length"}]}'
    >>> reply = read_completion(body).reply
    >>> reply.text, reply.finish_reason
    ('2', 'length')
    """
    value = _mapping(_parsed(body), "the answer")
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        raise ValueError("it has no choices")
    choice = _mapping(choices[0], "the first choice")
    text = _text(_mapping(choice.get("message"), "the message"))
    finish = choice.get("finish_reason")
    usage = value.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    reply = Reply(
        _whole_characters(text).strip(),
        finish_reason=finish if finish in _CUT else "",
        not_sent=not_sent,
    )
    return Completion(
        reply, _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    )


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is not an object")
    return value


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if content is None or content == "":
        refusal = message.get("refusal")
        return refusal if isinstance(refusal, str) else ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ValueError(f"its content is of type {type(content).__name__}")
    return "".join(_part(part) for part in content)


def _part(part: object) -> str:
    """The text of one part; empty for parts of other types, such as a thought."""
    if isinstance(part, str):
        return part
    content = _mapping(part, "a part of the content")
    text = content.get("text")
    is_text = content.get("type") in ("text", "output_text", None)
    return text if isinstance(text, str) and is_text else ""


def _whole_characters(text: str) -> str:
    r"""A text that UTF-8 can encode: each lone surrogate becomes U+FFFD.

    >>> _whole_characters("2 \ud83d\ude00 \ud800").encode()
    b'2 \xf0\x9f\x98\x80 \xef\xbf\xbd'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(value: object) -> int | None:
    """A count of tokens; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MOST_TOKENS else None
