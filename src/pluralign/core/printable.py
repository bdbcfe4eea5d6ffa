"""Text for people to read: texts made safe for a terminal, and counts."""

import unicodedata
from collections.abc import Sequence


def printable(text: str) -> str:
    r"""Remove control characters, which could move a terminal's cursor or erase its lines.

    Line feeds and tabs stay. A lone surrogate, which cannot be encoded, becomes U+FFFD.

    >>> printable("a\x1b[2Jb\x9bc\r\nd\ud800")
    'a[2Jbc\nd\ufffd'
    """
    if text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


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


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    return character if kind != "Cc" or character in "\n\t" else ""
