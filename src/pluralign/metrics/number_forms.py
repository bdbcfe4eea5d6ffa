"""One form for every spelling of a number: decimals, thousands, times and dates."""

import re

_PARTED = re.compile(r"\d+(?:[.,:/٫٬]\d+)+")
"""Digits with a mark between them: 1.5, 1,000, 9:30, 12/25."""
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:([.,٫٬])\d{3})(?:\1\d{3})*")
_DECIMAL = re.compile(r"(\d+)[.,٫](\d+)")


def split_numbers(text: str) -> list[tuple[str, bool]]:
    """Parts of a text, each with whether it is a number with a mark between its digits.

    Args:
        text: The text, with digits 0 to 9.

    >>> split_numbers("about 1.5 hours, 2 at most")
    [('about ', False), ('1.5', True), (' hours, 2 at most', False)]
    """
    parts = []
    start = 0
    for match in _PARTED.finditer(text):
        parts += [(text[start : match.start()], False), (match[0], True)]
        start = match.end()
    parts.append((text[start:], False))
    return [(part, number) for part, number in parts if part]


def number_form(number: str) -> str:
    """A number in one spelling.

    Three digits after a mark are thousands, except after 0. Zeros before a number are left out, and
    those at the end of one or two decimals.

    Args:
        number: Digits 0 to 9, with marks between them or not.

    >>> [number_form(n) for n in ("1,5", "2.0", "10.000", "0.500", "08/03", "09:00", "007")]
    ['1.5', '2', '10000', '0.5', '8/3', '9:00', '7']
    """
    if "/" in number:
        return "/".join(map(_without_zeros, number.split("/")))
    number = _without_zeros(number)
    if _THOUSANDS.fullmatch(number):
        return re.sub(r"\D", "", number)
    decimal = _DECIMAL.fullmatch(number)
    if decimal is None:
        return number
    whole, decimals = decimal[1], decimal[2]
    if len(decimals) <= 2 or whole == "0":
        decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _without_zeros(number: str) -> str:
    """The number without zeros before it; a zero alone stays."""
    return re.sub(r"^0+(?=\d)", "", number)
