r"""Thoughts are not the answer: what a reasoning model wrote before its answer is told apart from it.

Read are the marks that models use, whatever their case: tags (``<think>``, ``<reasoning>``, ``[THINK]``,
``<|begin_of_thought|>``, ...), the channels of the harmony format, with their special tokens or stripped of them, and
``Here is my thought process: ... Here is my response:``. A mark in quotes, in backticks or in a code block is a mention
of a mark. So is an opening mark in the middle of a line that nothing closes.
"""

import re
from dataclasses import dataclass

_NAMES = "think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|deliberation"
_SPACED = rf"\s{{0,9}}(?:[\w.-]{{1,20}}:)?(?:{_NAMES})"
_OPEN = (
    rf"<{_SPACED}(?:\s[^<>\n]{{0,200}})?>|\[{_SPACED}\s{{0,9}}\]|◁\s{{0,9}}think\s{{0,9}}▷"
    r"|<\|begin_of_thought\|>|<\|start_thinking\|>|<\|think(?:ing)?\|>|<\|inner_prefix\|>|<unused94>(?:thought\b)?"
)
_CLOSE = (
    rf"<\s{{0,9}}/{_SPACED}\s{{0,9}}>|\[\s{{0,9}}/{_SPACED}\s{{0,9}}\]|◁\s{{0,9}}/think\s{{0,9}}▷"
    r"|<\|end_of_thought\|>|<\|end_thinking\|>|<\|/think(?:ing)?\|>|<\|inner_suffix\|>|<unused95>"
)
_MARK = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})", re.IGNORECASE)
_INDENT = 200
_QUOTES = "`\"'“”‘’«»「」"
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_WRAPPER = re.compile(r"\s*<\|(?:begin|end)_of_solution\|>\s*|\s*<\|(?:start|end)_response\|>\s*", re.IGNORECASE)

_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_MESSAGE_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_STRIPPED = re.compile(r"\s*(?:assistant)?(?:analysis|commentary)")
_STRIPPED_OPEN = re.compile(r"\s*(?:assistant)?analysis(?=[^\W\d_a-z])")
_FINAL = "assistantfinal"
_PROCESS, _RESPONSE = "here is my thought process:", "here is my response:"


@dataclass(frozen=True, slots=True)
class SplitThought:
    """A reply in its two parts.

    Attributes:
        thought: What was thought; empty where the reply has no thought.
        answer: What was answered; None where the thought never ends, or nothing stands beside it.
    """

    thought: str
    answer: str | None


def split_thought(text: str) -> SplitThought:
    r"""Split a reply into what was thought and what was answered.

    Everything before a closing mark that nothing opened is thought, and so is what stands between an opening and a
    closing mark. An opening mark at the beginning of a line that nothing closes leaves no answer. Time is linear in
    the length of the text.

    Args:
        text: A reply as it came.

    Returns:
        Thought and answer. A text without thought is its own answer, unchanged; else the answer has no blanks where it
        touched the thought.

    >>> split_thought("Is it 1? Hmm, no.\n</think>\n\n2")
    SplitThought(thought='Is it 1? Hmm, no.', answer='2')
    >>> split_thought("<|channel|>analysis<|message|>3?<|end|><|start|>assistant<|channel|>final<|message|>2").answer
    '2'
    >>> split_thought("<think>It depends on").answer is None
    True
    >>> split_thought("Close it with `</think>`.").answer
    'Close it with `</think>`.'
    """
    if _CHANNEL.search(text):
        return _of_channels(text)
    if _STRIPPED.match(text) and _FINAL in text:
        thought, _, answer = text.rpartition(_FINAL)
        return _split(thought, answer)
    if _STRIPPED_OPEN.match(text):
        return SplitThought(text.strip(), None)
    start = text[:200].lower().lstrip()
    if start.startswith(_PROCESS):
        before, found, after = _parted(text, _RESPONSE)
        return _split(before, after if found else "")
    return _of_tags(text)


def _split(thought: str, answer: str) -> SplitThought:
    answer = _WRAPPER.sub("", answer).lstrip()
    return SplitThought(thought.strip(), answer if answer.strip() else None)


def _parted(text: str, mark: str) -> tuple[str, bool, str]:
    """The text before and behind the last place of a mark in any case, and whether it has it."""
    found = [match.span() for match in re.finditer(re.escape(mark), text, re.IGNORECASE)]
    if not found:
        return text, False, ""
    start, end = found[-1]
    return text[:start], True, text[end:]


def _of_channels(text: str) -> SplitThought:
    """Harmony: the last ``final`` channel is the answer, all else is thought."""
    answer, thoughts = "", []
    for channel in _CHANNEL.finditer(text):
        end = _MESSAGE_END.search(text, channel.end())
        message = text[channel.end() : end.start() if end else len(text)]
        if channel[1].lower() == "final":
            answer = message
        else:
            thoughts.append(message.strip())
    return _split("\n".join(thoughts), answer)


def _of_tags(text: str) -> SplitThought:
    marks = list(_MARK.finditer(_without_mentions(text)))
    closings = [mark.start() for mark in marks if mark["close"]]
    last_close = closings[-1] if closings else -1
    thoughts: list[str] = []
    answers: list[str] = []
    at, opened = 0, False
    for mark in marks:
        if mark["close"]:
            if not opened:
                thoughts += [*answers, text[at : mark.start()]]
                answers = []
            else:
                thoughts.append(text[at : mark.start()])
            at, opened = mark.end(), False
        elif not opened and (mark.start() < last_close or _begins_line(text, mark.start(), at)):
            answers.append(text[at : mark.start()])
            at, opened = mark.end(), True
    if opened:
        return SplitThought(_joined([*thoughts, text[at:]]), None)
    if not at:
        return SplitThought("", text)
    answers = [answer.rstrip() for answer in answers if answer.strip()]
    last = text[at:].lstrip()
    return _split(_joined(thoughts), "\n".join([*answers, last] if last else answers))


def _begins_line(text: str, start: int, after: int) -> bool:
    """Whether only blanks stand between a mark and the beginning of its line, or the thought before it."""
    line = text[max(after, start - _INDENT) : start].rpartition("\n")[2]
    return not line.strip()


def _joined(parts: list[str]) -> str:
    return "\n".join(stripped for part in parts if (stripped := part.strip()))


def _without_mentions(text: str) -> str:
    """The text with marks blanked that are only mentioned: in quotes, or in a code block that shows both marks."""

    def quoted(mark: re.Match[str]) -> str:
        before, after = text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]
        return " " * len(mark[0]) if before and before in _QUOTES and after and after in _QUOTES else mark[0]

    def shown(block: re.Match[str]) -> str:
        marks = list(_MARK.finditer(block[0]))
        paired = len(marks) > 1 and marks[0]["open"] and len(marks) == 2 * sum(bool(m["open"]) for m in marks)
        return _MARK.sub(lambda mark: " " * len(mark[0]), block[0]) if paired else block[0]

    return _MARK.sub(quoted, _FENCED.sub(shown, text))
