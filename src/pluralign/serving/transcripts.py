"""Conversations that a chat template wrote as one text, split back into prompt and response.

Every format here opens a turn with a mark that names its role, so one reader serves all: what stands between a mark and
the next is what was said. Whitespace around it, which templates add, and the tokens that close it are taken off;
nothing inside is altered. Every step takes time linear in the text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pluralign.core import InvalidInput, Message, Prompt, RewardRequest

SPECIAL_TOKENS = (
    *("<s>", "</s>", "<bos>", "<eos>", "<pad>", "[PAD]", "[CLS]", "[SEP]", "<|pad|>", "<|padding|>", "<|PAD_TOKEN|>"),
    *("<|endoftext|>", "<|startoftext|>", "<|im_end|>", "<|end|>", "<end_of_turn>"),
    *("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|finetune_right_pad_id|>"),
    *("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"),
)
"""Tokens that begin, end or fill up a text: taken off at its ends, with the whitespace around them, never inside."""

_ROLES = {
    **{"model": "assistant", "human": "user", "ipython": "tool"},
    **{"[inst]": "user", "[/inst]": "assistant", "<<sys>>": "system", "<</sys>>": "user", "[system_prompt]": "system"},
}


@dataclass(frozen=True, slots=True)
class _Format:
    """How turns are written.

    Attributes:
        opening: The mark that opens a turn; its group is the word for the role.
        closing: The token that closes a turn; None where there is none, or models of this format differ in it.
        sign: What proves the format of a text whose beginning is no mark, beside a mark in it; None: nothing does.
    """

    opening: re.Pattern[str]
    closing: str | None
    sign: str | None


_FORMATS = (
    _Format(re.compile(r"<\|im_start\|>([a-z_]{1,32})(?=\n|\Z)"), "<|im_end|>", "<|im_start|>assistant"),  # ChatML
    _Format(
        re.compile(r"<\|start_header_id\|>([a-z_]{1,32})<\|end_header_id\|>"),  # Llama 3
        closing="<|eot_id|>",
        sign="<|start_header_id|>assistant",
    ),
    _Format(re.compile(r"<start_of_turn>([a-z_]{1,32})(?=\n|\Z)"), "<end_of_turn>", "<start_of_turn>model"),  # Gemma
    _Format(
        re.compile(  # Llama 2 and Mistral: of two marks in a row the second counts
            r"(?:\[INST\]\s{0,4}(?=<<SYS>>)|\[/SYSTEM_PROMPT\]\s{0,4}(?=\[INST\]))?"
            r"(\[/?INST\]|<</?SYS>>|\[SYSTEM_PROMPT\])"
        ),
        closing="</s>",
        sign="[/INST]",
    ),
    _Format(re.compile(r"<\|(system|user|assistant|tool)\|>"), None, "<|assistant|>"),  # Zephyr, Tulu, Phi-3
    _Format(re.compile("<｜(User|Assistant)｜>"), "<｜end▁of▁sentence｜>", sign=""),  # DeepSeek
    _Format(re.compile(r"(?:\A|\n\n)(Human|Assistant):"), None, None),
)


def _run_of(tokens: Iterable[str]) -> re.Pattern[str]:
    """Matches everywhere, so that its first match is at the beginning: tokens and whitespace there, or nothing."""
    return re.compile(rf"(?:\s|{'|'.join(map(re.escape, tokens))})*+")


_HEAD = _run_of(SPECIAL_TOKENS)
_TAIL_REVERSED = _run_of(token[::-1] for token in SPECIAL_TOKENS)


def read_transcript(text: str) -> RewardRequest:
    r"""Split a conversation into its last turn, which is the response, and all before it.

    Read are ChatML, Llama 3, Gemma, Llama 2 and Mistral (``[INST]``), Zephyr, Tulu and Phi-3 (``<|user|>``), DeepSeek,
    and plain ``Human:`` and ``Assistant:`` from the first word on. The mark that comes first decides which; marks of
    other formats are text like any other, and so is a mark in mid-text where the assistant never speaks.

    A text whose beginning was cut off is read as far as it goes: what stands before the first mark is a turn of the
    user if the assistant's follows, otherwise the assistant's, or the system's if the assistant's would be closed.

    Args:
        text: A rendered conversation, perhaps with padding at its ends.

    Returns:
        Prompt and response. A turn of the user alone is a prompt of plain text. The response is empty where nothing
        follows the assistant's mark. A text in no known format is a response to an empty prompt.

    Raises:
        InvalidInput: If the last turn is not the assistant's.

    >>> read_transcript("<|im_start|>user\nTea?<|im_end|>\n<|im_start|>assistant\nYes, please.<|im_end|><|endoftext|>")
    RewardRequest(prompt='Tea?', response='Yes, please.')
    >>> read_transcript("Yes, please.</s>")
    RewardRequest(prompt='', response='Yes, please.')
    """
    return _read(_begun(text), None)


def split_query(query: str, prompt: str) -> RewardRequest:
    r"""Split a prompt and its response, sent as one text, where the prompt is known.

    What follows the prompt is the response, whatever marks are in it. Words that the prompt puts into the assistant's
    mouth (``<think>``) are the response's beginning. A query that does not begin with the prompt, perhaps because its
    beginning was cut off, is read as :func:`read_transcript` does, by the prompt's format if its marks are there.

    Args:
        query: Prompt and response, rendered, perhaps with padding at its ends.
        prompt: The prompt alone, rendered, with or without the mark that opens the assistant's turn.

    Returns:
        Prompt, in turns if it is in a known format, and response.

    Raises:
        InvalidInput: If the query does not begin with the prompt, and its last turn is not the assistant's.

    >>> split_query("<s>[INST] Tea? [/INST] As they say: [INST]</s></s>", "[INST] Tea? [/INST]")
    RewardRequest(prompt='Tea?', response='As they say: [INST]')
    """
    text, before = _begun(query), _begun(prompt)
    known = _format_of(before)
    if not before or not text.startswith(before):
        return _read(text, known)
    if known is None:
        return RewardRequest(_said(before, None), _said(text[len(before) :], None))
    asked = _turns(before, known)
    if asked[-1].role == "assistant":
        return _request(_turns(text, known, until=len(before)))
    rest = text[len(before) :].lstrip()
    mark = known.opening.match(rest)
    if mark and _role(mark) == "assistant":
        rest = rest[mark.end() :]
    return RewardRequest(_prompt(asked), _said(rest, known.closing))


def _read(text: str, known: _Format | None) -> RewardRequest:
    found = known if known and known.opening.search(text) else _format_of(text)
    return RewardRequest("", _said(text, None)) if found is None else _request(_turns(text, found))


def _begun(text: str) -> str:
    """A text without the special tokens at its beginning."""
    return _HEAD.sub("", text, count=1)


def _said(text: str, closing: str | None) -> str:
    """What a turn says, without the special tokens at its end; those before a closing one were said."""
    end = len(_TAIL_REVERSED.sub("", text[::-1], count=1))
    return text[: max(end, text.find(closing, end) if closing else end)].strip()


def _format_of(text: str) -> _Format | None:
    """The format whose mark comes first."""
    marks = [(mark.start(), each) for each in _FORMATS if (mark := each.opening.search(text))]
    proven = [(at, each) for at, each in marks if at == 0 or (each.sign is not None and each.sign in text)]
    return min(proven, key=lambda found: found[0])[1] if proven else None


def _turns(text: str, form: _Format, until: int | None = None) -> tuple[Message, ...]:
    """The turns of a text that has marks; those from ``until`` on are text of the last turn."""
    marks = list(form.opening.finditer(text, 0, len(text) if until is None else until))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    said = [_said(text[mark.end() : end], form.closing) for mark, end in zip(marks, ends, strict=True)]
    return (*_cut_turn(text, marks[0], form), *map(Message, map(_role, marks), said))


def _cut_turn(text: str, mark: re.Match[str], form: _Format) -> tuple[Message, ...]:
    """The turn before the first mark, if anything is left of it."""
    left = text[: mark.start()]
    said = _said(left, form.closing)
    role = "system" if form.closing and form.closing not in left else "assistant"
    return (Message("user" if _role(mark) == "assistant" else role, said),) if said else ()


def _role(mark: re.Match[str]) -> str:
    word = mark[1].lower()
    return _ROLES.get(word, word)


def _request(turns: Sequence[Message]) -> RewardRequest:
    *before, last = turns
    if last.role != "assistant":
        what = f"the conversation ends in a turn of the {last.role}: there is no response to score"
        raise InvalidInput(what, where="transcript", hint="end it with the assistant's turn")
    return RewardRequest(_prompt(before), last.content)


def _prompt(turns: Sequence[Message]) -> Prompt:
    if not turns:
        return ""
    return turns[0].content if len(turns) == 1 and turns[0].role == "user" else tuple(turns)
