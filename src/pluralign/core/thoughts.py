"""Split a reply into thought and answer, in every form that chat models write.

Three kinds of text carry thoughts:

* **Harmony** (gpt-oss): channels. Only the last ``final`` channel is the answer. The form that is
  left when special tokens were skipped in decoding (``analysisThe user ...assistantfinal2``) is
  recognised by its beginning.
* **Marks**: ``<think>``, ``[THINK]``, ``<|begin_of_thought|>`` and the other forms of
  ``core.thought_marks``. Blanks, attributes and case do not matter. A closing mark that nothing
  opened ends a thought that the chat template opened: all text up to it is thought, so the last
  such mark decides.
* **Announcements**: "Here is my thought process: ... Here is my response: ..." (Granite 3.2), or
  the headings "## Thinking" and "## Final Response" (HuatuoGPT-o1).

Prose *about* marks is not a thought. A mark is only mentioned in quotation marks or backticks,
before the word "tag" or "token", in a pair such as "<think> and </think>", in a fenced code block,
and in the middle of a sentence, after a blank, where no mark closes it.
"""

import re
from dataclasses import dataclass

from pluralign.core.thought_marks import (
    begins_with_mark,
    fence_of,
    fenced,
    is_quoted,
    outside_marks,
)

_HARMONY = re.compile(
    r"<\|channel\|>\s{0,9}(analysis|commentary|final)\b[^<]{0,200}"
    r"(?:<\|constrain\|>[^<]{0,99})?<\|message\|>"
)
_HARMONY_OPENED = re.compile(r"\s{0,9}(analysis|commentary|final)\b[^<]{0,200}<\|message\|>")
_HARMONY_ENDS = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_SPECIAL = re.compile(r"<\|\w{1,20}\|>(?:assistant)?")
_STRIPPED = re.compile(
    r"\s{0,9}(?:assistant)?(?:analysis|commentary)(?:(?=[^\s,.:;'\"`)])|\n| to=)"
)
_STRIPPED_TURN = re.compile(r"assistant(final|analysis|commentary)(?![\"'`])")
_STRIPPED_UNCLOSED = re.compile(r"\s{0,9}(?:assistant)?analysis(?=[^\W\d_])")
_ANNOUNCED = re.compile(
    r"\s{0,9}(?:Here(?:'s|’s| is) my thought process\b:?|#{1,4} Thinking:?\s*\n)", re.I
)
_ANNOUNCES = re.compile(
    r"\bHere(?:'s|’s| is) my response\b:?|^#{1,4} Final Response\b:?", re.I | re.M
)

_Parts = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class SplitThought:
    """The two parts of a reply.

    Attributes:
        thought: The thought without its marks; empty where there is none.
        answer: The answer; None where a thought never ends, or the reply is only a thought.
    """

    thought: str
    answer: str | None


def split_thought(text: str) -> SplitThought:
    r"""Split a reply into its thought and its answer.

    The time is linear in the length of the text. The blanks between a thought and the answer are
    removed with the thought, so that an empty thought of a template leaves the answer unchanged.

    Args:
        text: A reply as generated.

    Returns:
        Thought and answer. A text without thoughts is the answer, unchanged.

    >>> split_thought("<think>Hm, 1? No.</think>\n\n2")
    SplitThought(thought='Hm, 1? No.', answer='2')
    >>> split_thought("The template opened it.</think>2").answer
    '2'
    >>> print(split_thought("<think>Hm, 1? No").answer)
    None
    >>> split_thought("Write it between `<think>` and `</think>`.").thought
    ''
    """
    for reads in (_harmony, _stripped_harmony, _announced, outside_marks):
        found = reads(text)
        if found is not None:
            thought, answer = found
            return SplitThought(thought, answer if answer and answer.strip() else None)
    return SplitThought("", text)


def begins_with_thought(text: str) -> bool:
    """Whether a text begins with a mark that `split_thought` reads.

    >>> begins_with_thought("<|channel|>final<|message|>2"), begins_with_thought("<|user|>2?")
    (True, False)
    """
    return _HARMONY.match(text) is not None or begins_with_mark(text)


def _harmony(text: str) -> _Parts | None:
    """The channels of gpt-oss; also where the prompt ended with ``<|channel|>``."""
    channels = _channels(text)
    if not channels:
        return None
    finals = [channel for channel in channels if channel[1] == "final"]
    final = finals[-1] if finals else None
    thoughts = [_SPECIAL.sub("", text[: channels[0].start()])]
    for channel in channels:
        if channel is not final:
            thoughts.append(_message(text, channel))
    thought = "\n".join(filter(None, map(str.strip, thoughts)))
    return thought, None if final is None else _message(text, final).lstrip()


def _channels(text: str) -> list[re.Match[str]]:
    """The beginnings of channels, without those that the text only mentions."""
    found = list(_HARMONY.finditer(text))
    fences = fenced(text) if found else []
    opened = _HARMONY_OPENED.match(text)
    channels = [] if opened is None else [opened]
    for channel in found:
        if not is_quoted(text, *channel.span()) and fence_of(channel.start(), fences) is None:
            channels.append(channel)
    return channels


def _message(text: str, channel: re.Match[str]) -> str:
    ends = _HARMONY_ENDS.search(text, channel.end())
    return text[channel.end() : ends.start() if ends else len(text)]


def _stripped_harmony(text: str) -> _Parts | None:
    """The channels of gpt-oss, decoded without special tokens."""
    if not _STRIPPED.match(text):
        return None
    turns = list(_STRIPPED_TURN.finditer(text))
    final = next((turn for turn in reversed(turns) if turn[1] == "final"), None)
    if final is None:
        return (text, None) if turns or _STRIPPED_UNCLOSED.match(text) else None
    ends = next((turn.start() for turn in turns if turn.start() > final.start()), len(text))
    return text[: final.start()].strip(), text[final.end() : ends].lstrip()


def _announced(text: str) -> _Parts | None:
    """A thought process and a response, each after a sentence that announces it."""
    begins = _ANNOUNCED.match(text)
    if begins is None:
        return None
    responses = list(_ANNOUNCES.finditer(text, begins.end()))
    if not responses and begins[0].lstrip().startswith("#"):  # a heading of the answer itself
        return None
    if not responses:
        return text[begins.end() :].strip(), None
    last = responses[-1]
    return text[begins.end() : last.start()].strip(), text[last.end() :].lstrip()
