"""JSON and TOML of unknown origin: every fault of a text raises one kind of error.

The standard parsers raise a `RecursionError` for deep nesting. They accept whole numbers that are
too large for a float, and tables nested so deeply that the code that reads them fails later.
"""

import itertools
import json
import math
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pluralign.core.errors import DamagedFile

MOST_LEVELS = 100
_MOST_DIGITS = 300
# Looked for at the beginning of a number only: vectors are nothing but digits.
_MANY_DIGITS = re.compile(rf"(?<![0-9])[0-9]{{{_MOST_DIGITS}}}")


def parse_json(text: str | bytes) -> Any:
    """Read one JSON value.

    Raises:
        ValueError: If it is not JSON in UTF-8, is nested more than 100 levels deep, or has a whole
            number of more than 300 digits.

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
        _check_depth_and_digits(value)
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: If it is not TOML, is nested more than 100 levels deep, or has ``inf``, ``nan``
            or a number too large for a float.

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
    _check_depth_and_digits(value)
    return value


def read_json(path: Path, hint: str | None = None) -> Any:
    """Read a JSON file that this package wrote, or that is in the folder of a model.

    Args:
        path: The file; it exists.
        hint: The next step for the user where it is damaged.

    Raises:
        DamagedFile: If `parse_json` cannot read it.
        OSError: If it cannot be read.
    """
    try:
        return parse_json(path.read_bytes())
    except ValueError as error:
        raise DamagedFile(f"not JSON: {error}", where=str(path), hint=hint) from error


def read_json_object(path: Path, hint: str | None = None) -> dict[str, Any]:
    """Read a JSON file as `read_json` does, and check that it is an object.

    Raises:
        DamagedFile: If it is not JSON, or not an object.
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
    if not math.isfinite(number):
        raise ValueError(f"{text:.20} is not a finite number")
    return number


def _readable(error: ValueError) -> ValueError:
    """Python's message about a number of thousands of digits names a function; ours does not."""
    return _too_long() if "integer string conversion" in str(error) else error


def _check_depth_and_digits(value: Any) -> None:
    """Refuse deep nesting and long whole numbers, level by level instead of by recursion."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        if any(isinstance(one, int) and abs(one) >= 10**_MOST_DIGITS for one in level):
            raise _too_long()
        level = list(itertools.chain.from_iterable(map(_inside, level)))
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
