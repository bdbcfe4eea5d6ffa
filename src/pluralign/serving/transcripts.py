"""Conversations that a chat template wrote as one text, split back into prompt and response.

Every format opens a turn with a mark that names its role (`pluralign.serving.templates`), so one
reader suffices for all: the text between a mark and the next is the turn. Surrounding whitespace,
which templates add, and the closing tokens are removed; the text inside is not altered. A text with
marks of an unknown format is refused rather than scored as one long response. Every step takes time
linear in the length of the text.
"""

import re
from collections.abc import Sequence

from pluralign.core import (
    InvalidInput,
    Message,
    RewardRequest,
    begins_with_thought,
    end_of_thought_marks,
    split_thought,
)
from pluralign.serving.conversations import conversation
from pluralign.serving.templates import (
    BY_ITSELF,
    FORMATS,
    HEAD,
    MAY_HAVE_MARKS,
    ROLES,
    TAIL_REVERSED,
    Format,
    unknown_mark,
)

_QUOTES = "`'\"("
_INSTEAD = (
    "send messages (/classify), or separate prompts and responses (/v1/rewards, /score); "
    "docs/serving.md lists the supported templates"
)


def read_transcript(text: str) -> RewardRequest:
    r"""Split a conversation into its last turn, which is the response, and the turns before it.

    The formats of `pluralign.serving.templates` are supported. The first mark decides the format;
    marks of other formats are ordinary text, and so is a mark in mid-text if no turn is the
    assistant's, or in quotes. If the beginning of a text was cut off, the text before the first
    mark is a turn of the user if the assistant's follows, otherwise the assistant's, or the
    system's if the assistant's would be closed.

    Args:
        text: A rendered conversation, perhaps with padding at its ends.

    Returns:
        Prompt and response. A single turn of the user is a prompt of plain text. A text without a
        format is a response to an empty prompt. The assistant's thoughts are before the response,
        between ``<think>`` and ``</think>``.

    Raises:
        InvalidInput: If the text has marks of an unknown format, or is not a conversation that ends
            in a response (see `pluralign.serving.conversations.conversation`).

    >>> question = "<|im_start|>user\nTea?<|im_end|>\n"
    >>> answer = "<|im_start|>assistant\nYes, please.<|im_end|><|endoftext|>"
    >>> read_transcript(question + answer)
    RewardRequest(prompt='Tea?', response='Yes, please.')
    >>> read_transcript("Yes, please.</s>")
    RewardRequest(prompt='', response='Yes, please.')
    """
    return _read(_begun(text), None)


def split_query(query: str, prompt: str) -> RewardRequest:
    r"""Split a prompt and its response, sent as one text, where the prompt is known.

    The text after the prompt is the response, even if it contains marks. The beginning of the
    assistant's turn in the prompt (``<think>``) belongs to the response. A query that does not
    begin with the prompt, perhaps because its beginning was cut off, is read by `read_transcript`,
    in the prompt's format if it has its marks.

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
    r"""Read a prompt and a response sent separately, each plain or in a chat template's form.

    Args:
        prompt: Plain text, or turns with marks.
        response: Plain text, perhaps with the assistant's mark before it and closing tokens after
            it.

    Returns:
        Prompt and response; plain text is not altered.

    Raises:
        InvalidInput: As for `read_transcript`.

    >>> question = "<|im_start|>user\nTea?<|im_end|>\n"
    >>> read_pair(question, "<|im_start|>assistant\nYes, please.<|im_end|>")
    RewardRequest(prompt='Tea?', response='Yes, please.')
    """
    before = _begun(prompt)
    known = _format_of(before)
    if known is not None:
        return split_query(f"{prompt}{response}", prompt)
    _check_marks(before)
    text = _begun(response)
    for each in FORMATS:
        mark = each.opening.match(text) if each.sign is not None and each.required is None else None
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
    """Refuse a text of unknown format with marks of a template; marks of thoughts are allowed.

    Raises:
        InvalidInput: If it has such marks.
    """
    answer = split_thought(text).answer or "" if begins_with_thought(text) else text
    if mark := unknown_mark(answer):
        what = f"the text has marks of an unknown chat template: {mark!r:.100}"
        raise InvalidInput(what, where="transcript", hint=_INSTEAD)


def _begun(text: str) -> str:
    """A text without the special tokens at its beginning."""
    return HEAD.sub("", text, count=1)


def _said(text: str, closing: str | None) -> str:
    """The text of a turn without special tokens at its end.

    Tokens before a closing one are kept. Marks of thoughts are kept too, because a thought is not
    an answer.
    """
    end = end_of_thought_marks(text, len(TAIL_REVERSED.sub("", text[::-1], count=1)))
    return text[: max(end, text.find(closing, end) if closing else end)].strip()


def _format_of(text: str) -> Format | None:
    """The format whose mark comes first."""
    if not MAY_HAVE_MARKS.search(text):
        return None
    marks = [(mark.start(), each) for each in FORMATS if (mark := each.opening.search(text))]
    proven = [(at, each) for at, each in marks if _proven(text, at, each)]
    return min(proven, key=lambda found: found[0])[1] if proven else None


def _proven(text: str, at: int, form: Format) -> bool:
    """Whether a text with a mark of a format at some position is in this format."""
    if form.required is not None and not form.required.search(text):
        return False
    if at == 0:
        return True
    return (
        text[at - 1] not in _QUOTES and form.sign is not None and form.sign.search(text) is not None
    )


def _turns(text: str, form: Format, until: int | None = None) -> tuple[Message, ...]:
    """The turns of a text with marks; marks from ``until`` on are text of the last turn."""
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
    """Turns, with turns of thoughts moved into the answers; the last one may lack an answer."""
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
    """Whether a mark ends a text: some models close their turn with the next turn's mark."""
    return _role(mark) in ("user", "tool") and not text[mark.end() :].strip()


def _thinks(form: Format) -> bool:
    return "thought" in form.opening.groupindex


def _cut_turn(text: str, mark: re.Match[str], form: Format) -> tuple[Message, ...]:
    """The turn before the first mark, if it has any text."""
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
