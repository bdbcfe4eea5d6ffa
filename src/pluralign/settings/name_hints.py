"""Hints for mistaken names."""

from collections.abc import Sequence
from difflib import get_close_matches


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint that names near matches, else all known names.

    >>> nearest("scop", ["scpo", "full"])
    "did you mean 'scpo'?"
    >>> nearest("x", ["scpo", "full"])
    'known: scpo, full'
    """
    close = get_close_matches(name, known, n=2, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(repr(c) for c in close)}?"
    return f"known: {', '.join(known)}"
