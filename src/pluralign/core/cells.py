"""Values of single cells of a table: marks of missing values, ids and numbers."""

import math
import numbers
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from pluralign.core.errors import InvalidInput

_INVISIBLE = "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SPACES = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000"
)
_BLANKS = "".join(map(chr, (*range(33), *range(127, 160)))) + _SPACES + _INVISIBLE + _DIRECTIONS
_AROUND = " .,:;!?-–—_#<>()[]{}*/\\\"'`"
_LONGEST_MARK = 40
_EXACT_FLOAT = 2**53  # every whole number up to this one is a float, too

MISSING_MARKS = frozenset({
    "", "na", "n/a", "n.a", "nan", "nat", "none", "null", "nil", "undefined", "missing",
    "missing value", "unknown",
    "not known", "not stated", "not specified", "not given", "not provided", "not recorded",
    "not reported",
    "not available", "not applicable", "no answer", "no response", "no data", "prefer not to say",
    "prefer not to answer", "prefer not to disclose", "prefer not to respond",
    "i prefer not to say",
    "rather not say", "i'd rather not say", "i would rather not say", "refused",
    "refused to answer", "declined",
    "decline to answer", "declined to answer", "decline to state", "don't know", "dont know",
    "do not know",
})  # fmt: skip
"""Marks of a missing value, in lower case, without punctuation around them; "" is one of them."""

_TEXT_MARKS = frozenset({"nan", "NaN", "NAN", "NaT", "<NA>", "#N/A", "NULL", "null", "\\N"})
_WRITTEN_BY_PROGRAMS = frozenset(
    {"\\n", "#value!", "#ref!", "#name?", "#div/0!", "#num!", "#null!"}
)


def tidy(text: str) -> str:
    r"""The text in Unicode normal form C, without blanks and invisible characters at either end.

    >>> tidy("\u00a0NIR \u200b")
    'NIR'
    """
    return stripped(unicodedata.normalize("NFC", text))


def stripped(text: str) -> str:
    r"""The text without blanks and invisible characters at either end, such as a byte-order mark.

    >>> stripped("\ufeffprompt ")
    'prompt'
    """
    return text.strip(_BLANKS)


def without_gaps(text: str) -> str:
    """A text from which words were taken, without the blanks that they leave.

    >>> without_gaps("What do people  eat ?")
    'What do people eat?'
    """
    text = re.sub(r"[ \t]{2,}", " ", text)
    return re.sub(r"\s+(?=[?.,;:!؟،؛।。，？！፣።])", "", text).strip()


def is_missing(value: object) -> bool:
    """Whether a cell is missing: null, not a number, or a mark such as ``NA``, ``-`` or ``#N/A``.

    Answers that withhold something ("Prefer not to say") are marks, too. ``NA`` is always a mark:
    Namibia is written ``NAM`` or ``Namibia``.

    >>> [is_missing(value) for value in (None, float("nan"), "NA", "<NA>", " - ", "Unknown")]
    [True, True, True, True, True, True]
    >>> [is_missing(value) for value in ("0", 0)]
    [False, False]
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # marks of pandas
        return True
    if not isinstance(value, str):
        # Not a number is the one value that differs from itself.
        return isinstance(value, numbers.Real | Decimal) and value != value  # noqa: PLR0124
    return len(value) <= 2 * _LONGEST_MARK and _is_mark(value)


@lru_cache(maxsize=4096)
def _is_mark(text: str) -> bool:
    mark = " ".join(tidy(text).casefold().replace("’", "'").split())
    return mark in _WRITTEN_BY_PROGRAMS or mark.strip(_AROUND) in MISSING_MARKS


def is_missing_text(text: str) -> bool:
    """Whether a whole text is a program's mark of a missing value: "nan", "<NA>", "NULL", "#N/A".

    People write "None", "N/A" and "-" as answers, so these are not marks here.

    >>> [is_missing_text(text) for text in ("nan", " <NA> ", "None", "Nan bread, please")]
    [True, True, False, False]
    """
    return len(text) <= _LONGEST_MARK and tidy(text) in _TEXT_MARKS


def cell_id(value: object) -> str | None:
    """Write an id in one spelling; None where it is missing.

    Blanks around it are removed, and whole numbers are written without a decimal point: pandas
    turns a column of whole numbers with a gap into floats, so 17, 17.0 and "17.0" are one id.

    Args:
        value: Text or a whole number.

    Raises:
        InvalidInput: If it is something else, or a float so large that its last digits are lost.

    >>> cell_id(17.0), cell_id("17.0"), cell_id(" r17 "), cell_id("nan")
    ('17', '17', 'r17', None)
    """
    if is_missing(value):
        return None
    if isinstance(value, str):
        text = tidy(value)
        whole = text.removesuffix(".0")
        return whole if whole != text and whole.isdecimal() else text
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        raise InvalidInput(f"an id must be text or a whole number, got {value!r:.60}")
    if isinstance(value, numbers.Integral):
        return str(int(value))
    number = float(value)
    if not number.is_integer():
        raise InvalidInput(f"an id must be text or a whole number, got {value!r:.60}")
    if abs(number) > _EXACT_FLOAT:
        raise InvalidInput(
            f"the id {value!r} is a float that has lost its last digits", hint="write ids as text"
        )
    return str(int(number))


def cell_number(value: object) -> float | None:
    """Read a number, or the text of one; None where it is missing.

    Raises:
        InvalidInput: If it is something else, or infinite.

    >>> cell_number("0.5"), cell_number(2), cell_number("N/A")
    (0.5, 2.0, None)
    """
    if is_missing(value):
        return None
    wrong = InvalidInput(f"the value must be a number, got {value!r:.60}")
    if isinstance(value, bool) or not isinstance(value, str | numbers.Real | Decimal):
        raise wrong
    try:
        number = float(tidy(value).replace("_", "?") if isinstance(value, str) else value)
    except (ValueError, OverflowError) as error:
        raise wrong from error
    if not math.isfinite(number):
        raise wrong
    return number
