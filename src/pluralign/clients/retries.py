"""When a request that failed is repeated."""

BUSY = frozenset({429, 502, 503, 504})
"""Statuses of a server that is busy, stopping or away: the same request may succeed later."""
FIRST_PAUSE = 0.5


def pause(turn: int, retry_after: str | None, longest: float) -> float:
    """Seconds until a request is repeated: 0.5, 1, 2, ..., and no sooner than the server names.

    Args:
        turn: How often it has failed before, >= 0.
        retry_after: The header ``Retry-After``; only whole seconds are read.
        longest: The longest pause.

    >>> pause(0, None, 60), pause(3, None, 60), pause(0, "3", 60), pause(9, None, 60)
    (0.5, 4.0, 3.0, 60)
    >>> pause(0, "Wed, 21 Oct 2026 07:28:00 GMT", 60)
    0.5
    """
    given = retry_after or ""
    named = float(given) if given.isascii() and given.isdigit() else 0.0
    return min(max(FIRST_PAUSE * 2.0**turn, named), longest)
