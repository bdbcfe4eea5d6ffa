"""JSON and TOML that anybody may have written: whatever is wrong with a text, one kind of error says it.

The standard parsers raise a `RecursionError` for deep nesting, and let through whole numbers that
no float can hold and tables nested so deeply that the code that reads them fails later.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pluralign.core.errors import DamagedFile

MOST_LEVELS = 100
_MOST_DIGITS = 300
_MANY_DIGITS = re.compile(rf"\d{{{_MOST_DIGITS}}}")


def parse_json(text: str | bytes) -> Any:
    """Read one JSON value.

    Raises:
        ValueError: If it is not JSON in UTF-8, is nested more than 100 levels deep, or holds a
            whole number of more than 300 digits.

    >>> parse_json("[" * 10_000)
    Traceback (most recent call last):
        ...
    ValueError: nested more than 100 levels deep
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        value = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _readable(error) from error
    if text.count("[") + text.count("{") > MOST_LEVELS or _MANY_DIGITS.search(text):
        _hold_moderate(value)
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: If it is not TOML, is nested more than 100 levels deep, or holds ``inf``,
            ``nan`` or a number too large for a float.

    >>> parse_toml("tau = nan")
    Traceback (most recent call last):
        ...
    ValueError: nan is not a finite number
    """
    try:
        value = tomllib.loads(text, parse_float=_finite)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _readable(error) from error
    _hold_moderate(value)
    return value


def read_json(path: Path, hint: str | None = None) -> Any:
    """Read a JSON file that we wrote, or that a model folder holds.

    Args:
        path: The file; it exists.
        hint: What to do where it is damaged.

    Raises:
        DamagedFile: If it is not JSON that `parse_json` takes.
        OSError: If it cannot be read.
    """
    try:
        return parse_json(path.read_bytes())
    except ValueError as error:
        raise DamagedFile(f"not JSON: {error}", where=str(path), hint=hint) from error


def read_json_object(path: Path, hint: str | None = None) -> dict[str, Any]:
    """As `read_json`, for a file that must hold an object.

    Raises:
        DamagedFile: If it holds anything else.
        OSError: If it cannot be read.
    """
    value = read_json(path, hint)
    if not isinstance(value, dict):
        raise DamagedFile(
            f"not a JSON object: a {type(value).__name__}", where=str(path), hint=hint
        )
    return value


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"{text:.20} is not a finite number")
    return number


def _readable(error: ValueError) -> ValueError:
    """Python's own message names a function to call where a number has thousands of digits."""
    return _too_long() if "integer string conversion" in str(error) else error


def _hold_moderate(value: Any) -> None:
    """Refuse what is nested too deeply, or holds a whole number that no float can hold; without recursion."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        if any(isinstance(one, int) and abs(one) >= 10**_MOST_DIGITS for one in level):
            raise _too_long()
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise _too_deep()


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ValueError:
    return ValueError(f"nested more than {MOST_LEVELS} levels deep")


def _too_long() -> ValueError:
    return ValueError(f"a whole number has more than {_MOST_DIGITS} digits")
