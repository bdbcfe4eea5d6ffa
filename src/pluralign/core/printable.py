"""Text that people read: text from elsewhere that a terminal may show, and counts."""

import unicodedata


def printable(text: str) -> str:
    r"""A text without control characters, which could move a terminal's cursor or change what it showed before.

    Line feeds and tabs stay. A lone surrogate, which no terminal can be sent, becomes U+FFFD.

    >>> printable("a\x1b[2Jb\x9bc\r\nd\ud800")
    'a[2Jbc\nd\ufffd'
    """
    if text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


def count_of(n: int, thing: str, things: str | None = None) -> str:
    """A number with what it counts, in the singular or the plural.

    Args:
        n: How many.
        thing: The noun in the singular.
        things: The noun in the plural, where it is not the singular with an s.

    >>> count_of(1, "row"), count_of(15783, "row"), count_of(2, "person", "people")
    ('1 row', '15,783 rows', '2 people')
    """
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    return character if kind != "Cc" or character in "\n\t" else ""
