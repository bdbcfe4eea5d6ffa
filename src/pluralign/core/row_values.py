"""Typed values of rows that record answers: names, texts, whole numbers, flags and lists."""

import math
from collections.abc import Mapping
from typing import Any

from pluralign.core.cells import cell_id, cell_number, is_missing
from pluralign.core.errors import InvalidInput
from pluralign.core.parsing import parse_json


def name_in(row: Mapping[str, Any], column: str, hint: str) -> str:
    """The text of a column that every row has.

    Raises:
        InvalidInput: If it is missing, with the hint.
    """
    value = row.get(column)
    if is_missing(value):
        raise InvalidInput(f"no {column}", hint=hint)
    return text_in(row, column)


def question_in(row: Mapping[str, Any], hint: str) -> str:
    """The id in ``question_id``; 1, 1.0 and "1" are the same id.

    Raises:
        InvalidInput: If it is missing, with the hint.
    """
    try:
        found = cell_id(row.get("question_id"))
    except InvalidInput as error:
        raise InvalidInput(f"question_id: {error.what}", hint=error.hint) from error
    if found is None:
        raise InvalidInput("no question_id", hint=hint)
    return found


def answer_in(row: Mapping[str, Any]) -> str:
    """The text in ``answer``; empty where the model returned nothing.

    Raises:
        InvalidInput: If there is no such column, or it is neither text nor a number.
    """
    value = row.get("answer")
    if (
        "answer" not in row
        or isinstance(value, bool)
        or not isinstance(value, str | int | float | None)
    ):
        got = f", got {shown_value(value)}" if "answer" in row else ""
        raise InvalidInput(
            f"no answer: it must be text or a number{got}",
            hint="write null where the model returned nothing",
        )
    if isinstance(value, str):
        return value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)


def text_in(row: Mapping[str, Any], column: str) -> str:
    """The text of a column; empty where it is missing."""
    value = row.get(column)
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    raise InvalidInput(f"{column} must be text, got {shown_value(value)}")


def whole_in(row: Mapping[str, Any], column: str) -> int:
    """The whole number of a column, >= 0; 0 where it is missing."""
    try:
        number = cell_number(row.get(column))
    except InvalidInput as error:
        raise InvalidInput(f"{column}: {error.what}") from error
    if number is not None and (number < 0 or number != int(number)):
        raise InvalidInput(f"{column} must be a whole number >= 0, got {shown_value(number)}")
    return int(number or 0)


def flag_in(row: Mapping[str, Any], column: str, missing: bool = False) -> bool:
    """The truth value of a column; ``missing`` where it is missing."""
    value = row.get(column)
    if is_missing(value):
        return missing
    known = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    if str(value).lower() not in known:
        raise InvalidInput(f"{column} must be true or false, got {shown_value(value)}")
    return known[str(value).lower()]


def list_in(row: Mapping[str, Any], column: str) -> list[Any]:
    """The list of a column, which may be JSON text as in tables; empty where it is missing."""
    value = row.get(column)
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise InvalidInput(f"{column} is not a JSON list: {shown_value(value)}") from error
    if isinstance(value, list | tuple):
        return list(value)
    if is_missing(value):
        return []
    raise InvalidInput(f"{column} must be a list, got {shown_value(value)}")


def float_of(value: int | float) -> float:
    """A number as a float; infinite where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def shown_value(value: object) -> str:
    """The beginning of a value, for a message; a long number is only described."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**20:
        return "a number of more than 20 digits"
    try:
        text = repr(value)
    except ValueError:  # a list with a number of thousands of digits
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def labels_of(labels: list[Any], options: int | None) -> tuple[str, ...]:
    """The labels of options as texts.

    Raises:
        InvalidInput: If one is not a text or a whole number, two are equal, one is empty, or there
            are not ``options`` of them.
    """
    if not all(isinstance(label, str | int) and not isinstance(label, bool) for label in labels):
        raise InvalidInput(f"labels must be texts or whole numbers, got {shown_value(labels)}")
    texts = tuple(map(str, labels))
    if options is not None and texts and len(texts) != options:
        raise InvalidInput(f"labels must be {options}, one for each option, got {len(texts)}")
    if len(set(texts)) < len(texts) or not all(text.strip() for text in texts):
        raise InvalidInput(f"labels must differ and not be empty, got {shown_value(labels)}")
    return texts
