"""Text from elsewhere that a terminal may show."""

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


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    return character if kind != "Cc" or character in "\n\t" else ""
