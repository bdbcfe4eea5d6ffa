"""The language that a browser asks for."""

from collections.abc import Sequence


def best_language(header: str, known: Sequence[str]) -> str:
    """The language that a browser prefers among those of a study.

    Args:
        header: Its ``Accept-Language``, such as ``es-MX,es;q=0.9,en;q=0.8``.
        known: Languages of the study; the first is the answer where the browser prefers none.

    >>> best_language("qu, es-MX;q=0.9, en;q=0.8", ["en", "es"])
    'es'
    >>> best_language("en;q=zero, fr, ;;, *", ["hi", "ar"])
    'hi'
    """
    wanted = [_weighed(part) for part in header.split(",")]
    usable = [(weight, tag) for weight, tag in wanted if weight > 0 and tag in known]
    return max(usable, key=lambda pair: pair[0], default=(0.0, known[0]))[1]


def _weighed(part: str) -> tuple[float, str]:
    tag, _, quality = part.partition(";")
    language = tag.strip().lower().partition("-")[0]
    try:
        return float(quality.strip().removeprefix("q=") or 1), language
    except ValueError:
        return 0.0, language
