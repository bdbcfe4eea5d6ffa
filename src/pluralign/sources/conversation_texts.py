"""Prompts and responses in the rows of a file: text, messages, or text with marked turns."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from pluralign.core import Message, Prompt, RewardRequest, is_missing, is_missing_text
from pluralign.sources.literals import literal
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    optional_id,
    require_columns,
    require_consent,
)

_TEXT_PARTS = ("text", "input_text", "output_text")
_ROLES = {"Human": "user", "Assistant": "assistant"}
_MARK = re.compile(r"\n\n(Human|Assistant):")
_PRINTED = re.compile(r"""\s*\[\s*\{\s*["'](role|content)["']\s*:""")
_MARKED = re.compile(r"\s*Human:.*?\n\nAssistant:", re.DOTALL)


def read_requests(
    path: Path, policy: RowPolicy
) -> Iterator[tuple[int, str | None, tuple[RewardRequest, ...]]]:
    """Stream the requests to score.

    Args:
        path: JSON Lines, JSON, CSV or Parquet; a row has ``prompt`` and ``response``, or is a
            preference pair.
        policy: The policy for bad rows, with the tally.

    Yields:
        Line, id (None where there is none), and one request, or two for a pair: chosen, then
        rejected.

    Raises:
        InvalidInput: If the file or a row cannot be read.
    """
    for number, row in read_rows(path, policy):
        try:
            require_consent(row)
            is_pair = "chosen" in row or "rejected" in row
            requests = _pair_requests(row) if is_pair else (_request(row),)
            found = number, optional_id(row, "id"), requests
        except UnusableRow as reason:
            policy.tally.drop(str(reason))
        except BadRow as bad:
            policy.refuse(bad, location(path, number))
        else:
            policy.tally.kept += 1
            yield found


def _pair_requests(row: Row) -> tuple[RewardRequest, ...]:
    prompt, chosen, rejected = pair_texts(row)
    return RewardRequest(prompt, chosen), RewardRequest(prompt, rejected)


def _request(row: Row) -> RewardRequest:
    require_columns(row, ("prompt", "response"))
    prompt = turns_of(row["prompt"], "prompt")
    response = _response(turns_of(row["response"], "response"), prompt, "response")
    _require_text(response, "response")
    return RewardRequest(prompt, response)


def pair_texts(row: Row) -> tuple[Prompt, str, str]:
    """Prompt, chosen and rejected of a row.

    Raises:
        BadRow: If a column is missing or of another type.
        UnusableRow: If a text is empty, or the responses are equal.
    """
    require_columns(row, ("chosen", "rejected"))
    sides = [turns_of(row[side], side) for side in ("chosen", "rejected")]
    marked = [_marked_turns(side) for side in sides]
    chosen, rejected = marked if all(isinstance(side, tuple) for side in marked) else sides
    _require_one_reply(sides, chosen, rejected)
    prompt: Prompt
    given = row.get("prompt")
    if isinstance(chosen, tuple) and isinstance(rejected, tuple) and _is_blank(given):
        prompt = _shared_turns(chosen, rejected)
    elif not _is_null(given):
        prompt = _with_shared_turns(_marked_turns(turns_of(given, "prompt")), chosen, rejected)
    else:
        require_columns(row, ("prompt",))
        raise BadRow(
            "'prompt' is null, and the responses are not whole conversations",
            reason="prompt is null",
        )
    texts = _response(chosen, prompt, "chosen"), _response(rejected, prompt, "rejected")
    _require_text(prompt, "prompt")
    for text in texts:
        _require_text(text, "response")
    if texts[0] == texts[1]:
        raise UnusableRow("chosen equals rejected")
    return prompt, *texts


def _require_text(text: Prompt, what: str) -> None:
    if not text or (isinstance(text, str) and not text.strip()):
        raise UnusableRow(f"empty {what}")
    if isinstance(text, str) and is_missing_text(text):
        raise UnusableRow(f"missing {what}: {text.strip()}")


def _is_null(value: object) -> bool:
    return is_missing(value) and not isinstance(value, str)


def _is_blank(value: object) -> bool:
    return not value.strip() if isinstance(value, str) else _is_null(value)


def turns_of(value: object, column: str) -> str | tuple[Message, ...]:
    """Text or messages of a cell; messages that were printed into text are read as messages.

    Raises:
        BadRow: If it is neither.
        UnusableRow: If it is missing.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        if not _PRINTED.match(value):
            return value
        value = literal(value, column, "[]")
    if isinstance(value, Mapping) and "role" in value:
        value = [value]
    if isinstance(value, list | tuple):
        return tuple(_message(item, column) for item in value)
    if _is_null(value):
        raise UnusableRow(f"missing {column}")
    raise BadRow(
        f"{column!r} must be text or a list of messages, got {type(value).__name__}",
        reason=f"{column} is neither text nor messages",
    )


def _message(item: object, column: str) -> Message:
    fields = item if isinstance(item, Mapping) else {}
    role, content = fields.get("role"), fields.get("content")
    if isinstance(content, list | tuple | np.ndarray):
        content = "\n".join(_part(part, column) for part in content)
    if not isinstance(role, str) or not isinstance(content, str):
        raise BadRow(
            f'a message in {column!r} must be {{"role": text, "content": text}}',
            reason=f"bad message in {column}",
        )
    return Message(role, content)


def _part(part: object, column: str) -> str:
    """The text of one part of a message's content."""
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, Mapping) else type(part).__name__
    text = part.get("text") if isinstance(part, Mapping) else None
    if kind in _TEXT_PARTS and isinstance(text, str):
        return text
    raise BadRow(
        f"a message in {column!r} must be text, got a part of type {kind!r:.40}",
        reason=f"a part of {column} is not text",
    )


def _marked_turns(text: str | tuple[Message, ...]) -> str | tuple[Message, ...]:
    """The turns of a text with the marks ``Human:`` and ``Assistant:``; or the text unchanged."""
    marked = text.replace("\r\n", "\n") if isinstance(text, str) else ""
    if not _MARKED.match(marked):
        return text
    _, *parts = _MARK.split("\n\n" + marked.lstrip())
    marks, texts = parts[::2], parts[1::2]
    turns = [Message(_ROLES[m], t.strip()) for m, t in zip(marks, texts, strict=True)]
    if not turns[-1].content:  # the turn that the assistant should write next
        turns.pop()
    return tuple(turns)


def is_read_as_turns(text: str) -> bool:
    r"""Whether a text is read as messages, or as turns with marks.

    >>> is_read_as_turns("Human: Tea?\n\nAssistant: Yes"), is_read_as_turns("Yes")
    (True, False)
    """
    return _PRINTED.match(text) is not None or isinstance(_marked_turns(text), tuple)


def _require_one_reply(
    written: list[str | tuple[Message, ...]],
    chosen: str | tuple[Message, ...],
    rejected: str | tuple[Message, ...],
) -> None:
    """Refuse marked conversations, as in hh-rlhf, that differ before their last turn."""
    if isinstance(chosen, str) or isinstance(rejected, str) or not isinstance(written[0], str):
        return
    shared = len(_shared_turns(chosen, rejected))
    if not len(chosen) == len(rejected) == shared + 1:
        raise UnusableRow("conversations differ before the last turn")


def _with_shared_turns(
    prompt: Prompt, chosen: str | tuple[Message, ...], rejected: str | tuple[Message, ...]
) -> Prompt:
    """The turns that both conversations share, where the prompt is among these; else the prompt."""
    if isinstance(chosen, str) or isinstance(rejected, str):
        return prompt
    shared = _shared_turns(chosen, rejected)
    turns = (Message("user", prompt),) if isinstance(prompt, str) else prompt
    own = [(turn.role, turn.content.strip()) for turn in turns]
    among = [(turn.role, turn.content.strip()) for turn in shared]
    repeated = any(among[i : i + len(own)] == own for i in range(len(among) - len(own) + 1))
    return shared if own and repeated and len(among) > len(own) else prompt


def _shared_turns(
    chosen: tuple[Message, ...], rejected: tuple[Message, ...]
) -> tuple[Message, ...]:
    most = max(min(len(chosen), len(rejected)) - 1, 0)
    same = next((i for i in range(most) if chosen[i] != rejected[i]), most)
    return chosen[:same]


def _response(value: str | tuple[Message, ...], prompt: Prompt, column: str) -> str:
    if isinstance(value, str):
        return value
    shared = (Message("user", prompt),) if isinstance(prompt, str) else prompt
    rest = value[len(shared) :] if len(value) > 1 and value[: len(shared)] == shared else value
    if len(rest) != 1 or rest[0].role != "assistant":
        raise BadRow(
            f"{column!r} must be one assistant message after the prompt's turns",
            reason=f"{column} is not one assistant message",
        )
    return rest[0].content
