"""Text for people to read: texts made safe for a terminal, and counts."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

_FROM_RIGHT = {"R", "AL", "AN"}
"""Classes of characters that are written from right to left, in Unicode's bidirectional algorithm.
"""
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of the text after them, up to the end of the line."""


def printable(text: str) -> str:
    r"""Remove control characters, which could move a terminal's cursor or erase its lines.

    Line feeds and tabs stay. A lone surrogate, which cannot be encoded, becomes U+FFFD.

    >>> printable("a\x1b[2Jb\x9bc\r\nd\ud800")
    'a[2Jbc\nd\ufffd'
    """
    if text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


def quoted(text: str) -> str:
    r"""A text in quotation marks, with characters that cannot be seen as escapes.

    The two joiners are shown as they are: words of Persian and Hindi are written with them.

    >>> quoted("می\u200cخورند\u202e") == "'می\u200cخورند\\u202e'"
    True
    """
    return repr(text).replace(r"\u200c", "\u200c").replace(r"\u200d", "\u200d")


def direction(text: str) -> Literal["ltr", "rtl"]:
    """The direction in which most letters of a text are written.

    >>> direction("KFC در تهران چند شعبه دارد؟"), direction("'چای' is tea"), direction("12")
    ('rtl', 'ltr', 'ltr')
    """
    kinds = Counter(map(unicodedata.bidirectional, text))
    return "rtl" if sum(kinds[kind] for kind in _FROM_RIGHT) > kinds["L"] else "ltr"


def from_right(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each group of words from right to left, without a Latin letter between.

    >>> text = "'چای' and نان ۲ تا (12)"
    >>> [text[start:end] for start, end in from_right(text)]
    ['چای', 'نان ۲ تا']
    """
    start, end = -1, -1
    for place, character in enumerate(text):
        kind = unicodedata.bidirectional(character)
        if kind in _FROM_RIGHT:
            start, end = (place if start < 0 else start), place + 1
        elif kind == "NSM" and end == place:  # a mark on the letter before it
            end = place + 1
        elif kind == "L" and start >= 0:
            yield start, end
            start = -1
    if start >= 0:
        yield start, end


def isolated(text: str) -> str:
    r"""A text for a line on a terminal, so that Persian or Arabic words move nothing next to them.

    A terminal that orders these words from right to left also moves numbers and brackets after
    them. Between Unicode's isolates (U+2067, U+2069) they are ordered by themselves: all of a text
    where most letters are written from right to left, else each group of such words. Other
    characters that change directions are removed. Files and pipes get texts as they are.

    >>> isolated("نان ۲ تا KFC") == "\u2067نان ۲ تا KFC\u2069"
    True
    >>> isolated("'چای' is 2 answers") == "'\u2067چای\u2069' is 2 answers"
    True
    >>> isolated("tea \u202e12")
    'tea 12'
    """
    bare = _DIRECTIONS.sub("", text)
    if direction(bare) == "rtl":
        return _between_isolates(bare)
    shown, done = "", 0
    for start, end in from_right(bare):
        shown += bare[done:start] + _between_isolates(bare[start:end])
        done = end
    return shown + bare[done:]


def count_of(n: int, thing: str, things: str | None = None) -> str:
    """Write a number with its noun, in the singular or the plural.

    Args:
        n: The number.
        thing: The noun in the singular.
        things: The noun in the plural, where it is not the singular with an s.

    >>> count_of(1, "row"), count_of(15783, "row"), count_of(2, "person", "people")
    ('1 row', '15,783 rows', '2 people')
    """
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first of some names, and how many more there are, for short reprs.

    >>> listed(["MEX", "GBR"]), listed(list("abcdefgh"), most=3), listed([])
    ('MEX, GBR', 'a, b, c and 5 more', 'none')
    """
    if not names:
        return "none"
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _between_isolates(text: str) -> str:
    return f"\u2067{text}\u2069"


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    return character if kind != "Cc" or character in "\n\t" else ""
