"""Conversations that a chat template wrote as one text, split back into prompt and response.

Every format opens a turn with a mark that names its role (`pluralign.serving.templates`), so one
reader serves all: what stands between a mark and the next is what was said. Whitespace around it,
which templates add, and the tokens that close it are taken off; nothing inside is altered. A text
with marks of a format that is not known is refused rather than scored as one long response. Every
step takes time linear in the text.
"""

import re
from collections.abc import Sequence

from pluralign.core import InvalidInput, Message, RewardRequest
from pluralign.serving.conversations import conversation
from pluralign.serving.templates import (
    BY_ITSELF,
    FORMATS,
    HEAD,
    ROLES,
    TAIL_REVERSED,
    Format,
    unknown_mark,
)

_QUOTES = "`'\"("
_INSTEAD = (
    "send messages (/classify), or prompt and response apart (/v1/rewards, /score); "
    "docs/serving.md lists the "
    "templates that are read"
)


def read_transcript(text: str) -> RewardRequest:
    r"""Split a conversation into its last turn, which is the response, and all before it.

    Read are the formats of `pluralign.serving.templates`. The mark that comes first decides which;
    marks of other formats are text like any other, and so is a mark in mid-text where the assistant
    never speaks, or in quotes.

    A text whose beginning was cut off is read as far as it goes: what stands before the first mark
    is a turn of the user if the assistant's follows, otherwise the assistant's, or the system's if
    the assistant's would be closed.

    Args:
        text: A rendered conversation, perhaps with padding at its ends.

    Returns:
        Prompt and response. A turn of the user alone is a prompt of plain text. A text in no format
        is a response to an empty prompt. What the assistant thought stands before the response,
        between ``<think>`` and ``</think>``.

    Raises:
        InvalidInput: If the text has marks of a format that is not known, or is no conversation
            that ends in a response (see `pluralign.serving.conversations.conversation`).

    >>> read_transcript("<|im_start|>user\nTea?<|im_end|>\n<|im_start|>assistant\nYes, please.<|im_end|><|endoftext|>")
    RewardRequest(prompt='Tea?', response='Yes, please.')
    >>> read_transcript("Yes, please.</s>")
    RewardRequest(prompt='', response='Yes, please.')
    """
    return _read(_begun(text), None)


def split_query(query: str, prompt: str) -> RewardRequest:
    r"""Split a prompt and its response, sent as one text, where the prompt is known.

    What follows the prompt is the response, whatever marks are in it. Words that the prompt puts
    into the assistant's mouth (``<think>``) are the response's beginning. A query that does not
    begin with the prompt, perhaps because its beginning was cut off, is read as
    :func:`read_transcript` does, by the prompt's format if its marks are there.

    Args:
        query: Prompt and response, rendered, perhaps with padding at its ends.
        prompt: The prompt alone, rendered, with or without the mark that opens the assistant's
            turn.

    Returns:
        Prompt, in turns if it is in a known format, and response.

    Raises:
        InvalidInput: If the query does not begin with the prompt, and its last turn is not the
            assistant's.

    >>> split_query("<s>[INST] Tea? [/INST] As they say: [INST]</s></s>", "[INST] Tea? [/INST]")
    RewardRequest(prompt='Tea?', response='As they say: [INST]')
    """
    text, before = _begun(query), _begun(prompt)
    known = _format_of(before)
    if not before or not text.startswith(before):
        return _read(text, known)
    if known is None:
        _check_marks(before)
        return RewardRequest(_said(before, None), _said(text[len(before) :], None))
    if _thinks(known):
        return conversation(_turns(text, known))
    asked = _turns(before, known)
    if asked and asked[-1].role == "assistant":
        return conversation(_turns(text, known, until=len(before)))
    rest = text[len(before) :].lstrip()
    mark = known.opening.match(rest)
    if mark and _role(mark) == "assistant":
        rest = rest[mark.end() :]
    return conversation((*asked, Message("assistant", _said(rest, known.closing))))


def read_pair(prompt: str, response: str) -> RewardRequest:
    r"""A prompt and a response that were sent apart, each plain or as a chat template writes it.

    Args:
        prompt: Plain text, or turns with marks.
        response: Plain text, perhaps with the assistant's mark before it and closing tokens behind
            it.

    Returns:
        Prompt and response; what is plain is not altered.

    Raises:
        InvalidInput: As `read_transcript`.

    >>> read_pair("<|im_start|>user\nTea?<|im_end|>\n", "<|im_start|>assistant\nYes, please.<|im_end|>")
    RewardRequest(prompt='Tea?', response='Yes, please.')
    """
    before = _begun(prompt)
    known = _format_of(before)
    if known is not None:
        return split_query(f"{prompt}{response}", prompt)
    _check_marks(before)
    text = _begun(response)
    for each in FORMATS:
        mark = each.opening.match(text) if each.sign is not None and each.beside is None else None
        if mark is not None and mark.end() and _role(mark) == "assistant":
            return RewardRequest(prompt, _said(text[mark.end() :], each.closing))
    _check_marks(text)
    said = _said(text, None)
    return RewardRequest(prompt, response if said == response.strip() else said)


def _read(text: str, known: Format | None) -> RewardRequest:
    found = known if known and known.opening.search(text) else _format_of(text)
    if found is not None:
        return conversation(_turns(text, found))
    _check_marks(text)
    return RewardRequest("", _said(text, None))


def _check_marks(text: str) -> None:
    """Hold that a text of no known format has no marks of another.

    Raises:
        InvalidInput: If it has.
    """
    if mark := unknown_mark(text):
        what = f"the text has marks of a chat template that is not known: {mark!r:.100}"
        raise InvalidInput(what, where="transcript", hint=_INSTEAD)


def _begun(text: str) -> str:
    """A text without the special tokens at its beginning."""
    return HEAD.sub("", text, count=1)


def _said(text: str, closing: str | None) -> str:
    """What a turn says, without the special tokens at its end; those before a closing one were said."""
    end = len(TAIL_REVERSED.sub("", text[::-1], count=1))
    return text[: max(end, text.find(closing, end) if closing else end)].strip()


def _format_of(text: str) -> Format | None:
    """The format whose mark comes first."""
    marks = [(mark.start(), each) for each in FORMATS if (mark := each.opening.search(text))]
    proven = [(at, each) for at, each in marks if _proven(text, at, each)]
    return min(proven, key=lambda found: found[0])[1] if proven else None


def _proven(text: str, at: int, form: Format) -> bool:
    """Whether a text with a mark of a format, at a place, is in this format."""
    if form.beside is not None and not form.beside.search(text):
        return False
    if at == 0:
        return True
    return (
        text[at - 1] not in _QUOTES and form.sign is not None and form.sign.search(text) is not None
    )


def _turns(text: str, form: Format, until: int | None = None) -> tuple[Message, ...]:
    """The turns of a text that has marks; those from ``until`` on are text of the last turn."""
    marks = list(form.opening.finditer(text, 0, len(text) if until is None else until))
    if form.closing is None and len(marks) > 1 and _stops(marks[-1], text):
        text = text[: marks.pop().start()]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    said = [
        _said(text[mark.end() : end], form.closing) for mark, end in zip(marks, ends, strict=True)
    ]
    turns = [
        *_cut_turn(text, marks[0], form),
        *(_with_thoughts(marks, said) if _thinks(form) else _plain(marks, said)),
    ]
    return tuple(
        turn for turn in turns if turn.role != "system" or not BY_ITSELF.fullmatch(turn.content)
    )


def _plain(marks: Sequence[re.Match[str]], said: Sequence[str]) -> list[Message]:
    return list(map(Message, map(_role, marks), said))


def _with_thoughts(marks: Sequence[re.Match[str]], said: Sequence[str]) -> list[Message]:
    """Turns, what was thought in turns of its own standing before the answer; the last thought may have none."""
    turns: list[Message] = []
    thought = ""
    for mark, words in zip(marks, said, strict=True):
        if mark["thought"] and mark is marks[-1]:
            turns.append(Message(_role(mark), f"{thought}<think>{words}"))
        elif mark["thought"]:
            thought += f"<think>{words}</think>"
        else:
            role = _role(mark)
            turns.append(Message(role, thought + words if role == "assistant" else words))
            thought = ""
    return turns


def _stops(mark: re.Match[str], text: str) -> bool:
    """Whether a mark is the last thing in a text: some models close their turn with the mark of the next."""
    return _role(mark) in ("user", "tool") and not text[mark.end() :].strip()


def _thinks(form: Format) -> bool:
    return "thought" in form.opening.groupindex


def _cut_turn(text: str, mark: re.Match[str], form: Format) -> tuple[Message, ...]:
    """The turn before the first mark, if anything is left of it."""
    left = text[: mark.start()]
    if form.preface is not None:
        left = form.preface.sub("", left, count=1)
    said = _said(left, form.closing)
    role = "system" if form.closing and form.closing not in left else "assistant"
    if _role(mark) == "assistant":
        role = "user"
    elif form.preface is not None:
        role = "system"
    return (Message(role, said),) if said else ()


def _role(mark: re.Match[str]) -> str:
    word = next(group for group in mark.groups() if group).lower()
    return ROLES.get(word, "tool" if "." in word else word)
