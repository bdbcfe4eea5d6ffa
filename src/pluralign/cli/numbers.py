"""Numbers as the tables print them."""

from collections.abc import Mapping
from typing import Any

from pluralign.cli.printed_tables import NOTHING, Number

Row = Mapping[str, Any]


def scaled(
    row: Row | None, *, scale: float = 1, digits: int = 1, signed: bool = False, empty: str = ""
) -> Number:
    """The value of a row of results with its interval.

    Args:
        row: A row with ``value``, ``low`` and ``high``; None where there is no such number.
        scale: Factor of the numbers, 100 for per cent.
        digits: Digits after the point.
        signed: Whether a plus stands before positive numbers, as in differences.
        empty: Text for a missing row.

    >>> scaled({"value": 0.615, "low": 0.58, "high": 0.65}, scale=100)
    Number(value='61.5', low='58.0', high='65.0')
    """
    if row is None or row["value"] is None:
        return Number(empty) if empty else NOTHING
    form = f"{{:{'+' if signed else ''}.{digits}f}}"
    value = form.format(scale * row["value"])
    if row["low"] is None:
        return Number(value)
    return Number(value, form.format(scale * row["low"]), form.format(scale * row["high"]))


def percent_number(row: Row | None, signed: bool = False) -> Number:
    """A fraction with its interval, in per cent; a dash where there is none."""
    return scaled(row, scale=100, signed=signed, empty="-")


def percent(row: Row | None, signed: bool = False) -> str:
    """A fraction with its interval, in per cent, as text.

    >>> percent({"value": 0.615, "low": 0.58, "high": 0.65})
    '61.5 [58.0, 65.0]'
    """
    number = percent_number(row, signed)
    return f"{number.value} {number.interval}".rstrip()
