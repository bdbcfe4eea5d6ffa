r"""The answering part of a reply, without thoughts, special tokens and invented next questions."""

import re
import unicodedata

from pluralign.core.answer_words import QUESTION_WORD
from pluralign.core.thoughts import split_thought

_END = 2000
_TOKEN = (
    r"<[|｜][\w▁/.-]{1,40}[|｜]>|\[\|[\w/.-]{1,40}\|\]|</?s>|<(?:start|end)_of_\w{1,12}>|<\|?turn\|?>"
    r"|<(?:\w{1,9}:)?(?:eos|bos|pad|eo[dtmah]|unk|sep|end|stop)>|\[/?(?:INST|EOS|BOS|PAD|SEP|END|EOT)\]"
    r"|<(?:extra|extra_id|reserved|unused)_?\d{1,4}>|\[unused\d{1,4}\]|</(?:assistant|model|bot)>"
    r"|\[\[ ## completed ## \]\]"
)
_OPENING = re.compile(
    rf"(?:\s*(?:{_TOKEN})\s*(?:(?:assistant|model|chatbot|final)\b(?=\s*(?:{_TOKEN}|\n)))?)+", re.I
)
_STOP = re.compile(_TOKEN, re.I)
_BOX = re.compile(r"<\|(?:begin|end)_of_box\|>")
_TAGS = (
    r"(?:(?:final|my|chosen|selected)[_ ]?)?(?:answer|response|option|choice|selection)"
    r"|ans|output|result|label|number|conclusion|solution|final"
)
_CLOSED = re.compile(rf"<\s*/\s*(?:{_TAGS})\s*>", re.I)
_TAGGED = re.compile(
    rf"<\s*({_TAGS})\b[^<>]{{0,100}}>((?:(?!<\s*(?:{_TAGS})\b).)*?)(?:<\s*/\s*\1\s*>|\Z)"
    rf"|\[({_TAGS})\]((?:(?!\[(?:{_TAGS})\]).)*?)(?:\[/\3\]|\Z)",
    re.I | re.S,
)
_BRACKETED = re.compile(
    r"<<\s*([^<>\n]{1,80}?)\s*>>|\[\[\s*([^\[\]\n]{1,80}?)\s*\]\]|【\s*([^【】\n]{1,80}?)\s*】"
)
_NEXT = re.compile(
    r"\n[^\S\n]*(?:#{1,4}\s{0,9}|\*{1,2}\s{0,9})?(?:"
    rf"(?:next\s+)?(?:{QUESTION_WORD.pattern})\s*(?:no\.?\s*)?\d{{0,4}}\s*[:：.)*-]|q\s?\d{{0,4}}\s*[:：.)]"
    r"|(?:human|user|instruction|system)\s*[:：]|(?:instruction|question|user|human)\s*\n)"
    r"|\s(?:human|user):\s|\s#{2,6}\s*(?:instruction|question|input|user|human)\b",
    re.I,
)
_WHOLE_FLOAT = re.compile(r"(?<![\w.,-])(\d{1,3})\.0{1,6}(?![\w,]|\.\w|\s?%)")
_DECORATION = re.compile(r"[*_`$]+|\\[()\[\]]")


def answering_part(text: str) -> str | None:
    r"""The answering part of a reply; None where the reply is an unfinished thought.

    Only the beginning and the end of an enormous text are kept.

    >>> answering_part("<think>1 or 3?</think>2<|im_end|>\n<|im_start|>user\nAnd how old are you?")
    '2'
    >>> answering_part("2\n\nQuestion: Do you trust people?\nAnswer: 1")
    '2'
    >>> answering_part("It matters, so <answer>2</answer>")
    '2'
    """
    answer = split_thought(text).answer
    if answer is None:
        return None
    answer = _ends(answer)
    start = _OPENING.match(answer)
    answer = answer[start.end() :] if start else answer
    answer = _before(_STOP, _BOX.sub("", answer))
    tagged = [found[1] or found[3] for found in _TAGGED.findall(answer)]
    answer = tagged[-1] if tagged and tagged[-1].strip() else _before(_CLOSED, answer)
    return _before(_NEXT, answer).rstrip()


def bracketed(text: str) -> str | None:
    """The text in the last double brackets, ``<<2>>`` or ``[[2]]``; None where there are none."""
    found = _BRACKETED.findall(text)
    return next(filter(None, found[-1])) if found else None


def clean(text: str) -> str:
    """Write digits of every script as 0-9, and whole numbers without ``.0``.

    Compatible forms of a character become one form. Marks of emphasis and invisible format
    characters (zero width, directions, soft hyphens) are removed.

    >>> clean("**٢**"), clean("2.0"), clean("\u200b２\u200f")
    ('2', '2', '2')
    """
    plain = unicodedata.normalize("NFKC", text)
    if not plain.isascii():
        plain = "".join(_visible(c) for c in plain)
    return _WHOLE_FLOAT.sub(r"\1", _DECORATION.sub("", plain)).strip()


def _visible(c: str) -> str:
    """The character, a digit as 0-9; empty for an invisible one."""
    if unicodedata.category(c) == "Cf":
        return ""
    digit = unicodedata.digit(c, None) if c.isdigit() else None
    return c if digit is None else str(digit)


def _before(mark: re.Pattern[str], text: str) -> str:
    """The text before the first mark that has words in front of it."""
    for found in mark.finditer(text):
        before = text[: found.start()]
        if before.strip():
            return before
    return text


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"
