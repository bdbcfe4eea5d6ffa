"""The sampling fields of a request that a server accepts, learned from its refusals."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pluralign.core import Sampling

_RENAMED = {"max_tokens": "max_completion_tokens"}
_OPTIONAL = ("seed", "top_p", "temperature")
_WORDS = ("message", "msg", "detail", "error", "code", "type")
_LONGEST, _MOST = 5000, 20
_UNKNOWN = re.compile(
    r"max_completion_tokens|support|unknown|unrecogni[sz]ed|unexpected|not "
    r"(?:permitted|allowed)|forbidden|extra",
    re.I,
)
_LIMIT_REACHED = re.compile(r"\b(?:max_tokens|output limit)\b.{0,40}\breached\b", re.I)


class SentFields:
    """The sampling, in the fields that a server accepts; a refused field is not sent again.

    Args:
        note: Called once with a note on each field that is left out.

    Attributes:
        left_out: The fields that the server has refused so far.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self.left_out: set[str] = set()
        self._note = note

    def of(self, sampling: Sampling) -> dict[str, Any]:
        """The fields to send, by name."""
        fields: dict[str, Any] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_new_tokens,
            "seed": sampling.seed,
        }
        renamed = {new: fields[old] for old, new in _RENAMED.items() if old in self.left_out}
        return {k: v for k, v in fields.items() if k not in self.left_out} | renamed

    def leave_out(self, body: object, message: str, sent: Collection[str]) -> bool:
        """Whether a refusal names a field of its request; later requests omit or rename the field.

        All requests in flight may be refused for the same field, so each of them can be sent again.

        Args:
            body: The JSON of the refusal, where it was JSON.
            message: Text of the refusal.
            sent: The fields of the refused request.
        """
        name = refused_field(body, message, sent)
        if name is None:
            return False
        if name not in self.left_out:
            self.left_out.add(name)
            self._note(_note_on(name))
        return True


def refused_field(body: object, message: str, sent: Collection[str]) -> str | None:
    """The optional field of the request that a refusal names; None where it names no such field.

    >>> refused_field(None, "Unsupported value: 'temperature'", {"seed", "temperature"})
    'temperature'
    >>> refused_field({"detail": [{"loc": ["body", "seed"]}]}, "extra_forbidden", {"seed", "top_p"})
    'seed'
    >>> refused_field(None, "the prompt and max_tokens exceed 4096", {"max_tokens"}) is None
    True
    """
    named = _named_in(body)
    optional = [name for name in (*_OPTIONAL, *_RENAMED) if name in sent]
    found = [name for name in optional if name in named]
    found += [name for name in optional if re.search(rf"\b{name}\b", message)]
    return next((name for name in found if name not in _RENAMED or _UNKNOWN.search(message)), None)


def not_sent(sent: Collection[str]) -> tuple[str, ...]:
    """The sampling fields that a request omits.

    >>> not_sent({"seed", "top_p", "temperature", "max_completion_tokens"})
    ('max_tokens',)
    """
    return tuple(name for name in sorted((*_OPTIONAL, *_RENAMED)) if name not in sent)


def is_limit_reached(message: str) -> bool:
    """Whether a reasoning model used up its tokens before it answered, by the refusal's message.

    >>> is_limit_reached("Could not finish: max_tokens or model output limit was reached.")
    True
    """
    return _LIMIT_REACHED.search(message) is not None


def words_of(body: object, depth: int = 3) -> str:
    """The words of a refusal, from the usual fields.

    >>> words_of({"error": {"message": "no seed", "code": "unsupported_parameter", "param": None}})
    'no seed unsupported_parameter'
    """
    if isinstance(body, str):
        return body[:_LONGEST]
    if isinstance(body, list) and depth:
        return " ".join(filter(None, (words_of(item, depth - 1) for item in body[:_MOST])))
    if isinstance(body, Mapping) and depth:
        return " ".join(filter(None, (words_of(body.get(name), depth - 1) for name in _WORDS)))
    return ""


def _named_in(body: object) -> set[str]:
    """Fields in the structure of an error: OpenAI's ``param``, or the ``loc`` of pydantic."""
    if not isinstance(body, Mapping):
        return set()
    inner = body.get("error")
    error: Mapping[Any, Any] = inner if isinstance(inner, Mapping) else body
    details = error.get("detail")
    names = [error.get("param")]
    for detail in details if isinstance(details, list) else []:
        path = detail.get("loc") if isinstance(detail, Mapping) else None
        if isinstance(path, list) and path:
            names.append(path[-1])
    return {name.rpartition(".")[2] for name in names if isinstance(name, str)}


def _note_on(name: str) -> str:
    if name in _RENAMED:
        return f"the server does not accept {name!r}: {_RENAMED[name]!r} is sent instead"
    return f"the server does not accept {name!r}: it is omitted, and the server's default applies"
