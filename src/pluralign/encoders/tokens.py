"""Pure functions that prepare texts for a tokenizer."""

_CHARACTERS_PER_TOKEN = 16


def without_idle_tail(text: str, tokens: int | None) -> str:
    """Cut a very long text where no model that reads ``tokens`` tokens would still look.

    The cut falls before white space, so that no word is broken. The beginning is generous (16
    characters a token, four times what English needs) but not a proof: where it fills fewer than
    ``tokens`` tokens, read the whole text.

    Args:
        text: Any text.
        tokens: How many tokens the model reads; None where it has no limit.

    Returns:
        The text, or its beginning.

    >>> len(without_idle_tail("so many words " * 10_000, tokens=16))
    254
    >>> without_idle_tail("few words", tokens=16)
    'few words'
    """
    limit = len(text) if tokens is None else tokens * _CHARACTERS_PER_TOKEN
    if len(text) <= limit:
        return text
    head, *_ = text[:limit].rsplit(maxsplit=1) or [""]
    return head or text[:limit]


def whole_characters(text: str) -> str:
    r"""Replace halves of surrogate pairs, which no tokenizer reads, by a question mark.

    >>> whole_characters("a\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")
